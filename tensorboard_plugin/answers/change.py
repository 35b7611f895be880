"""How much pictures differ from the ones before them: read and compared a slice at a time."""

from __future__ import annotations

import math
import time
import typing

from tensorboard_plugin.answers import pictures
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.picture_series import PictureSeries
from tensorboard_plugin.index.run_index import RunIndex
from tensorboard_plugin.log.log_errors import LogError

SLICE = 0.3
"""Seconds that one request may spend on comparing pictures."""

NOT_COMPARABLE = -1.0
"""Entry of the column ``change`` where a picture can't be compared with the one before."""

_BLOCK = 16


def measure_change(
    index: LogIndex, run: RunIndex, rows: list[PictureSeries], steps: list[int]
) -> int:
    """Compares pictures with the ones before them, latest first, until time is up.

    Args:
        index: The index.
        run: The run.
        rows: The series.
        steps: The steps at which pictures are compared.

    Returns:
        How many are left.
    """
    deadline = time.monotonic() + SLICE
    with index.lock:
        wanted = [
            [(s, step) for step in steps if (i := s.find(step)) is not None and _unknown(s, i)]
            for s in rows
        ]
    left = sum(len(cells) for cells in wanted)
    for end in range(max((len(cells) for cells in wanted), default=0), 0, -_BLOCK):
        for cells in wanted:
            decoded: dict[int, typing.Any] = {}
            for s, step in reversed(cells[max(0, end - _BLOCK) : end]):
                if time.monotonic() > deadline:
                    return left
                _compare(index, run, s, step, decoded)
                left -= 1
    return left


def _compare(
    index: LogIndex, run: RunIndex, s: PictureSeries, step: int, decoded: dict[int, typing.Any]
) -> None:
    with index.lock:
        i = s.find(step)
        if i is None or run.series.get(s.tag) is not s:
            return
        steps = s.step[max(0, i - 1) : i + 1].tolist()
        locations = [run.location(s, k) for k in range(max(0, i - 1), i + 1)]
    result: float | None = None
    if len(locations) == 2:
        for at, location in zip(steps, locations, strict=True):
            if at not in decoded:
                try:
                    decoded[at] = pictures.grey(pictures.read(location))
                except LogError:
                    decoded[at] = None
        before, after = (decoded[at] for at in steps)
        if before is not None and after is not None:
            result = pictures.difference(before, after)
        decoded.pop(step, None)
    with index.lock:
        i = s.find(step)
        if i is not None:
            s.change[i] = NOT_COMPARABLE if result is None else result


def _unknown(s: PictureSeries, i: int) -> bool:
    return math.isnan(s.change[i])
