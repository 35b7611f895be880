"""The rows of a benchmark's table."""

from __future__ import annotations

import statistics
import typing
from collections.abc import Callable, Iterable, Sequence


class Row(typing.NamedTuple):
    """One line of the table.

    Attributes:
        what: Name of the measurement, with its unit.
        ours: Median of ours.
        floor: Median of the floor, in the same unit; None if there is no floor.
        ratio: Number to compare with the limit: ``ours / floor``, or ``ours`` without a floor.
        limit: Largest ratio that was set as a goal; None without a goal.
    """

    what: str
    ours: float
    floor: float | None
    ratio: float
    limit: float | None

    @property
    def is_missed(self) -> bool:
        """Whether the ratio is above its limit."""
        return self.limit is not None and self.ratio > self.limit


def beside(what: str, ours: float, floor: float, limit: float | None = None) -> Row:
    """A row with a floor."""
    return Row(what, ours, floor, ours / floor, limit)


def alone(what: str, ours: float, limit: float | None = None) -> Row:
    """A row without a floor."""
    return Row(what, ours, None, ours, limit)


def interleaved(
    functions: dict[str, Callable[[], float]], repeats: int
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Medians of what each function returns, and all values; the functions run in turn.

    A first turn is not counted.
    """
    every: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            value = function()
            if turn:
                every[name].append(value)
    return {name: statistics.median(values) for name, values in every.items()}, every


def table(rows: Iterable[Row]) -> str:
    """As Markdown."""
    lines = ["| | ours | floor | ratio | limit |", "|---|--:|--:|--:|--:|"]
    for row in rows:
        ratio = None if row.floor is None else row.ratio
        cells = [_short(row.ours), _short(row.floor), _short(ratio), _short(row.limit)]
        lines.append(f"| {row.what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def tell(rows: Sequence[Row]) -> None:
    """Prints the table, and ends the process with an error if a ratio is above its limit."""
    print(table(rows))
    missed = [row.what for row in rows if row.is_missed]
    if missed:
        raise SystemExit("Above its limit: " + "; ".join(missed))


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
