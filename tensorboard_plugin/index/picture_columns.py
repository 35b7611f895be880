"""The numbers that the index keeps of each picture, from its record or from contents."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence

from tensorboard_plugin.capture_table import BLANK, HAS_HEAT_MAP, Class, Moment, StaticFields
from tensorboard_plugin.checked_json import UNKNOWN, number
from tensorboard_plugin.index.record_fields import RecordFields
from tensorboard_plugin.log.log_events import CaptureEvent, PictureEvent, RecordEvent
from tensorboard_plugin.tfrecord import FRAME_BYTES

HAS_RECORD = 2
"""Flag of a picture with a record; the other flags are in `tensorboard_plugin.capture_table`."""

NO_CLASS = -1

COLUMN_TYPES = {
    "step": "q",
    "wall_time": "d",
    "file": "I",
    "offset": "Q",
    "length": "Q",
    "record_offset": "Q",
    "record_length": "I",
    "flags": "B",
    "label_probability": "f",
    "prediction": "i",
    "prediction_probability": "f",
    "target": "i",
    "change": "f",
}
"""Array type of each number of a picture, in the order of `PictureRow`."""


class PictureRow(typing.NamedTuple):
    """The numbers of one picture at one step, except for its measures.

    Attributes:
        step: Step of the summary.
        wall_time: Seconds since 1970.
        file: Place of its file among those of the run.
        offset: Start of the picture's frame.
        length: Bytes of the picture's payload.
        record_offset: Start of the record's frame.
        record_length: Bytes of the record's payload.
        flags: A sum of `HAS_RECORD`, `BLANK` and `HAS_HEAT_MAP`.
        label_probability: Between 0 and 1, or NaN.
        prediction: Index of the predicted class, or `NO_CLASS`.
        prediction_probability: Between 0 and 1, or NaN.
        target: Index of the explained class, or `NO_CLASS`.
        change: Difference to the picture before; NaN until both are compared.
    """

    step: int
    wall_time: float
    file: int
    offset: int
    length: int
    record_offset: int
    record_length: int
    flags: int
    label_probability: float = UNKNOWN
    prediction: int = NO_CLASS
    prediction_probability: float = UNKNOWN
    target: int = NO_CLASS
    change: float = UNKNOWN


class Described(typing.NamedTuple):
    """What a picture's record says, apart from numbers.

    Attributes:
        static: Fields that are the same at each step.
        moment: Epoch, batch and metrics.
        label: The true class.
        prediction: The class that the model predicts.
        target: The class whose score is explained.
        measure_names: Names of the picture's measures.
        measures: A number for each of these names; NaN where the picture has none.
    """

    static: StaticFields
    moment: Moment
    label: Class | None
    prediction: Class | None
    target: Class | None
    measure_names: Sequence[str]
    measures: Sequence[float]


def row_of_picture(
    file: int, picture: PictureEvent, record: RecordEvent | None, fields: RecordFields | None
) -> PictureRow:
    """The numbers of a picture that was read with its record.

    Args:
        file: Place of the file among those of the run.
        picture: Where the picture lies.
        record: Where its record lies; None where it has none.
        fields: What the record says; None where it can't be read.
    """
    row = PictureRow(
        step=picture.step,
        wall_time=picture.wall_time,
        file=file,
        offset=picture.offset,
        length=picture.length,
        record_offset=0 if record is None else record.offset,
        record_length=0 if record is None else record.length,
        flags=HAS_HEAT_MAP if record is not None and record.has_heat_map else 0,
    )
    if fields is None:
        return row
    return row._replace(
        flags=row.flags | HAS_RECORD | (BLANK if fields.is_blank else 0),
        label_probability=fields.label_probability,
        prediction=_index(fields.prediction),
        prediction_probability=fields.prediction_probability,
        target=_index(fields.target),
    )


def described(fields: RecordFields) -> Described:
    """What a record says, apart from numbers."""
    return Described(
        static=fields.static,
        moment=fields.moment,
        label=fields.label,
        prediction=fields.prediction,
        target=fields.target,
        measure_names=tuple(fields.measures),
        measures=tuple(fields.measures.values()),
    )


def rows_of_capture(file: int, capture: CaptureEvent) -> Iterator[tuple[PictureRow, Described]]:
    """What contents say of each picture: the same as its record would.

    Args:
        file: Place of the file among those of the run.
        capture: The contents, and where the frames begin.
    """
    step, begin, table = capture.step, capture.offset, capture.contents
    classes, moments, measure_names = table.classes, table.moments, table.measures
    for static, row in zip(table.pictures, table.rows, strict=True):
        label, prediction = classes[row.label], classes[row.prediction]
        target = classes[row.target]
        record_offset, record_length = begin + row.offset, row.record_length
        offset = record_offset + record_length + FRAME_BYTES
        flags = HAS_RECORD | row.flags & (BLANK | HAS_HEAT_MAP)
        moment, measures = moments[row.moment], [number(value) for value in row.measures]
        label_probability = prediction_probability = UNKNOWN
        if label is not None:
            label_probability = number(row.label_probability)
        if prediction is not None:
            prediction_probability = number(row.prediction_probability)
        # By position, because keywords take three times as long, and a log has many pictures.
        yield (
            PictureRow(
                step,
                row.wall_time,
                file,
                offset,
                row.length,
                record_offset,
                record_length,
                flags,
                label_probability,
                NO_CLASS if prediction is None else prediction[0],
                prediction_probability,
                NO_CLASS if target is None else target[0],
            ),
            Described(static, moment, label, prediction, target, measure_names, measures),
        )


def _index(of: Class | None) -> int:
    return NO_CLASS if of is None else of[0]
