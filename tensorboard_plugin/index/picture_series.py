"""One tag's pictures: what they are, and a few numbers for each."""

from __future__ import annotations

import typing
from array import array
from collections.abc import Sequence

from tensorboard_plugin.capture_table import BLANK, HAS_HEAT_MAP, Class, StaticFields
from tensorboard_plugin.checked_json import UNKNOWN
from tensorboard_plugin.index.picture_columns import (
    COLUMN_TYPES,
    HAS_RECORD,
    Described,
    PictureRow,
)
from tensorboard_plugin.index.step_columns import StepColumns, between
from tensorboard_plugin.log.event_reader import EventReader


class PictureLocation(typing.NamedTuple):
    """Where one picture lies: a copy, to be used without the index's lock."""

    reader: EventReader
    tag: str
    step: int
    wall_time: float
    offset: int
    length: int
    record_offset: int
    record_length: int
    has_record: bool
    has_heat_map: bool


class PictureSeries:
    """One tag's pictures, ascending by step.

    Args:
        static: What the first of them is.
    """

    def __init__(self, static: StaticFields) -> None:
        self.tag = static.tag
        self.static = static
        """What the latest picture is."""
        self.label: Class | None = None
        self.has_heat_map = False
        self.columns = StepColumns(COLUMN_TYPES)
        self.step = self.columns.step
        self.change: array[float] = self.columns.fixed["change"]
        self._flags: array[int] = self.columns.fixed["flags"]

    @property
    def layer_path(self) -> str | None:
        """Path of the layer that the pictures show; None where they show none."""
        return None if self.static.layer is None else self.static.layer["path"]

    def find(self, step: int) -> int | None:
        """Place of that step."""
        return self.columns.find(step)

    def between(self, first: int | None, last: int | None) -> slice:
        """Places of the steps from ``first`` to ``last``, both included."""
        return between(self.step, first, last)

    def is_blank(self, i: int) -> bool:
        """Whether the heat map is zero everywhere."""
        return bool(self._flags[i] & BLANK)

    def location(self, i: int, readers: Sequence[EventReader]) -> PictureLocation:
        """Where one picture lies.

        Args:
            i: Its place.
            readers: The readers of the run's files.
        """
        row = PictureRow(*(column[i] for column in self.columns.fixed.values()))
        return PictureLocation(
            reader=readers[row.file],
            tag=self.tag,
            step=row.step,
            wall_time=row.wall_time,
            offset=row.offset,
            length=row.length,
            record_offset=row.record_offset,
            record_length=row.record_length,
            has_record=bool(row.flags & HAS_RECORD),
            has_heat_map=bool(row.flags & HAS_HEAT_MAP),
        )

    def put(self, row: PictureRow, described: Described | None) -> bool:
        """Enters one picture. A picture of the same step is replaced.

        Args:
            row: Its numbers.
            described: What its record says; None where it has none that can be read.

        Returns:
            Whether one was replaced.
        """
        if described is None:
            i, replaced = self.columns.put(row)
        else:
            i, replaced = self.columns.put(row, described.measure_names, described.measures)
            if i + 1 == len(self.step):
                self.static, self.label = described.static, described.label
            if row.flags & HAS_HEAT_MAP:
                self.has_heat_map = True
        if i + 1 < len(self.step):
            self.change[i + 1] = UNKNOWN
        return replaced
