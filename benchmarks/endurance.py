"""Does anything grow over a long training? 500 epochs of a tiny net with everything attached.

    python -m benchmarks.endurance

Two fresh processes train the same net, one without callbacks, which is the floor, one with
`ActivationGrid`, `FilterPatterns` and `GradCAM` at each epoch. Memory is what Linux holds for the
process, read every ten epochs behind a garbage collection; its growth is the slope of the line of
least squares behind the first hundred epochs. Threads and file descriptors are counted then and at
the end.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import re
import tempfile
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.rows import Row, alone, tell

EPOCHS = 500
SETTLED = 100
EVERY = 10
LIMIT = 20
"""Kilobytes an epoch."""


class Found(NamedTuple):
    """What one process tells.

    Attributes:
        slope: Kilobytes an epoch.
        threads: How many more at the end than when it had settled.
        descriptors: The same of open files.
    """

    slope: float
    threads: int
    descriptors: int


def train(attached: bool, epochs: int, settled: int) -> Found:
    """Trains in this process."""
    import keras

    from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
    from tests.models import six_images, six_labels, small_model

    readings: list[tuple[int, float, int, int]] = []

    def read(epoch: int, logs: Any = None) -> None:
        if epoch % EVERY == 0:
            gc.collect()
            status = Path("/proc/self/status").read_text()
            resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1.024
            readings.append(
                (epoch, resident, threading.active_count(), len(os.listdir("/proc/self/fd")))
            )

    model, images = small_model(), six_images()
    with tempfile.TemporaryDirectory() as log_dir:
        ours = [
            ActivationGrid(log_dir, images),
            FilterPatterns(log_dir, filters=2, steps=3),
            GradCAM(log_dir, images),
        ]
        callbacks = [
            *(ours if attached else []),
            keras.callbacks.LambdaCallback(on_epoch_end=read),
        ]
        model.fit(images, six_labels(), epochs=epochs, verbose=0, callbacks=callbacks)
    behind = np.array([reading for reading in readings if reading[0] >= settled])
    slope = float(np.polyfit(behind[:, 0], behind[:, 1], 1)[0])
    return Found(slope, *(int(n) for n in behind[-1, 2:] - behind[0, 2:]))


def measure(epochs: int = EPOCHS, settled: int = SETTLED) -> list[Row]:
    """All rows of this backend."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:
        floor = pool.apply(train, (False, epochs, settled))
        ours = pool.apply(train, (True, epochs, settled))
    what = f"{epochs} epochs, behind the first {settled}"
    return [
        Row(f"memory, {what}, kB an epoch", ours.slope, floor.slope, ours.slope, LIMIT),
        alone(f"threads more, {what}", ours.threads, 0),
        alone(f"open files more, {what}", ours.descriptors, 0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what grows over a long training.")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--settled", type=int, default=SETTLED)
    chosen = parser.parse_args()
    tell(measure(chosen.epochs, chosen.settled))


if __name__ == "__main__":
    main()
