"""A tiny training to cause faults in: model, callbacks, and the weights that it should end with."""

from __future__ import annotations

import functools
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from tests.helpers.models import six_images, six_labels, small_model

EPOCHS = 4
TAGS = {"activations/conv_a/image_0", "grad_cam/conv_b/image_0"}
HOOKS = (
    "on_train_begin",
    "on_epoch_begin",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_test_end",
    "on_epoch_end",
    "on_train_end",
)


def callbacks(log_dir: Path | str, **arguments: Any) -> list[keras.callbacks.Callback]:
    """Two that share a run, of one layer and one image each: `TAGS`."""
    images = six_images()[:1]
    return [
        ActivationGrid(log_dir, images, layers="conv_a", **arguments),
        GradCAM(log_dir, images, layers="conv_b", **arguments),
    ]


def patterns(log_dir: Path | str) -> keras.callbacks.Callback:
    """A third one: ``filters/conv_a``."""
    return FilterPatterns(log_dir, layers="conv_a", filters=2, steps=2)


@functools.cache
def _model() -> tuple[keras.Model, list[np.ndarray]]:
    model = small_model()
    model.optimizer.build(model.trainable_variables)
    start = variables(model)
    # Traces and compiles, once in this process. Keras' first `fit` draws more random numbers.
    fit(model, epochs=1)
    return model, start


def model() -> keras.Model:
    """The only model of this process, as it was before any training."""
    found, start = _model()
    found.stop_training = False
    for variable, value in zip(all_variables(found), start, strict=True):
        variable.assign(value)
    keras.utils.set_random_seed(5)  # torch's dropout draws from the global generator
    return found


def forget() -> None:
    """Makes `model` build another one."""
    _model.cache_clear()
    expected.cache_clear()


def all_variables(model: keras.Model) -> list[Any]:
    """Weights, statistics, seeds, and the variables of the optimizer."""
    return [*model.variables, *model.optimizer.variables]


def variables(model: keras.Model) -> list[np.ndarray]:
    """Their values."""
    return [np.array(keras.ops.convert_to_numpy(each)) for each in all_variables(model)]


def fit(
    model: keras.Model,
    own: Sequence[keras.callbacks.Callback] = (),
    epochs: int = EPOCHS,
    **arguments: Any,
) -> Any:
    """Three batches an epoch, the same ones with and without callbacks."""
    arguments = {"x": six_images(), "y": six_labels(), "batch_size": 2, "shuffle": False} | (
        arguments
    )
    return model.fit(epochs=epochs, verbose=0, callbacks=list(own), **arguments)


@functools.cache
def expected(epochs: int = EPOCHS) -> list[np.ndarray]:
    """`variables` of the model after a training without callbacks."""
    trained = model()
    fit(trained, epochs=epochs)
    return variables(trained)


def assert_same(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> None:
    """Checks two states of a model bit for bit."""
    for own, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(own, other)
    assert any(np.ptp(each) > 0 for each in found)


class At(keras.callbacks.Callback):
    """Does something at one hook of one epoch, once.

    Args:
        hook: One of `HOOKS`.
        action: What to do.
        epoch: The epoch; hooks of the whole training ignore it.
    """

    def __init__(self, hook: str, action: Callable[[], None], epoch: int = 1) -> None:
        super().__init__()
        self._epoch: int | None = None
        self._action: Callable[[], None] | None = action
        self._when = epoch
        if hook != "on_epoch_begin":
            setattr(self, hook, self._at)
        self._is_begin = hook == "on_epoch_begin"
        self._is_any = hook.startswith("on_train_") and "batch" not in hook

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch
        if self._is_begin:
            self._at()

    def _at(self, *_: Any, **__: Any) -> None:
        if self._action is not None and (self._is_any or self._epoch == self._when):
            action, self._action = self._action, None
            action()


def wait_until_written(own: keras.callbacks.Callback) -> None:
    """Waits until all that a callback has captured is written."""
    assert own.run.drain(60)


class WaitUntilWritten(keras.callbacks.Callback):
    """Waits, after the other callbacks, until their captures of the epoch are written."""

    def __init__(self, own: keras.callbacks.Callback) -> None:
        super().__init__()
        self._own = own

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        wait_until_written(self._own)


@contextmanager
def our_warnings() -> Iterator[list[str]]:
    """The warnings of our callbacks inside the context."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield found
        finally:
            found += [str(each.message) for each in caught if "could not draw" in str(each.message)]


def assert_worker_ends(seconds: float = 5.0) -> None:
    """Checks that the worker thread ends, even if nothing has closed it."""
    until = time.monotonic() + seconds
    while any(thread.name == "keras_viz" for thread in threading.enumerate()):
        assert time.monotonic() < until, "the worker thread has not ended"
        time.sleep(0.01)
