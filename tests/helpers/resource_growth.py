"""What a process holds while it trains, epoch for epoch, to see what accumulates.

On Linux only: ``/proc/self`` tells a process's threads and open files.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from tests.helpers.models import six_images, six_labels, small_model

EVERY = 10  # a collection of garbage takes longer than an epoch


class Reading(NamedTuple):
    """What a process holds at the end of an epoch.

    Attributes:
        epoch: Keras' epoch, from 0.
        resident: Kilobytes of memory.
        threads: Python's and those of libraries.
        descriptors: Open files, sockets and the like.
        calls: How often Python has run the first convolution so far: where passes are compiled,
            once a trace.
        compiled: How many functions were compiled so far; 0 on torch, which compiles none.
    """

    epoch: int
    resident: float
    threads: int
    descriptors: int
    calls: int
    compiled: int


class Readings(keras.callbacks.Callback):
    """Takes a reading after every tenth epoch; it is to be the last callback.

    Args:
        layer: The one whose calls are counted.
    """

    def __init__(self, layer: keras.layers.Layer) -> None:
        super().__init__()
        self.taken: list[Reading] = []
        self._calls = count_calls(layer)
        self._compiled = count_compiled()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Takes one."""
        if epoch % EVERY:
            return
        gc.collect()
        threads, descriptors = (len(os.listdir(f"/proc/self/{name}")) for name in ("task", "fd"))
        status = Path("/proc/self/status").read_text()
        resident = int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) * 1.024
        self.taken.append(
            Reading(epoch, resident, threads, descriptors, self._calls(), self._compiled())
        )


def count_calls(layer: keras.layers.Layer) -> Callable[[], int]:
    """Begins to count how often a layer's ``call`` runs, and returns what tells the number."""
    calls = 0

    class Counted(type(layer)):  # type: ignore[misc]
        """A class of its own: captures put their taps on the instance."""

        def call(self, *args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            return super().call(*args, **kwargs)

    layer.__class__ = Counted
    return lambda: calls


def count_compiled() -> Callable[[], int]:
    """Begins to count what the backend compiles in this process; returns what tells the number."""
    if keras.backend.backend() == "tensorflow":
        from tensorflow.python.eager import context

        return lambda: len(context.context().list_function_names())
    if keras.backend.backend() == "jax":
        import jax

        compiled = 0

        def note(event: str, duration: float, **_: Any) -> None:
            nonlocal compiled
            compiled += event == "/jax/core/compile/backend_compile_duration"

        jax.monitoring.register_event_duration_secs_listener(note)
        return lambda: compiled
    return lambda: 0


def everything(log_dir: str | os.PathLike[str]) -> list[keras.callbacks.Callback]:
    """All callbacks on one log directory, with one held-out image."""
    images, labels = six_images()[:1], six_labels()[:1]
    return [
        ActivationGrid(log_dir, images, labels=labels, on_error="raise"),
        FilterPatterns(log_dir, filters=2, steps=3, on_error="raise"),
        GradCAM(log_dir, images, labels=labels, on_error="raise"),
    ]


def train(epochs: int, callbacks: Sequence[keras.callbacks.Callback]) -> list[Reading]:
    """Trains `small_model` with one batch an epoch.

    Returns:
        A reading for every tenth epoch, from the first.
    """
    model = small_model()
    readings = Readings(model.layers[0])
    model.fit(
        six_images(),
        six_labels(),
        batch_size=6,
        epochs=epochs,
        verbose=0,
        callbacks=[*callbacks, readings],
    )
    return readings.taken
