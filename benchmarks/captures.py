"""What does a capture cost the training, compared with the least that any program must do?

    python -m benchmarks.captures
    KERAS_BACKEND=jax python -m benchmarks.captures --workloads lesson

Two networks, four held-out images, all convolutions. The floor is in benchmarks/floors: one
compiled pass, written for such a network by hand. Measured in one process, in turn:

- a capture inside ``fit``, on the training thread, after the first one;
- the first capture: preparing, tracing, compiling and running, on a new model;
- epochs of a training, with drawing and writing, with no callback, the floor, or ours;
- the worker's time for a picture.

On TensorFlow similar tools are measured too, if they are installed (extra ``benchmark``).
"""

from __future__ import annotations

import argparse
import gc
import importlib
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np

from benchmarks.networks import WORKLOADS, Workload
from benchmarks.rows import Row, alone, beside, interleaved, tell
from keras_viz_callbacks import ActivationGrid, GradCAM

LIMIT = 1.15
FIRST_LIMIT = 1.3
REPEATS = 9
FIRST_REPEATS = 3
EPOCHS = 2
BATCHES = 10

floors = importlib.import_module(f"benchmarks.floors.{keras.backend.backend()}")


def grid(log_dir: str, workload: Workload) -> keras.callbacks.Callback:
    return ActivationGrid(log_dir, workload.images)


def class_maps(log_dir: str, workload: Workload) -> keras.callbacks.Callback:
    return GradCAM(log_dir, workload.images, layers=workload.convolutions)


TECHNIQUES: Mapping[str, tuple[Any, Any]] = {
    "activations": (grid, floors.activations),
    "class maps": (class_maps, floors.class_maps),
}


