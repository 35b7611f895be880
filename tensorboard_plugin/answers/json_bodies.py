"""The JSON that `HTTP_API.md` describes, made from the index."""

from __future__ import annotations

import math
import re
import time
import typing

from tensorboard_plugin import schema
from tensorboard_plugin.answers import pictures
from tensorboard_plugin.index.log_index import Index
from tensorboard_plugin.index.picture_columns import NONE
from tensorboard_plugin.index.run_index import Run, Series, between, technique_order
from tensorboard_plugin.log.event_reader import Damaged
from tensorboard_plugin.log.log_source import Gone

Json = dict[str, typing.Any]

API_VERSION = 1

CHANGE_SLICE = 0.3
"""Seconds that one request may spend on comparing pictures."""

_NOT_COMPARABLE = -1.0
_BLOCK = 16
_DIGITS = re.compile(r"([0-9]+)")


def runs(index: Index) -> Json:
    """`runs`."""
    with index.lock:
        ordered = sorted(index.runs.values(), key=lambda r: (_natural(r.label), r.training))
        listed = [_run_summary(index, run) for run in ordered]
    return {
        "version": API_VERSION,
        "token": ".".join(run["token"] for run in listed),
        "log_directories": [root.path for root in index.roots],
        "indexing": {
            "done": sum(run["indexing"]["done"] for run in listed),
            "total": sum(run["indexing"]["total"] for run in listed),
        },
        "runs": listed,
    }


def _run_summary(index: Index, run: Run) -> Json:
    steps = run.sorted_steps
    return {
        "run": run.name,
        "name": run.label,
        "training": run.training,
        "token": index.token(run),
        "pictures": run.pictures,
        "steps": len(steps),
        "first_step": steps[0] if steps else None,
        "last_step": steps[-1] if steps else None,
        "last_wall_time": number(run.last_wall_time),
        "techniques": run.techniques,
        "indexing": _indexing(run),
        "problems": run.all_problems()[0],
    }


def _indexing(run: Run) -> Json:
    done, total = run.progress
    return {"done": done, "total": total}


def _natural(text: str) -> list[tuple[int, int | str]]:
    return [(0, int(p)) if p.isdecimal() else (1, p) for p in _DIGITS.split(text) if p]


def run(index: Index, of: Run) -> Json:
    """`run`; to be called under the index's lock."""
    layers = layers_of(of)
    images = _images(of)
    layer_places = {layer["path"]: i for i, layer in enumerate(layers)}
    image_places = {image["name"]: i for i, image in enumerate(images)}
    ordered = ordered_series(of)
    lists: dict[bytes, int] = {}
    step_lists: list[list[int]] = []
    described = []
    for s in ordered:
        key = s.step.tobytes()
        if key not in lists:
            lists[key] = len(step_lists)
            step_lists.append(s.step.tolist())
        facts = s.facts
        described.append(
            {
                "tag": s.tag,
                "technique": facts.name,
                "layer": None if facts.layer is None else layer_places[facts.layer["path"]],
                "image": None if facts.image_name is None else image_places[facts.image_name],
                "step_list": lists[key],
                "width": facts.width,
                "height": facts.height,
                "kind": "grid" if facts.is_grid else "map" if s.has_heat_map else "image",
                "heat_map": s.has_heat_map,
                "levels": facts.has_levels,
            }
        )
    steps = of.sorted_steps
    infos = [of.steps[step] for step in steps]
    _, problems = of.all_problems()
    return {
        "version": API_VERSION,
        "run": of.name,
        "name": of.label,
        "training": of.training,
        "token": index.token(of),
        "indexing": _indexing(of),
        "steps": {
            "step": steps,
            "epoch": [info.epoch for info in infos],
            "batch": [info.batch for info in infos],
            "wall_time": [number(info.wall_time) for info in infos],
            "v": [of.stamp(step) for step in steps],
        },
        "techniques": of.techniques,
        "layers": layers,
        "images": images,
        "step_lists": step_lists,
        "series": described,
        "problems": [
            {"file": file, "offset": p.offset, "kind": p.kind, "message": p.message}
            for file, p in problems
        ],
    }


