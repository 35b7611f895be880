"""What every benchmark tells: rows of one table."""

from __future__ import annotations

import statistics
import typing
from collections.abc import Callable, Iterable, Sequence


class Row(typing.NamedTuple):
    """One line of the table.

    Attributes:
        what: What was measured, with its unit.
        ours: The median of ours.
        floor: That of the floor, in the same unit; None where nothing can be a floor.
        ratio: What is held to the limit: ``ours / floor``, or ``ours`` where there is no floor.
        limit: The goal: the ratio is not to be above it; None where none was set.
    """

    what: str
    ours: float
    floor: float | None
    ratio: float
    limit: float | None

    @property
    def is_missed(self) -> bool:
        """Whether it is above its limit."""
        return self.limit is not None and self.ratio > self.limit


def beside(what: str, ours: float, floor: float, limit: float | None = None) -> Row:
    """A row of something that has a floor."""
    return Row(what, ours, floor, ours / floor, limit)


def alone(what: str, ours: float, limit: float | None = None) -> Row:
    """A row of something that has none."""
    return Row(what, ours, None, ours, limit)


def interleaved(
    functions: dict[str, Callable[[], float]], repeats: int
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Medians of what each function returns, and all of it; they take turns.

    One more turn, the first, is not counted.
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
    """Prints the table, and ends the process with an error where a limit is missed."""
    print(table(rows))
    missed = [row.what for row in rows if row.is_missed]
    if missed:
        raise SystemExit("Above its limit: " + "; ".join(missed))


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
