"""The JSON bodies that `HTTP_API.md` describes, made from the index."""

from __future__ import annotations

import math
import re
import typing

from tensorboard_plugin import schema
from tensorboard_plugin.answers.change import measure_change
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.picture_columns import NONE
from tensorboard_plugin.index.picture_series import PictureSeries, between
from tensorboard_plugin.index.run_index import RunIndex

Json = dict[str, typing.Any]

_DIGITS = re.compile(r"([0-9]+)")


def runs_body(index: LogIndex) -> Json:
    """`runs`."""
    with index.lock:
        ordered = sorted(index.runs.values(), key=lambda r: (_natural(r.label), r.training))
        listed = [_run_summary(index, run) for run in ordered]
    return {
        "version": schema.SCHEMA_VERSION,
        "token": ".".join(run["token"] for run in listed),
        "log_directories": [each.path for each in index.directories],
        "indexing": {
            "done": sum(run["indexing"]["done"] for run in listed),
            "total": sum(run["indexing"]["total"] for run in listed),
        },
        "runs": listed,
    }


def _run_summary(index: LogIndex, run: RunIndex) -> Json:
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
        "last_wall_time": finite_or_none(run.last_wall_time),
        "techniques": run.techniques,
        "indexing": _indexing(run),
        "problems": run.all_problems()[0],
    }


def _indexing(run: RunIndex) -> Json:
    done, total = run.progress
    return {"done": done, "total": total}


def _natural(text: str) -> list[tuple[int, int | str]]:
    return [(0, int(p)) if p.isdecimal() else (1, p) for p in _DIGITS.split(text) if p]


def run_body(index: LogIndex, run: RunIndex) -> Json:
    """`run`; to be called under the index's lock."""
    layers = run.layers
    images = _images(run)
    layer_places = {layer["path"]: i for i, layer in enumerate(layers)}
    image_places = {image["name"]: i for i, image in enumerate(images)}
    ordered = run.ordered_series
    lists: dict[bytes, int] = {}
    step_lists: list[list[int]] = []
    described = []
    for s in ordered:
        key = s.step.tobytes()
        if key not in lists:
            lists[key] = len(step_lists)
            step_lists.append(s.step.tolist())
        fields = s.fields
        described.append(
            {
                "tag": s.tag,
                "technique": fields.technique,
                "layer": None if fields.layer is None else layer_places[fields.layer["path"]],
                "image": None if fields.image_name is None else image_places[fields.image_name],
                "step_list": lists[key],
                "width": fields.width,
                "height": fields.height,
                "kind": "grid" if fields.is_grid else "map" if s.has_heat_map else "image",
                "heat_map": s.has_heat_map,
                "levels": fields.has_levels,
            }
        )
    steps = run.sorted_steps
    infos = [run.steps[step] for step in steps]
    _, problems = run.all_problems()
    return {
        "version": schema.SCHEMA_VERSION,
        "run": run.name,
        "name": run.label,
        "training": run.training,
        "token": index.token(run),
        "indexing": _indexing(run),
        "steps": {
            "step": steps,
            "epoch": [info.epoch for info in infos],
            "batch": [info.batch for info in infos],
            "wall_time": [finite_or_none(info.wall_time) for info in infos],
            "v": [run.stamp(step) for step in steps],
        },
        "techniques": run.techniques,
        "layers": layers,
        "images": images,
        "step_lists": step_lists,
        "series": described,
        "problems": [
            {"file": file, "offset": p.offset, "kind": p.kind, "message": p.message}
            for file, p in problems
        ],
    }


def _images(run: RunIndex) -> list[Json]:
    found: dict[str, Json] = {}
    for s in sorted(run.series.values(), key=lambda s: s.fields.technique != "images"):
        fields = s.fields
        if fields.image_name is None:
            continue
        held_out = fields.technique == schema.TECHNIQUE_IMAGES and len(s.step) > 0
        label = fields.label
        entry = found.setdefault(
            fields.image_name,
            {
                "name": fields.image_name,
                "index": 0 if fields.image_index is None else fields.image_index,
                "label": None,
                "tag": s.tag if held_out else None,
                "step": s.step[-1] if held_out else None,
                "v": run.stamp(s.step[-1]) if held_out else None,
            },
        )
        if entry["label"] is None and label is not None:
            entry["label"] = {"index": label["index"], "name": label["name"]}
    return sorted(found.values(), key=lambda image: (image["index"], image["name"]))


def series_body(
    index: LogIndex, run: RunIndex, chosen: list[PictureSeries], first: int | None, last: int | None
) -> Json:
    """`series`; to be called under the index's lock."""
    described = []
    classes: set[int] = set()
    for s in chosen:
        span = s.between(first, last)
        label = s.fields.label
        prediction, target = _classes(s, "prediction", span), _classes(s, "target", span)
        classes |= {c for column in (prediction, target) for c in column or () if c is not None}
        classes |= set() if label is None else {label["index"]}
        described.append(
            {
                "tag": s.tag,
                "step": s.step[span].tolist(),
                "dead_fraction": _numbers(s, "dead", span),
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


def metrics_body(index: LogIndex, run: RunIndex, first: int | None, last: int | None) -> Json:
    """`metrics`; to be called under the index's lock."""
    steps = run.sorted_steps
    steps = steps[between(steps, first, last)]
    rows = [run.steps[step].metrics for step in steps]
    return {
        "token": index.token(run),
        "step": steps,
        "metrics": {
            name: [finite_or_none(row[i]) if i < len(row) else None for row in rows]
            for name, i in run.metric_names.items()
        },
    }


def health_body(
    index: LogIndex,
    run: RunIndex,
    rows: list[PictureSeries],
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
        pending = measure_change(index, run, rows, steps)
    with index.lock:
        places = {layer["path"]: i for i, layer in enumerate(run.layers)}
        name = "dead" if measure == "dead" else "blank" if measure == "blank" else "change"
        values = []
        for s in rows:
            column = s.columns[name]
            found = (s.find(step) for step in steps)
            values.append([None if i is None else _share(column[i]) for i in found])
        return {
            "token": index.token(run),
            "measure": "change" if measure == "change" else "dead",
            "technique": rows[0].fields.technique if rows else None,
            "image": image,
            "step": steps,
            "layers": [places[s.fields.layer["path"]] for s in rows if s.fields.layer is not None],
            "tags": [s.tag for s in rows],
            "values": values,
            "pending": pending,
        }


def finite_or_none(value: float | None) -> float | None:
    """The number, or None where it is not finite: JSON has no NaN."""
    return None if value is None or not math.isfinite(value) else value


def _share(value: float) -> float | None:
    return round(value, 5) if 0 <= value < math.inf else None  # neither NaN nor `NOT_COMPARABLE`


def _numbers(s: PictureSeries, name: str, span: slice) -> list[float | None] | None:
    column: list[float | None] = [
        round(v, 6) if math.isfinite(v) else None for v in s.columns[name][span]
    ]
    return column if any(v is not None for v in column) else None


def _classes(s: PictureSeries, name: str, span: slice) -> list[int | None] | None:
    column: list[int | None] = [None if v == NONE else v for v in s.columns[name][span]]
    return column if any(v is not None for v in column) else None