def layers_of(run: Run) -> list[Json]:
    """The layers that pictures show, in network order."""
    found: dict[str, Json] = {}
    for s in run.series.values():
        layer = s.facts.layer
        if layer is not None:
            shape = layer["shape"]
            found[layer["path"]] = {**layer, "channels": shape[-1] if shape else None}
    return sorted(found.values(), key=lambda layer: (layer["index"], layer["path"]))


def _images(run: Run) -> list[Json]:
    found: dict[str, Json] = {}
    for s in sorted(run.series.values(), key=lambda s: s.facts.name != "images"):
        facts = s.facts
        if facts.image_name is None:
            continue
        held_out = facts.name == schema.NAME_IMAGES and len(s.step) > 0
        label = facts.label
        entry = found.setdefault(
            facts.image_name,
            {
                "name": facts.image_name,
                "index": 0 if facts.image_index is None else facts.image_index,
                "label": None,
                "tag": s.tag if held_out else None,
                "step": s.step[-1] if held_out else None,
                "v": run.stamp(s.step[-1]) if held_out else None,
            },
        )
        if entry["label"] is None and label is not None:
            entry["label"] = {"index": label["index"], "name": label["name"]}
    return sorted(found.values(), key=lambda image: (image["index"], image["name"]))


def ordered_series(run: Run) -> list[Series]:
    """By technique, layer, image."""

    def order(s: Series) -> tuple[typing.Any, ...]:
        f = s.facts
        layer = (-1, "") if f.layer is None else (f.layer["index"], f.layer["path"])
        image = (-1 if f.image_index is None else f.image_index, f.image_name or "")
        return technique_order(f.name), layer, image

    return sorted(run.series.values(), key=order)


def series(
    index: Index, run: Run, chosen: list[Series], first: int | None, last: int | None
) -> Json:
    """`series`; to be called under the index's lock."""
    described = []
    classes: set[int] = set()
    for s in chosen:
        span = s.between(first, last)
        label = s.facts.label
        prediction, target = _classes(s, "prediction", span), _classes(s, "target", span)
        classes |= {c for column in (prediction, target) for c in column or () if c is not None}
        classes |= set() if label is None else {label["index"]}
        described.append(
            {
                "tag": s.tag,
                "step": s.step[span].tolist(),
                "dead_fraction": _dead(run, s, span),
                "blank_fraction": _numbers(s, "blank", span),
                "blank": [s.is_blank(i) for i in range(len(s.step))[span]],
                "label": None if label is None else label["index"],
                "prediction": prediction,
                "label_probability": _numbers(s, "label_probability", span),
                "prediction_probability": _numbers(s, "prediction_probability", span),
                "target": target,
            }
        )
    return {
        "token": index.token(run),
        "classes": {str(c): run.classes.get(c, str(c)) for c in sorted(classes)},
        "series": described,
    }


def metrics(index: Index, run: Run, first: int | None, last: int | None) -> Json:
    """`metrics`; to be called under the index's lock."""
    steps = run.sorted_steps
    steps = steps[between(steps, first, last)]
    rows = [run.steps[step].metrics for step in steps]
    return {
        "token": index.token(run),
        "step": steps,
        "metrics": {
            name: [number(row[i]) if i < len(row) else None for row in rows]
            for name, i in run.metric_names.items()
        },
    }


