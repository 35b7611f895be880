"""The JSON bodies that `HTTP_API.md` describes, made from the index."""

from __future__ import annotations

import math
import re
import typing
from array import array
from collections.abc import Iterable

from tensorboard_plugin.capture_table import Class
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.picture_columns import NO_CLASS
from tensorboard_plugin.index.picture_series import PictureSeries
from tensorboard_plugin.index.run_index import RunIndex
from tensorboard_plugin.index.step_columns import between

Json = dict[str, typing.Any]

API_VERSION = 2

_DIGITS = re.compile(r"([0-9]+)")


def runs_body(index: LogIndex) -> Json:
    """`runs`."""
    with index.lock:
        ordered = sorted(index.runs.values(), key=lambda r: (_natural(r.label), r.training))
        listed = [_run_summary(index, run) for run in ordered]
    return {
        "version": API_VERSION,
        "token": ".".join(run["token"] for run in listed),
        "log_directories": [each.path for each in index.directories],
        "indexing": {
            "done": sum(run["indexing"]["done"] for run in listed),
            "total": sum(run["indexing"]["total"] for run in listed),
        },
        "runs": listed,
    }


def run_body(index: LogIndex, run: RunIndex) -> Json:
    """`run`; to be called under the index's lock."""
    layers = run.layers
    images = _images(run)
    layer_places = {layer["path"]: i for i, layer in enumerate(layers)}
    image_places = {image["name"]: i for i, image in enumerate(images)}
    lists: dict[bytes, int] = {}
    step_lists: list[list[int]] = []
    described = []
    for s in run.ordered_series:
        key = s.step.tobytes()
        if key not in lists:
            lists[key] = len(step_lists)
            step_lists.append(s.step.tolist())
        static, path = s.static, s.layer_path
        described.append(
            {
                "tag": s.tag,
                "name": static.name,
                "kind": static.kind,
                "item": static.item,
                "layer": None if path is None else layer_places[path],
                "image": None if static.image_name is None else image_places[static.image_name],
                "step_list": lists[key],
                "width": static.width,
                "height": static.height,
                "grid": static.is_grid,
                "heat_map": s.has_heat_map,
                "levels": static.has_levels,
            }
        )
    steps = run.sorted_steps
    infos = [run.steps[step] for step in steps]
    _, problems = run.all_problems()
    return {
        "version": API_VERSION,
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
        "names": _names(run),
        "measures": [
            {"measure": measure, "of": of, "names": list(names)}
            for measure, of, names in run.measures
        ],
        "layers": layers,
        "images": images,
        "step_lists": step_lists,
        "series": described,
        "problems": [
            {"file": file, "offset": p.offset, "kind": p.kind, "message": p.message}
            for file, p in problems
        ],
    }


def series_body(
    index: LogIndex, run: RunIndex, chosen: list[PictureSeries], first: int | None, last: int | None
) -> Json:
    """`series`; to be called under the index's lock."""
    described = []
    classes: set[int] = set()
    for s in chosen:
        span = s.between(first, last)
        steps = s.step[span].tolist()
        prediction, target = _classes(s, "prediction", span), _classes(s, "target", span)
        classes |= {c for column in (prediction, target) for c in column or () if c is not None}
        classes |= set() if s.label is None else {s.label[0]}
        described.append(
            {
                "tag": s.tag,
                "step": steps,
                "measures": _measures(s, span),
                "layer_measures": _layer_measures(run, s, steps),
                "blank": [s.is_blank(i) for i in range(len(s.step))[span]],
                "label": None if s.label is None else s.label[0],
                "prediction": prediction,
                "label_probability": _column(s.columns.fixed["label_probability"][span]),
                "prediction_probability": _column(s.columns.fixed["prediction_probability"][span]),
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


def finite_or_none(value: float | None) -> float | None:
    """The number, or None where it is not finite: JSON has no NaN."""
    return None if value is None or not math.isfinite(value) else value


def rounded(value: float) -> float | None:
    """A number of the index with the six digits that it is kept with; None where not finite."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


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
        "names": _names(run),
        "indexing": _indexing(run),
        "problems": run.all_problems()[0],
    }


def _indexing(run: RunIndex) -> Json:
    done, total = run.progress
    return {"done": done, "total": total}


def _natural(text: str) -> list[tuple[int, int | str]]:
    return [(0, int(p)) if p.isdecimal() else (1, p) for p in _DIGITS.split(text) if p]


def _names(run: RunIndex) -> list[Json]:
    """The callbacks that drew pictures, in the order of their series."""
    found: dict[str, Json] = {}
    for s in run.ordered_series:
        name, kind, title, item = s.static.name, s.static.kind, s.static.title, s.static.item
        found.setdefault(name, {"name": name, "kind": kind, "title": title, "item": item})
    return list(found.values())


def _images(run: RunIndex) -> list[Json]:
    found: dict[str, Json] = {}
    for s in sorted(run.series.values(), key=lambda s: s.static.kind != "image"):
        name, index = s.static.image_name, s.static.image_index
        if name is None:
            continue
        held_out = s.static.kind == "image" and len(s.step) > 0
        entry = found.setdefault(
            name,
            {
                "name": name,
                "index": 0 if index is None else index,
                "label": None,
                "tag": s.tag if held_out else None,
                "step": s.step[-1] if held_out else None,
                "v": run.stamp(s.step[-1]) if held_out else None,
            },
        )
        if entry["label"] is None:
            entry["label"] = _label(s.label)
    return sorted(found.values(), key=lambda image: (image["index"], image["name"]))


def _label(label: Class | None) -> Json | None:
    return None if label is None else {"index": label[0], "name": label[1]}


def _measures(s: PictureSeries, span: slice) -> dict[str, list[float | None]]:
    """The measures of pictures, without those that are not known of any of them."""
    columns = {name: _column(column[span]) for name, column in s.columns.measures.items()}
    return {name: column for name, column in columns.items() if column is not None}


def _layer_measures(
    run: RunIndex, s: PictureSeries, steps: list[int]
) -> dict[str, list[float | None]]:
    """The measures of the layer that pictures show, at the steps of the pictures."""
    layer = run.layer_series_of(s)
    if layer is None:
        return {}
    places = [layer.columns.find(step) for step in steps]
    found = {}
    for name, numbers in layer.columns.measures.items():
        column = _column(math.nan if i is None else numbers[i] for i in places)
        if column is not None:
            found[name] = column
    return found


def _column(numbers: Iterable[float]) -> list[float | None] | None:
    """Numbers for JSON; None where none of them is known."""
    column = list(map(rounded, numbers))
    return column if any(v is not None for v in column) else None


def _classes(s: PictureSeries, name: str, span: slice) -> list[int | None] | None:
    numbers: array[int] = s.columns.fixed[name][span]
    column = [None if v == NO_CLASS else v for v in numbers]
    return column if any(v is not None for v in column) else None