class Turns(keras.callbacks.Callback):
    """At the end of each epoch, times functions and the hooks of a callback, in turn.

    It waits for the worker's thread before each measurement: the worker's cost is measured
    separately.
    """

    def __init__(self, inner: keras.callbacks.Callback, others: Mapping[str, Callable[[], Any]]):
        super().__init__()
        self.inner = inner
        self.others = others
        self.seconds: dict[str, list[float]] = {name: [] for name in ("ours", "drawn", *others)}

    def set_model(self, model):
        """Tells both."""
        super().set_model(model)
        self.inner.set_model(model)

    def set_params(self, params):
        """Tells both."""
        super().set_params(params)
        self.inner.set_params(params)

    def on_train_begin(self, logs=None):
        """Passed on."""
        self.inner.on_train_begin(logs)

    def on_epoch_begin(self, epoch, logs=None):
        """Passed on."""
        self.inner.on_epoch_begin(epoch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Passed on."""
        self.inner.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        """Times each in turn, in reverse order at every second epoch."""
        turns = [*self.others, "ours"]
        for name in turns if epoch % 2 else reversed(turns):
            if name == "ours":
                begin = time.perf_counter()
                self.inner.on_epoch_end(epoch, logs)
                self.seconds["ours"].append(time.perf_counter() - begin)
                drain(self.inner)
                self.seconds["drawn"].append(time.perf_counter() - begin)
            else:
                self.seconds[name].append(seconds(self.others[name]))

    def on_train_end(self, logs=None):
        """Passed on."""
        self.inner.on_train_end(logs)

    def medians(self) -> dict[str, float]:
        """The times after the first two turns, in which functions are traced."""
        return {name: float(np.median(values[2:])) for name, values in self.seconds.items()}


def seconds(function: Callable[[], Any]) -> float:
    """The time of one call."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def drain(callback: Any) -> None:
    """Waits until the worker has nothing to do."""
    callback.run.drain()


def in_fit(
    workload: Workload,
    make: Callable[[str, Workload], keras.callbacks.Callback],
    others: Mapping[str, Callable[[], Any]],
    repeats: int,
) -> Turns:
    """Times of our captures and others, in turn, inside one ``fit``."""
    with tempfile.TemporaryDirectory() as log_dir:
        turns = Turns(make(log_dir, workload), others)
        workload.model.fit(
            workload.images,
            np.zeros(len(workload.images), int),
            epochs=repeats + 2,
            verbose=0,
            callbacks=[turns],
        )
    return turns


def first(name: str, technique: str, repeats: int) -> tuple[dict[str, float], Any]:
    """The time of the first capture of a new model, from the hook that begins a training."""
    make, floor = TECHNIQUES[technique]

    def ours() -> float:
        workload = WORKLOADS[name]()
        with tempfile.TemporaryDirectory() as log_dir:
            callback = make(log_dir, workload)
            callback.set_model(workload.model)
            callback.set_params({"epochs": 2, "steps": 1})
            gc.collect()
            begin = time.perf_counter()
            callback.on_train_begin()
            callback.on_epoch_begin(0)
            callback.on_epoch_end(0)
            taken = time.perf_counter() - begin
            callback.on_train_end()
        return taken

    def least() -> float:
        workload = WORKLOADS[name]()
        gc.collect()
        return seconds(lambda: floor(workload.model, workload.convolutions, workload.images)())

    return interleaved({"floor": least, "ours": ours}, repeats)


def epochs(workload: Workload, repeats: int) -> dict[str, float]:
    """Seconds of an epoch, without and with captures at its end."""
    x = np.repeat(workload.images, BATCHES, axis=0)
    y = np.zeros(len(x), int)
    least = [
        floor(workload.model, workload.convolutions, workload.images)
        for _, floor in TECHNIQUES.values()
    ]

    def run_least(epoch: int, logs: Any = None) -> None:
        for function in least:
            function()

    def train(callbacks: list[keras.callbacks.Callback]) -> float:
        took = seconds(
            lambda: workload.model.fit(
                x, y, batch_size=4, epochs=EPOCHS, verbose=0, callbacks=callbacks
            )
        )
        return took / EPOCHS

    def with_ours() -> float:
        with tempfile.TemporaryDirectory() as log_dir:
            made = [make(log_dir, workload) for make, _ in TECHNIQUES.values()]
            return train(made)

    return interleaved(
        {
            "none": lambda: train([]),
            "floor": lambda: train([keras.callbacks.LambdaCallback(on_epoch_end=run_least)]),
            "ours": with_ours,
        },
        repeats,
    )[0]


def measure(
    names: list[str] | None = None, repeats: int = REPEATS, first_repeats: int = FIRST_REPEATS
) -> list[Row]:
    """All rows of this backend."""
    rows = []
    for name in names or list(WORKLOADS):
        workload = WORKLOADS[name]()
        for technique, (make, floor) in TECHNIQUES.items():
            what = f"{technique}, {workload.name}"
            least = floor(workload.model, workload.convolutions, workload.images)
            found = in_fit(workload, make, {"floor": least}, repeats).medians()
            rows.append(beside(f"{what}, s", found["ours"], found["floor"], LIMIT))
            others = {"floor": least, **relatives(technique, workload)}
            took, _ = interleaved({n: partial(seconds, f) for n, f in others.items()}, 1)
            rows += [
                beside(f"· {other}, s", took[other], took["floor"])
                for other in others
                if other != "floor"
            ]
            began, _ = first(name, technique, first_repeats)
            rows.append(beside(f"{what}, the first, s", began["ours"], began["floor"], FIRST_LIMIT))
            pictures = len(workload.convolutions) * len(workload.images)
            each = (found["drawn"] - found["ours"]) / pictures * 1e3
            rows.append(alone(f"{what}, drawn and written, ms a picture", each))
        whole = epochs(workload, 2)
        rows.append(
            beside(
                f"an epoch of {BATCHES} batches, {workload.name}, both techniques, s",
                whole["ours"],
                whole["floor"],
            )
        )
        rows.append(beside("· the floor beside no callbacks, s", whole["floor"], whole["none"]))
    return rows


def relatives(technique: str, workload: Workload) -> Mapping[str, Callable[[], Any]]:
    """The textbook's code and the other libraries that run on this backend."""
    if keras.backend.backend() != "tensorflow":
        return {}
    from benchmarks import relatives as others

    return others.of(technique, workload)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Measure captures, compared with the least possible."
    )
    parser.add_argument("--workloads", nargs="*", choices=list(WORKLOADS))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    chosen = parser.parse_args()
    tell(measure(chosen.workloads, chosen.repeats))


if __name__ == "__main__":
    main()