def health(
    index: Index,
    run: Run,
    rows: list[Series],
    measure: str,
    image: str | None,
    steps: list[int],
) -> Json:
    """`health`; takes the lock itself, because pictures are read for ``change``.

    Args:
        index: It.
        run: The run.
        rows: One series a layer, in network order.
        measure: ``dead``, ``blank`` or ``change``.
        image: The image's name, for the answer.
        steps: The columns.
    """
    pending = 0
    if measure == "change":
        pending = _measure_change(index, run, rows, steps)
    with index.lock:
        places = {layer["path"]: i for i, layer in enumerate(layers_of(run))}
        values = []
        for s in rows:
            if measure == "dead":
                layer = run.layer_measure(s, "dead_channels")
                values.append([_share(layer.get(step, math.nan)) for step in steps])
                continue
            column = s.columns[measure]
            found = (s.find(step) for step in steps)
            values.append([None if i is None else _share(column[i]) for i in found])
        return {
            "token": index.token(run),
            "measure": "change" if measure == "change" else "dead",
            "technique": rows[0].facts.name if rows else None,
            "image": image,
            "step": steps,
            "layers": [places[s.facts.layer["path"]] for s in rows if s.facts.layer is not None],
            "tags": [s.tag for s in rows],
            "values": values,
            "pending": pending,
        }


def _measure_change(index: Index, run: Run, rows: list[Series], steps: list[int]) -> int:
    """Compares pictures with the ones before, latest first, until time is up; how many are left."""
    deadline = time.monotonic() + CHANGE_SLICE
    with index.lock:
        wanted = [
            [(s, step) for step in steps if (i := s.find(step)) is not None and _unknown(s, i)]
            for s in rows
        ]
    left = sum(len(cells) for cells in wanted)
    for end in range(max((len(cells) for cells in wanted), default=0), 0, -_BLOCK):
        for cells in wanted:
            decoded: dict[int, typing.Any] = {}
            for s, step in reversed(cells[max(0, end - _BLOCK) : end]):
                if time.monotonic() > deadline:
                    return left
                _compare(index, run, s, step, decoded)
                left -= 1
    return left


def _compare(index: Index, run: Run, s: Series, step: int, decoded: dict[int, typing.Any]) -> None:
    with index.lock:
        i = s.find(step)
        if i is None or run.series.get(s.tag) is not s:
            return
        steps = s.step[max(0, i - 1) : i + 1].tolist()
        entries = [run.entry(s, k) for k in range(max(0, i - 1), i + 1)]
    result: float | None = None
    if len(entries) == 2:
        for at, entry in zip(steps, entries, strict=True):
            if at not in decoded:
                try:
                    decoded[at] = pictures.grey(pictures.read(entry))
                except (Gone, Damaged):
                    decoded[at] = None
        before, after = (decoded[at] for at in steps)
        if before is not None and after is not None:
            result = pictures.difference(before, after)
        decoded.pop(step, None)
    with index.lock:
        i = s.find(step)
        if i is not None:
            s.change[i] = _NOT_COMPARABLE if result is None else result


def _unknown(s: Series, i: int) -> bool:
    return math.isnan(s.change[i])


def number(value: float | None) -> float | None:
    """For JSON, which has no NaN."""
    return None if value is None or not math.isfinite(value) else value


def _share(value: float) -> float | None:
    return round(value, 5) if 0 <= value < math.inf else None  # neither NaN nor `_NOT_COMPARABLE`


def _dead(run: Run, s: Series, span: slice) -> list[float | None] | None:
    known = run.layer_measure(s, "dead_channels")
    column = [number(known.get(step)) for step in s.step[span]]
    return [v if v is None else round(v, 6) for v in column] if any(column) or known else None


def _numbers(s: Series, name: str, span: slice) -> list[float | None] | None:
    column: list[float | None] = [
        round(v, 6) if math.isfinite(v) else None for v in s.columns[name][span]
    ]
    return column if any(v is not None for v in column) else None


def _classes(s: Series, name: str, span: slice) -> list[int | None] | None:
    column: list[int | None] = [None if v == NONE else v for v in s.columns[name][span]]
    return column if any(v is not None for v in column) else None
