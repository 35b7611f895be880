"""The numbers that the index keeps of each picture, from its record or from contents."""

from __future__ import annotations

import typing

from tensorboard_plugin.capture_table import BLANK, HAS_HEAT_MAP, Row, StaticFields
from tensorboard_plugin.checked_json import UNKNOWN, number
from tensorboard_plugin.index.record_fields import HAS_RECORD, Facts
from tensorboard_plugin.log.event_reader import CaptureEvent, PictureEvent, RecordEvent
from tensorboard_plugin.tfrecord import FRAME_BYTES

NONE = -1  # no class

# Array type of every per-picture number.
COLUMNS = {
    "step": "q",
    "wall_time": "d",
    "file": "I",
    "offset": "Q",
    "length": "Q",
    "record_offset": "Q",
    "record_length": "I",
    "flags": "B",
    "blank": "f",
    "label_probability": "f",
    "prediction": "i",
    "prediction_probability": "f",
    "target": "i",
    "change": "f",
}
FLAGS = list(COLUMNS).index("flags")

Values = tuple[typing.Any, ...]
"""A number for each column."""


def values_of(
    file: int, record: RecordEvent | None, picture: PictureEvent, facts: Facts | None
) -> Values:
    """One picture's numbers, in the order of the columns."""
    offset, length, flags = 0, 0, 0
    blank, label, prediction, target = UNKNOWN, None, None, None
    if record is not None:
        offset, length = record.offset, record.length
        flags = HAS_HEAT_MAP if record.has_heat_map else 0
    if facts is not None:
        flags |= HAS_RECORD | (BLANK if facts.blank else 0)
        blank = facts.measures.get("blank_channels", UNKNOWN)
        label, prediction, target = facts.label, facts.prediction, facts.target
    return (
        picture.step,
        picture.wall_time,
        file,
        picture.offset,
        picture.length,
        offset,
        length,
        flags,
        blank,
        number(label and label.get("probability")),
        NONE if prediction is None else prediction["index"],
        number(prediction and prediction.get("probability")),
        NONE if target is None else target["index"],
        UNKNOWN,
    )


def listed(
    file: int, capture: CaptureEvent, static: StaticFields, row: Row
) -> tuple[Facts, Values]:
    """What contents say of one picture: what would be taken from its record and from itself."""
    contents = capture.contents
    label = _score(contents.classes[row.label], row.label_probability)
    prediction = _score(contents.classes[row.prediction], row.prediction_probability)
    target = _score(contents.classes[row.target], row.target_probability)
    epoch, batch, metrics = contents.moments[row.moment]
    measures = contents.measures_of(row)
    facts = Facts(
        name=static.name,
        kind=static.kind,
        title=static.title,
        item=static.item,
        epoch=epoch,
        batch=batch,
        layer=static.layer,
        image_name=static.image_name,
        image_index=static.image_index,
        label=label,
        prediction=prediction,
        target=target,
        width=static.width,
        height=static.height,
        is_grid=static.is_grid,
        has_levels=static.has_levels,
        measures=measures,
        layer_measures={},
        blank=row.flags & BLANK > 0,
        metrics=metrics,
    )
    record = capture.offset + row.offset
    values = (
        capture.step,
        row.wall_time,
        file,
        record + row.record_length + FRAME_BYTES,
        row.length,
        record,
        row.record_length,
        HAS_RECORD | row.flags & (BLANK | HAS_HEAT_MAP),
        measures.get("blank_channels", UNKNOWN),
        UNKNOWN if label is None else number(row.label_probability),
        NONE if prediction is None else prediction["index"],
        UNKNOWN if prediction is None else number(row.prediction_probability),
        NONE if target is None else target["index"],
        UNKNOWN,
    )
    return facts, values


def _score(known: tuple[int, str] | None, probability: float) -> dict[str, typing.Any] | None:
    """A class as a record has it; NaN is no probability."""
    if known is None:
        return None
    index, name = known
    if probability != probability:
        return {"index": index, "name": name}
    return {"index": index, "name": name, "probability": probability}
