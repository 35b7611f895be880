"""Records and contents of version 1 in today's shape: no other file knows what they were.

A record of version 1 had a ``technique`` for its ``name``, no ``kind``, ``title`` and ``item``, and
two numbers with fields of their own: ``dead_fraction``, which belongs to the layer, and
``blank_fraction``, which belongs to the picture.
"""

from __future__ import annotations

import struct
import typing

VERSION = 1

LAYER_MEASURE = "dead_channels"
"""The name that ``dead_fraction`` has today."""

PICTURE_MEASURE = "blank_channels"
"""The name that ``blank_fraction`` has today."""

TITLES = {
    "activations": "Activations",
    "filters": "Filter patterns",
    "images": "Held-out images",
    "grad_cam": "Grad-CAM",
    "hires_cam": "HiResCAM",
    "layer_cam": "LayerCAM",
    "xgrad_cam": "XGrad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
}
"""Titles of the names that callbacks had unless the user gave another."""

CONTENTS_ROW = struct.Struct("<3IB4H6d")
"""A row of contents: after the wall time come the layer's number and the picture's, then the three
probabilities."""

_ITEMS = {"channels": "channel", "patterns": "filter"}


def is_of_version_1(content: typing.Any) -> bool:
    """Whether this is the JSON of a record of version 1."""
    return isinstance(content, dict) and content.get("version") == VERSION


def record(content: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """The JSON of a record, without the layer's number.

    Args:
        content: The JSON of a record of version 1.
    """
    rest = {
        k: v
        for k, v in content.items()
        if k not in ("version", "technique", "dead_fraction", "blank_fraction")
    }
    is_grid = content.get("grid") is not None
    description = _description(
        content.get("technique"), is_grid, is_grid and content.get("colormap") is not None
    )
    blank = content.get("blank_fraction")
    measures = {} if blank is None else {"measures": {PICTURE_MEASURE: blank}}
    return {**rest, **description, **measures}


def layer_measures(content: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """The numbers of the layer that a record of version 1 held, by name."""
    dead = content.get("dead_fraction")
    return {} if dead is None else {LAYER_MEASURE: dead}


def static_content(pictures: list[dict[str, typing.Any]]) -> dict[str, typing.Any]:
    """The static part of contents, of which version 1 had only the list of pictures."""
    return {"measures": [PICTURE_MEASURE], "pictures": list(map(_static_fields, pictures))}


def row(values: tuple[typing.Any, ...]) -> tuple[typing.Any, ...]:
    """The numbers of a row in today's order: its one measure comes last.

    Args:
        values: The fields of `CONTENTS_ROW`.
    """
    *fixed, _, blank, label, prediction, target = values
    return (*fixed, label, prediction, target, blank)


def tables(
    pictures: typing.Sequence[typing.Any],
    rows: typing.Sequence[tuple[typing.Any, ...]],
    moments: typing.Sequence[tuple[int, int, dict[str, typing.Any]]],
) -> list[dict[str, typing.Any]]:
    """The layers' numbers, which the rows held, as JSON of measure tables.

    Args:
        pictures: With ``name`` and ``layer``, one for each row.
        rows: The fields of `CONTENTS_ROW`.
        moments: Epoch, batch and metrics, to which rows refer.
    """
    found: dict[tuple[str, int], dict[str, tuple[typing.Any, float]]] = {}
    for picture, values in zip(pictures, rows, strict=True):
        moment, dead = values[4], values[9]
        if picture.layer is not None and dead == dead:
            table = found.setdefault((picture.name, moment), {})
            table[picture.layer["path"]] = picture.layer, dead
    result = []
    for (name, moment), table in found.items():
        layers = [layer for layer, _ in table.values()]
        numbers = [dead for _, dead in table.values()]
        epoch, batch, _ = moments[moment]
        result.append(
            {
                "name": name,
                "epoch": epoch,
                "batch": batch,
                "layers": layers,
                "measures": {LAYER_MEASURE: numbers},
            }
        )
    return result


def _static_fields(content: dict[str, typing.Any]) -> dict[str, typing.Any]:
    rest = {k: v for k, v in content.items() if k != "technique"}
    is_grid = content.get("grid") is True
    description = _description(
        content["technique"], is_grid, is_grid and content.get("levels") is True
    )
    return {**rest, **description}


def _description(name: typing.Any, is_grid: bool, has_levels: bool) -> dict[str, typing.Any]:
    """What a picture is, of which version 1 said only the name."""
    if name == "images":
        kind = "image"
    elif is_grid:
        kind = "channels" if has_levels else "patterns"
    else:
        kind = "evidence"
    title = TITLES.get(name, name) if isinstance(name, str) else name
    return {"name": name, "kind": kind, "title": title, "item": _ITEMS.get(kind)}
