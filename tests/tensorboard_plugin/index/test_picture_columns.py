"""That contents and records lead to the same numbers is in test_capture_table.py."""

from __future__ import annotations

import math
from array import array

from tensorboard_plugin import schema
from tensorboard_plugin.capture_table import BLANK, HAS_HEAT_MAP
from tensorboard_plugin.index.picture_columns import (
    COLUMN_TYPES,
    HAS_RECORD,
    NO_CLASS,
    PictureRow,
    row_of_picture,
)
from tensorboard_plugin.index.record_fields import read_record_fields
from tensorboard_plugin.log.log_events import PictureEvent, RecordEvent

PICTURE = PictureEvent(step=3, wall_time=9.5, tag="maps/a", offset=500, length=200)


def record_event(record: schema.Record, has_heat_map: bool) -> RecordEvent:
    json = schema.encode_record(record)
    return RecordEvent(3, 9.0, record.tag, json, has_heat_map, offset=100, length=50)


def test_each_field_of_a_row_has_a_column_that_can_hold_it() -> None:
    assert tuple(COLUMN_TYPES) == PictureRow._fields
    for code, value in zip(
        COLUMN_TYPES.values(), PictureRow(*range(len(COLUMN_TYPES))), strict=True
    ):
        assert array(code, [value])[0] == value


def test_a_picture_with_its_record() -> None:
    record = schema.Record(
        "maps",
        "maps/a",
        1,
        1,
        label=schema.ClassScore(1, "one", 0.25),
        prediction=schema.ClassScore(2, "two", 0.5),
        target=schema.ClassScore(4, "four"),
        blank=True,
    )
    event = record_event(record, has_heat_map=True)
    row = row_of_picture(7, PICTURE, event, read_record_fields(event.json, "maps/a", None))
    assert math.isnan(row.change)
    assert row._replace(change=0) == PictureRow(
        step=3,
        wall_time=9.5,
        file=7,
        offset=500,
        length=200,
        record_offset=100,
        record_length=50,
        flags=HAS_RECORD | BLANK | HAS_HEAT_MAP,
        label_probability=0.25,
        prediction=2,
        prediction_probability=0.5,
        target=4,
        change=0,
    )


def test_a_picture_without_a_record_that_can_be_read() -> None:
    for event in (None, record_event(schema.Record("maps", "maps/a", 1, 1), has_heat_map=False)):
        row = row_of_picture(0, PICTURE, event, None)
        assert (row.flags, row.prediction, row.target) == (0, NO_CLASS, NO_CLASS)
        assert math.isnan(row.label_probability)
