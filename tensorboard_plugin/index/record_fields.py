"""What the index takes from a record, whoever wrote it: nothing in it is trusted."""

from __future__ import annotations

import json
import typing

from tensorboard_plugin import schema, version_1
from tensorboard_plugin.checked_json import (
    checked_layer,
    checked_measures,
    checked_score,
    integer,
    text,
)

HAS_RECORD = 2
"""Flag of a picture, beside those of `tensorboard_plugin.capture_table`."""

_LONG = (',"grid":{', ',"statistics":{')
"""Fields that make up nine tenths of a record, and of which the index takes nothing."""


class Facts(typing.NamedTuple):
    """What a record says about its picture, as far as the index needs it."""

    name: str
    kind: str
    title: str
    item: str | None
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
    measures: dict[str, float]
    layer_measures: dict[str, float]
    """Numbers of the layer, which records of version 1 held."""
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
    layer_measures = {}
    if version_1.is_of_version_1(content):
        layer_measures = checked_measures(version_1.layer_measures(content))
        content = version_1.record(content)
    get = content.get
    metrics = get("metrics")
    layer = get("layer")
    is_grid = isinstance(get("grid"), dict)
    return Facts(
        text(get("name")) or "",
        get("kind") if get("kind") in schema.KINDS else schema.Record.kind,
        text(get("title")) or "",
        text(get("item")),
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
        checked_measures(get("measures")),
        layer_measures,
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
