"""What the index takes from a record, whoever wrote it: nothing in it is trusted."""

from __future__ import annotations

import json
import math
import typing

from tensorboard_plugin import schema

UNKNOWN = math.nan

BLANK, HAS_RECORD, HAS_HEAT_MAP = 1, 2, 4
"""Flags of a picture: a class map without any evidence, and what stands beside it."""

_LONG = (',"grid":{', ',"statistics":{')
"""Fields that make up nine tenths of a record, and of which the index takes nothing."""


class Facts(typing.NamedTuple):
    """What a record says about its picture, as far as the index needs it."""

    technique: str
    epoch: int
    batch: int
    layer: dict[str, typing.Any] | None
    image_name: str | None
    image_index: int | None
    label: dict[str, typing.Any] | None
    prediction: dict[str, typing.Any] | None
    target: dict[str, typing.Any] | None
    width: int
    height: int
    is_grid: bool
    has_levels: bool
    dead: float
    blank_fraction: float
    blank: bool
    metrics: dict[str, typing.Any]


def read_facts(data: bytes, before: Facts | None) -> Facts:
    """What the index needs of a record.

    Args:
        data: The record's JSON.
        before: Those of another picture of the series. Without them every field is checked, else
            only what is taken. (Building the whole record takes twenty times as long.)

    Raises:
        ValueError: It is no record.
    """
    if before is None:
        schema.decode_record(data)
    try:
        content = json.loads(_shortened(data.decode()))
    except RecursionError as error:
        raise ValueError("Not a keras_viz record: it is nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError("Not a keras_viz record: an object was expected")
    get = content.get
    metrics = get("metrics")
    layer = get("layer")
    is_grid = isinstance(get("grid"), dict)
    return Facts(
        text(get("technique")) or "",
        integer(get("epoch"), 0),
        integer(get("batch"), 0),
        before.layer if before is not None and layer == before.layer else checked_layer(layer),
        text(get("image_name")),
        integer(get("image_index"), None),
        checked_score(get("label")),
        checked_score(get("prediction")),
        checked_score(get("target")),
        integer(get("width"), 0),
        integer(get("height"), 0),
        is_grid,
        is_grid and isinstance(get("colormap"), str),
        number(get("dead_fraction")),
        number(get("blank_fraction")),
        get("blank") is True,
        metrics if isinstance(metrics, dict) else {},
    )


def _shortened(text: str) -> str:
    """A record's JSON with its long fields emptied."""
    for field in _LONG:
        start = text.find(field) + len(field)
        end = text.find("}", start)
        # Where an object is in it, it is no record of ours, and better read whole.
        if start >= len(field) and end >= 0 and "{" not in text[start:end]:
            text = text[:start] + text[end:]
    return text


def checked_layer(value: typing.Any) -> dict[str, typing.Any] | None:
    """A layer's path, class name, index and shape; None where it has no path."""
    if not isinstance(value, dict) or not isinstance(value.get("path"), str):
        return None
    shape = value.get("shape")
    return {
        "path": value["path"],
        "class_name": text(value.get("class_name")) or "",
        "index": integer(value.get("index"), 0),
        "shape": [integer(n, 0) for n in shape] if isinstance(shape, list) else [],
    }


def checked_score(value: typing.Any) -> dict[str, typing.Any] | None:
    """A class with an index and a name; None where it has no index that a class can have."""
    if not isinstance(value, dict):
        return None
    index = integer(value.get("index"), None)
    if index is None or not 0 <= index < 1 << 31:
        return None
    return {**value, "index": index, "name": text(value.get("name")) or str(index)}


def text(value: typing.Any) -> str | None:
    """The value if it is text."""
    return value if isinstance(value, str) else None


@typing.overload
def integer(value: typing.Any, default: int) -> int: ...
@typing.overload
def integer(value: typing.Any, default: None) -> int | None: ...
def integer(value: typing.Any, default: int | None) -> int | None:
    """The value if it is an integer that a float can hold, else the default."""
    return value if type(value) is int and abs(value) < 1 << 53 else default


def number(value: typing.Any) -> float:
    """As a float; NaN where it is none."""
    if type(value) in (int, float) and abs(value) < 1e300:
        return float(value)
    return UNKNOWN
