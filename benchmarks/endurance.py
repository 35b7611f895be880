"""Does anything grow over a long training? 500 epochs of a tiny net with everything attached.

    python -m benchmarks.endurance

Two fresh processes train the same net, one without callbacks, which is the floor, one with
`ActivationGrid`, `FilterPatterns` and `GradCAM` at each epoch. Memory is what Linux holds for the
process, read every ten epochs behind a garbage collection; its growth is the sum of all rises
behind the first hundred epochs. Falls do not count: a library that gives memory back must not hide
a leak. Threads, open files, and how often a layer's Python code has run and a function was
compiled, are counted then and at the end, beside the floor.
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
"""Kilobytes an epoch."""


class Found(NamedTuple):
    """What one process tells.

    Attributes:
        growth: Kilobytes an epoch.
        threads: How many more at the end than when it had settled.
        descriptors: The same of open files.
        calls: The same of runs of a layer's Python code: of traces, where passes are compiled.
        compiled: The same of compiled functions.
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
    behind = np.array([reading for reading in readings if reading.epoch >= settled])
    rises = float(np.maximum(np.diff(behind[:, 1]), 0).sum() / np.ptp(behind[:, 0]))
    more = (int(number) for number in behind[-1, 2:] - behind[0, 2:])
    if attached:
        print("MB:", *(f"{reading.resident / 1000:.1f}" for reading in readings), flush=True)
    return Found(rises, *more)


def measure(epochs: int = EPOCHS, settled: int = SETTLED) -> list[Row]:
    """All rows of this backend."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:
        floor = pool.apply(train, (False, epochs, settled))
        ours = pool.apply(train, (True, epochs, settled))
    what = f"{epochs} epochs, behind the first {settled}"
    counts = {
        "threads": ours.threads - floor.threads,
        "open files": ours.descriptors - floor.descriptors,
        "compiled functions": ours.compiled - floor.compiled,
    }
    if keras.backend.backend() != "torch":  # where nothing is traced, and all of it runs each time
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
