"""Numbers by step, ascending, in arrays."""

from __future__ import annotations

import typing
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from tensorboard_plugin.checked_json import UNKNOWN

_MEASURE = "f"


class StepColumns:
    """One row of numbers for each step: fixed columns, and one column for each measure.

    Args:
        types: Array type of each fixed column by its name. ``step`` is the first of them, and
            ``file`` another.
    """

    def __init__(self, types: Mapping[str, str]) -> None:
        self.fixed: dict[str, array[typing.Any]] = {n: array(code) for n, code in types.items()}
        self.measures: dict[str, array[float]] = {}
        self.step: array[int] = self.fixed["step"]
        self._file: array[int] = self.fixed["file"]
        self._appends = [column.append for column in self.fixed.values()]
        self._names: Sequence[str] | None = None  # of the latest row, where it has all measures
        self._measure_appends: list[typing.Callable[[float], None]] = []

    def __len__(self) -> int:
        return len(self.step)

    @property
    def bytes_of_a_row(self) -> int:
        """Memory that one row takes."""
        columns = [*self.fixed.values(), *self.measures.values()]
        return sum(column.itemsize for column in columns)

    def find(self, step: int) -> int | None:
        """Place of that step."""
        i = bisect_left(self.step, step)
        return i if i < len(self.step) and self.step[i] == step else None

    def file_of(self, step: int) -> int:
        """The file that the row of that step is from, or -1."""
        if not self.step or step > self.step[-1]:
            return -1
        i = self.find(step)
        return -1 if i is None else self._file[i]

    def measure(self, name: str, i: int) -> float:
        """One number of a row; NaN where it is not known."""
        column = self.measures.get(name)
        return UNKNOWN if column is None else column[i]

    def put(
        self, row: Sequence[typing.Any], names: Sequence[str] = (), values: Sequence[float] = ()
    ) -> tuple[int, bool]:
        """Enters a row. A row of the same step is replaced, with its measures.

        Args:
            row: A number for each fixed column; the step is the first.
            names: Names of measures.
            values: A number for each of these; NaN where it is not known.

        Returns:
            The row's place, and whether one was replaced.
        """
        step = row[0]
        i = len(self.step)
        if i == 0 or step > self.step[-1]:
            for append, value in zip(self._appends, row, strict=True):
                append(value)
            if names is self._names:  # nearly always: no measure is new, and none is missing
                for append, value in zip(self._measure_appends, values, strict=True):
                    append(value)
                return i, False
            for column in self.measures.values():
                column.append(UNKNOWN)
            self.put_measures(i, names, values)
            return i, False
        i = bisect_left(self.step, step)
        replaced: bool = self.step[i] == step
        for column, value in zip(self.fixed.values(), row, strict=True):
            if replaced:
                column[i] = value
            else:
                column.insert(i, value)
        for column in self.measures.values():
            if replaced:
                column[i] = UNKNOWN
            else:
                column.insert(i, UNKNOWN)
        self.put_measures(i, names, values)
        return i, replaced

    def put_measures(self, i: int, names: Sequence[str], values: Sequence[float]) -> None:
        """Enters measures of a row; its others stay.

        Args:
            i: The row's place.
            names: The names.
            values: A number for each; NaN where it is not known.
        """
        for name, value in zip(names, values, strict=True):
            column = self.measures.get(name)
            if column is None:
                if value != value:
                    continue
                column = self.measures[name] = array(_MEASURE, [UNKNOWN]) * len(self.step)
            column[i] = value
        if len(names) == len(self.measures) and all(map(self.measures.__contains__, names)):
            self._names = names
            self._measure_appends = [self.measures[name].append for name in names]
        else:
            self._names = None


def between(steps: Sequence[int], first: int | None, last: int | None) -> slice:
    """Places of the ascending steps from ``first`` to ``last``, both included."""
    start = 0 if first is None else bisect_left(steps, first)
    return slice(start, len(steps) if last is None else bisect_left(steps, last + 1))
