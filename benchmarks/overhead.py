"""Does `max_overhead` hold? Trainings of 75 s with captures at every epoch.

    python -m benchmarks.overhead
    KERAS_BACKEND=torch python -m benchmarks.overhead --seconds 120

One callback at a time with ``max_overhead=0.05``, compared with a shorter training without a limit,
which shows what its captures would take. The times are measured from outside, not by the callback
itself: the wall time of ``fit``, and the part of it in the callback's hooks and in the jobs of its
run's worker. This includes preparing, tracing and compiling, and the first and the last capture,
which are always made. The hook at the end of the training is left out: it waits for jobs that are
already counted.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from benchmarks.networks import photographs
from benchmarks.rows import Row, alone, tell
from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from keras_viz_callbacks.summary.run import open_run

SHARE = 0.05
LIMIT = 6
"""Limit in percent: the share, and one percent more."""

SECONDS = 75.0
UNBOUND_SECONDS = 10.0
BATCHES = 4
BATCH = 32
SIDE = 96
HOOKS = ("on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end")


class Taken(NamedTuple):
    """The cost of a training's captures.

    Attributes:
        percent: Share of the wall time of ``fit``, in percent.
        made: Number of captures.
        skipped: Number of captures that the limit left out.
    """

    percent: float
    made: int
    skipped: int


class Stop(keras.callbacks.Callback):
    """Ends the training after the epoch in which the time is up; the first of the callbacks."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.epochs = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock."""
        self.epochs = 0
        self._end = time.perf_counter() + self.seconds

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Checks the clock."""
        self.epochs += 1
        if time.perf_counter() > self._end:
            self.model.stop_training = True


class Stopwatch:
    """Adds up the time that functions take."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time added; a stopwatch is for the functions of one thread."""

        @functools.wraps(function)
        def run(*arguments: Any, **keywords: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*arguments, **keywords)
            finally:
                self.seconds += time.perf_counter() - begin
                self.calls += 1

        return run


def training(
    callback: keras.callbacks.Callback, log_dir: str, seconds: float, model: keras.Model
) -> Taken:
    """Trains with a callback, and measures the callback's cost.

    Args:
        callback: New callback of this package.
        log_dir: Log directory of this callback alone.
        seconds: About how long to train.
        model: Model of `network`.
    """
    hooks, jobs, captures = Stopwatch(), Stopwatch(), Stopwatch()
    for name in HOOKS:
        setattr(callback, name, hooks.timed(getattr(callback, name)))
    callback._capture = captures.timed(callback._capture)
    worker = open_run(log_dir).worker
    submit = worker.submit
    worker.submit = lambda job: submit(jobs.timed(job))  # type: ignore[method-assign]
    stop = Stop(seconds)
    random = np.random.default_rng(0)
    images = random.random((BATCHES * BATCH, SIDE, SIDE, 3), np.float32)
    labels = random.integers(0, 10, len(images))
    begin = time.perf_counter()
    model.fit(
        images,
        labels,
        batch_size=BATCH,
        epochs=100_000,
        verbose=0,
        callbacks=[stop, callback],
    )
    whole = time.perf_counter() - begin
    taken = hooks.seconds + jobs.seconds
    return Taken(100 * taken / whole, captures.calls, stop.epochs - captures.calls)


def network() -> keras.Model:
    """Three convolutions for images of 96 × 96 and ten classes, compiled."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((SIDE, SIDE, 3))
    for number, filters in enumerate((16, 32, 64), start=1):
        x = layers.Conv2D(filters, 3, activation="relu", name=f"conv{number}")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def grids(log_dir: str, share: float | None) -> ActivationGrid:
    return ActivationGrid(log_dir, photographs(SIDE), max_overhead=share, on_error="raise")


def class_maps(log_dir: str, share: float | None) -> GradCAM:
    return GradCAM(log_dir, photographs(SIDE), max_overhead=share, on_error="raise")


def patterns(log_dir: str, share: float | None) -> FilterPatterns:
    return FilterPatterns(log_dir, filters=4, steps=10, max_overhead=share, on_error="raise")


CALLBACKS: dict[str, Callable[[str, float | None], Any]] = {
    "FilterPatterns": patterns,
    "ActivationGrid": grids,
    "GradCAM": class_maps,
}


def measure(seconds: float = SECONDS, directory: str | None = None) -> list[Row]:
    """The rows of each callback: limited to 5 percent, and without a limit.

    Args:
        seconds: How long to train with a limit.
        directory: Directory to write to; temporary directories in it are removed afterwards.
    """
    rows = []
    for name, make in CALLBACKS.items():
        taken = {}
        for share, length in ((SHARE, seconds), (None, UNBOUND_SECONDS)):
            with tempfile.TemporaryDirectory(dir=directory) as log_dir:
                taken[share] = training(make(log_dir, share), log_dir, length, network())
        bound = taken[SHARE]
        rows += [
            alone(
                f"{name}, max_overhead={SHARE}, {seconds:.0f} s: {bound.made} captures made, "
                f"{bound.skipped} skipped, % of the time",
                bound.percent,
                LIMIT,
            ),
            alone(
                f"· without a bound, {UNBOUND_SECONDS:.0f} s: {taken[None].made} captures made, %",
                taken[None].percent,
            ),
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure whether max_overhead holds.")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--directory", help="write there; default: the system's temporary one")
    chosen = parser.parse_args()
    tell(measure(chosen.seconds, chosen.directory))


if __name__ == "__main__":
    main()
