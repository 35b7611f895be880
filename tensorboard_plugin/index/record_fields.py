"""What the index takes from a record. Anybody may have written it: everything is checked."""

from __future__ import annotations

import json
import typing

from tensorboard_plugin import checked_json, schema, version_1
from tensorboard_plugin.capture_table import Class, Moment, StaticFields
from tensorboard_plugin.checked_json import UNKNOWN

_LONG = (',"grid":{', ',"statistics":{')
"""Fields that make up nine tenths of a record. The index needs nothing of them."""


class RecordFields(typing.NamedTuple):
    """What a record says about its picture, as far as the index needs it.

    Attributes:
        static: Fields that are the same at each step.
        moment: Epoch, batch and metrics.
        label: The true class; None where it is not known.
        prediction: The class that the model predicts; None where it is not known.
        target: The class whose score is explained; None where there is none.
        label_probability: Between 0 and 1; NaN where it is not known.
        prediction_probability: Between 0 and 1; NaN where it is not known.
        measures: Numbers of the picture.
        layer_measures: Numbers of the layer, which only records of version 1 hold.
        is_blank: Whether the heat map is zero everywhere.
    """

    static: StaticFields
    moment: Moment
    label: Class | None
    prediction: Class | None
    target: Class | None
    label_probability: float
    prediction_probability: float
    measures: dict[str, float]
    layer_measures: dict[str, float]
    is_blank: bool


def read_record_fields(data: bytes, tag: str, known: StaticFields | None) -> RecordFields:
    """What the index needs of a record.

    Args:
        data: The record's JSON.
        tag: Tag of the picture.
        known: The static fields of another picture of the tag. Without them every field is
            checked, else only what is taken. (Building the whole record takes twenty times as
            long.)

    Raises:
        ValueError: It is no record.
    """
    if known is None:
        schema.decode_record(data)
    try:
        content = json.loads(_shortened(data.decode()))
    except RecursionError as error:
        raise ValueError("Not a keras_viz record: it is nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError("Not a keras_viz record: an object was expected")
    layer_measures = {}
    if version_1.is_of_version_1(content):
        layer_measures = checked_json.checked_measures(version_1.layer_measures(content))
        content = version_1.record(content)
    get = content.get
    metrics = get("metrics")
    label, prediction, target = map(get, ("label", "prediction", "target"))
    return RecordFields(
        static=_static_fields(content, tag, known),
        moment=(
            checked_json.integer(get("epoch"), 0),
            checked_json.integer(get("batch"), 0),
            metrics if isinstance(metrics, dict) else {},
        ),
        label=_class(label),
        prediction=_class(prediction),
        target=_class(target),
        label_probability=_probability(label),
        prediction_probability=_probability(prediction),
        measures=checked_json.checked_measures(get("measures")),
        layer_measures=layer_measures,
        is_blank=get("blank") is True,
    )


def _static_fields(
    content: dict[str, typing.Any], tag: str, known: StaticFields | None
) -> StaticFields:
    get = content.get
    kind, layer = get("kind"), get("layer")
    is_grid = isinstance(get("grid"), dict)
    if known is not None and layer == known.layer:
        layer = known.layer
    else:
        layer = checked_json.checked_layer(layer)
    return StaticFields(
        tag=tag,
        name=checked_json.text(get("name")) or "",
        kind=kind if kind in schema.KINDS else schema.Record.kind,
        title=checked_json.text(get("title")) or "",
        item=checked_json.text(get("item")),
        layer=layer,
        image_name=checked_json.text(get("image_name")),
        image_index=checked_json.integer(get("image_index"), None),
        width=checked_json.integer(get("width"), 0),
        height=checked_json.integer(get("height"), 0),
        is_grid=is_grid,
        has_levels=is_grid and isinstance(get("colormap"), str),
    )


def _class(value: typing.Any) -> Class | None:
    score = checked_json.checked_score(value)
    return None if score is None else (score["index"], score["name"])


def _probability(value: typing.Any) -> float:
    if _class(value) is None:
        return UNKNOWN
    return checked_json.number(value.get("probability"))


def _shortened(text: str) -> str:
    """A record's JSON with its long fields emptied."""
    for field in _LONG:
        start = text.find(field) + len(field)
        end = text.find("}", start)
        # Where an object is in it, it is no record of ours, and better read completely.
        if start >= len(field) and end >= 0 and "{" not in text[start:end]:
            text = text[:start] + text[end:]
    return text
