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
        types: Array type of each fixed column by its name; ``step`` and ``file`` are among them.
    """

    def __init__(self, types: Mapping[str, str]) -> None:
        self.fixed: dict[str, array[typing.Any]] = {n: array(code) for n, code in types.items()}
        self.measures: dict[str, array[float]] = {}
        self.step: array[int] = self.fixed["step"]
        self._file: array[int] = self.fixed["file"]
        self._appends = [column.append for column in self.fixed.values()]

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

    def put(self, step: int, row: Sequence[typing.Any]) -> tuple[int, bool]:
        """Enters a row, without its measures. A row of the same step is replaced.

        Args:
            step: The row's step.
            row: A number for each fixed column.

        Returns:
            The row's place, and whether one was replaced.
        """
        i = len(self.step)
        if i == 0 or step > self.step[-1]:
            for append, value in zip(self._appends, row, strict=True):
                append(value)
            for column in self.measures.values():
                column.append(UNKNOWN)
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
        return i, replaced

    def put_measures(self, i: int, names: Sequence[str], values: Sequence[float]) -> None:
        """Enters measures of a row.

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


def between(steps: Sequence[int], first: int | None, last: int | None) -> slice:
    """Places of the ascending steps from ``first`` to ``last``, both included."""
    start = 0 if first is None else bisect_left(steps, first)
    return slice(start, len(steps) if last is None else bisect_left(steps, last + 1))
