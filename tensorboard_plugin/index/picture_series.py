"""One tag's pictures: a few numbers for each, in arrays."""

from __future__ import annotations

import typing
from array import array
from bisect import bisect_left

from tensorboard_plugin.index.picture_columns import COLUMNS, Values
from tensorboard_plugin.index.record_fields import (
    BLANK,
    HAS_HEAT_MAP,
    HAS_RECORD,
    UNKNOWN,
    RecordFields,
)
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
    """One tag's pictures, ascending by step."""

    def __init__(self, tag: str, fields: RecordFields) -> None:
        self.tag = tag
        self.fields = fields
        self.has_heat_map = False
        self.columns: dict[str, array[typing.Any]] = {
            name: array(code) for name, code in COLUMNS.items()
        }
        self.step: array[int] = self.columns["step"]
        self.change: array[float] = self.columns["change"]
        self._files: array[int] = self.columns["file"]
        self._appends = [column.append for column in self.columns.values()]

    def find(self, step: int) -> int | None:
        """Place of that step."""
        i = bisect_left(self.step, step)
        return i if i < len(self.step) and self.step[i] == step else None

    def between(self, first: int | None, last: int | None) -> slice:
        """Places of the steps from ``first`` to ``last``, both included."""
        return between(self.step, first, last)

    def is_blank(self, i: int) -> bool:
        """Whether it is a class map without any evidence."""
        return bool(self.columns["flags"][i] & BLANK)

    def file_of(self, step: int) -> int:
        """The file that the picture of that step is in, or -1."""
        if not self.step or step > self.step[-1]:
            return -1
        i = self.find(step)
        return -1 if i is None else self._files[i]

    def location(self, i: int, readers: typing.Sequence[EventReader]) -> PictureLocation:
        """Where that picture lies.

        Args:
            i: Its place.
            readers: The readers of the run's files.
        """
        c = self.columns
        flags = c["flags"][i]
        return PictureLocation(
            readers[c["file"][i]],
            self.tag,
            c["step"][i],
            c["wall_time"][i],
            c["offset"][i],
            c["length"][i],
            c["record_offset"][i],
            c["record_length"][i],
            bool(flags & HAS_RECORD),
            bool(flags & HAS_HEAT_MAP),
        )

    def put(self, values: Values) -> bool:
        """Enters one picture; what stood at its step is replaced.

        Args:
            values: A number for each column.

        Returns:
            Whether something was replaced.
        """
        step = values[0]
        if not self.step or step > self.step[-1]:
            for append, value in zip(self._appends, values, strict=True):
                append(value)
            return False
        columns = zip(self.columns.values(), values, strict=True)
        i = bisect_left(self.step, step)
        replaced: bool = self.step[i] == step
        for column, value in columns:
            if replaced:
                column[i] = value
            else:
                column.insert(i, value)
        if i + 1 < len(self.step):
            self.change[i + 1] = UNKNOWN
        return replaced


def between(steps: typing.Sequence[int], first: int | None, last: int | None) -> slice:
    """Places of the ascending steps from ``first`` to ``last``, both included."""
    start = 0 if first is None else bisect_left(steps, first)
    return slice(start, len(steps) if last is None else bisect_left(steps, last + 1))
