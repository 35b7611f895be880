"""Pictures and stamps of a run in the index."""

from __future__ import annotations

from tensorboard_plugin.answers import pictures
from tensorboard_plugin.index.run_index import RunIndex


def picture_of(run: RunIndex, tag: str, step: int) -> bytes:
    series = run.series[tag]
    i = series.find(step)
    assert i is not None
    return pictures.read(run.location(series, i))


def stamps_of(run: RunIndex) -> dict[int, str]:
    return {step: run.stamp(step) for step in run.sorted_steps}
