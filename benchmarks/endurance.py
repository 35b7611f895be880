"""Does anything grow during a long training? 500 epochs of a small network with all callbacks.

    python -m benchmarks.endurance

Two new processes train the same network: one without callbacks, which is the floor, the other with
`ActivationGrid`, `FilterPatterns` and `GradCAM` at each epoch. Memory is what Linux reports for the
process, read every ten epochs after a garbage collection. Its growth is the sum of all rises after
the first hundred epochs. Falls do not count: a library that frees memory must not hide a leak.
Threads, open files, the runs of a layer's Python code and the compiled functions are counted after
the first hundred epochs and at the end, and compared with the floor.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from typing import NamedTuple

import keras
import numpy as np

from benchmarks.rows import Row, alone, tell

EPOCHS = 500
SETTLED = 100
LIMIT = 20
"""Kilobytes per epoch."""


class Found(NamedTuple):
    """What one process reports.

    Attributes:
        growth: Kilobytes per epoch.
        threads: Number of threads added between the first hundred epochs and the end.
        descriptors: Number of open files added in the same time.
        calls: Number of runs of a layer's Python code in the same time; where passes are compiled,
            these are traces.
        compiled: Number of functions compiled in the same time.
    """

    growth: float
    threads: int
    descriptors: int
    calls: int
    compiled: int


def train(attached: bool, epochs: int, settled: int) -> Found:
    """Trains in this process."""
    from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
    from tests.helpers import resource_growth
    from tests.helpers.models import six_images

    images = six_images()
    with tempfile.TemporaryDirectory() as log_dir:
        ours = [
            ActivationGrid(log_dir, images),
            FilterPatterns(log_dir, filters=2, steps=3),
            GradCAM(log_dir, images),
        ]
        readings = resource_growth.train(epochs, ours if attached else [])
    later = np.array([reading for reading in readings if reading.epoch >= settled])
    rises = float(np.maximum(np.diff(later[:, 1]), 0).sum() / np.ptp(later[:, 0]))
    more = (int(number) for number in later[-1, 2:] - later[0, 2:])
    if attached:
        print("MB:", *(f"{reading.resident / 1000:.1f}" for reading in readings), flush=True)
    return Found(rises, *more)


def measure(epochs: int = EPOCHS, settled: int = SETTLED) -> list[Row]:
    """All rows of this backend."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:
        floor = pool.apply(train, (False, epochs, settled))
        ours = pool.apply(train, (True, epochs, settled))
    what = f"{epochs} epochs, after the first {settled}"
    counts = {
        "threads": ours.threads - floor.threads,
        "open files": ours.descriptors - floor.descriptors,
        "compiled functions": ours.compiled - floor.compiled,
    }
    if (
        keras.backend.backend() != "torch"
    ):  # nothing is traced there, and the Python code runs each time
        counts["traces"] = ours.calls - floor.calls
    return [
        alone(f"memory, {what}, kB an epoch", ours.growth, LIMIT),
        alone("· without callbacks", floor.growth),
        *(alone(f"{name} more than without callbacks", n, 0) for name, n in counts.items()),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what grows over a long training.")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--settled", type=int, default=SETTLED)
    chosen = parser.parse_args()
    tell(measure(chosen.epochs, chosen.settled))


if __name__ == "__main__":
    main()
