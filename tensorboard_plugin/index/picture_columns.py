"""The numbers that the index keeps of each picture, from its record or from contents."""

from __future__ import annotations

import typing

from tensorboard_plugin.contents import FRAME, Still
from tensorboard_plugin.index.record_fields import (
    BLANK,
    HAS_HEAT_MAP,
    HAS_RECORD,
    UNKNOWN,
    Facts,
    number,
)
from tensorboard_plugin.log.event_reader import CaptureEvent, PictureEvent, RecordEvent

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
    "dead": "f",
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
    dead, blank, label, prediction, target = UNKNOWN, UNKNOWN, None, None, None
    if record is not None:
        offset, length = record.offset, record.length
        flags = HAS_HEAT_MAP if record.has_heat_map else 0
    if facts is not None:
        flags |= HAS_RECORD | (BLANK if facts.blank else 0)
        dead, blank = facts.dead, facts.blank_fraction
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
        dead,
        blank,
        number(label and label.get("probability")),
        NONE if prediction is None else prediction["index"],
        number(prediction and prediction.get("probability")),
        NONE if target is None else target["index"],
        UNKNOWN,
    )


def listed(
    file: int, capture: CaptureEvent, still: Still, row: tuple[typing.Any, ...]
) -> tuple[Facts, Values]:
    """What contents say of one picture: what would be taken from its record and from itself."""
    record, record_length, length, flags, moment, at_label, at_prediction, at_target = row[:8]
    wall_time, dead, blank, *probabilities = row[8:]
    classes = capture.contents.classes
    label = _score(classes[at_label], probabilities[0])
    prediction = _score(classes[at_prediction], probabilities[1])
    target = _score(classes[at_target], probabilities[2])
    dead, blank = number(dead), number(blank)
    epoch, batch, metrics = capture.contents.moments[moment]
    facts = Facts(
        still.technique,
        epoch,
        batch,
        still.layer,
        still.image_name,
        still.image_index,
        label,
        prediction,
        target,
        still.width,
        still.height,
        still.is_grid,
        still.has_levels,
        dead,
        blank,
        flags & BLANK > 0,
        metrics,
    )
    record += capture.offset
    values = (
        capture.step,
        wall_time,
        file,
        record + record_length + FRAME,
        length,
        record,
        record_length,
        HAS_RECORD | flags & (BLANK | HAS_HEAT_MAP),
        dead,
        blank,
        UNKNOWN if label is None else number(probabilities[0]),
        NONE if prediction is None else prediction["index"],
        UNKNOWN if prediction is None else number(probabilities[1]),
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
