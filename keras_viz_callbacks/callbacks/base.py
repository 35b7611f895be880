"""When to draw, what to do on failure, life and end of the writer: the same for every callback."""

from __future__ import annotations

import logging
import math
import os
import queue
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras

from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.summary.run import Drawing, Run, open_run
from tensorboard_plugin import schema

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moment:
    """When a capture is made.

    Attributes:
        step: Of its summaries.
        epoch: Keras' epoch, from 0.
        batch: Global training batch.
        metrics: Keras' logs.
    """

    step: int
    epoch: int
    batch: int
    metrics: Mapping[str, float | None]


Draw = Callable[[Moment], Iterable[Drawing]]
"""Draws what was captured; called on the worker thread, so it holds NumPy arrays only."""


class VisualizationCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Base of the callbacks: a subclass says what to prepare and what to capture.

    Args:
        log_dir: Where Keras' own ``TensorBoard`` callback writes too; pictures go to the run
            ``keras_viz`` below it.
        name: First part of the pictures' tags.
        update_freq: ``"epoch"``, or a number of training batches between captures.
        every: Epochs between captures, counted from epoch 0; the last epoch is always captured.
        on_error: ``"warn"`` says once why a capture failed and lets training go on; ``"raise"``
            stops it. What is wrong before the first capture always raises.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        name: str,
        update_freq: Literal["epoch"] | int = "epoch",
        every: int = 1,
        on_error: Literal["warn", "raise"] = "warn",
    ) -> None:
        super().__init__()
        if update_freq != "epoch" and not _is_count(update_freq):
            raise ValueError(
                '`update_freq` must be "epoch" or a positive number of training batches. '
                f"Received: update_freq={update_freq!r}"
            )
        if not _is_count(every):
            raise ValueError(
                f"`every` must be a positive number of epochs. Received: every={every!r}"
            )
        if update_freq != "epoch" and every != 1:
            raise ValueError(
                '`every` counts epochs, so it goes with update_freq="epoch" only. '
                f"Received: every={every!r}, update_freq={update_freq!r}"
            )
        if on_error not in ("warn", "raise"):
            raise ValueError(
                f'`on_error` must be "warn" or "raise". Received: on_error={on_error!r}'
            )
        if not name or "/" in name:
            raise ValueError(f"`name` must be a text without '/'. Received: name={name!r}")
        self.log_dir = os.fspath(log_dir)
        self.name = name
        self.update_freq = update_freq
        self.every = every
        self.on_error = on_error
        self._run: Run | None = None
        self._is_prepared = False
        self._failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self._warned = False
        self._epoch = 0
        self._captured_epoch: int | None = None
        self._batches = 0
        self._batches_at_epoch_begin = 0
        self._metrics: Mapping[str, float | None] = {}

    @abstractmethod
    def _prepare(self, run: Run) -> None:
        """Checks every argument against the model and compiles what a capture needs.

        Raises:
            ValueError: Something can be known to be wrong already.
        """

    @abstractmethod
    def _capture(self) -> Draw:
        """Runs the device work on the training thread and returns how to draw its arrays."""

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Checks and compiles everything, before the first batch.

        A model that has no weights yet gets them from Keras with its first batch, and is checked
        right behind it: built here, from held-out images, it might fit nothing else.
        """
        run = open_run(self.log_dir)
        run.join(self, self.model, self.params)
        self._run = run
        self._is_prepared = False
        if self.model.built:
            self._prepare_once(run)
        self._warned = False
        self._captured_epoch = None
        self._batches = self._batches_at_epoch_begin = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Notes where the training stands."""
        self._epoch = epoch
        self._batches_at_epoch_begin = self._batches
        if self._run is not None:
            self._run.begin_epoch(epoch, (self.params or {}).get("steps"))

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Captures every ``update_freq`` batches, if that is a number."""
        before = self._batches
        # With `steps_per_execution` only the last batch of each execution is told.
        self._batches = self._batches_at_epoch_begin + batch + 1
        if self._run is None:
            return
        self._prepare_once(self._run)
        if self.update_freq == "epoch":
            return
        self._report_failures()
        offset = self._run.batch_step(0)
        done = offset + self._batches
        if done // self.update_freq > (offset + before) // self.update_freq:
            self._metrics = _numbers(logs)
            self._submit(self._run.batch_step(self._batches))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Captures every ``every`` epochs, and the last one."""
        if self._run is None:
            return
        self._prepare_once(self._run)
        self._report_failures()
        self._run.batch_step(self._batches)
        step = self._run.epoch_step(epoch)
        if self.update_freq != "epoch":
            return
        self._metrics = _numbers(logs)
        # A model that was never compiled, in a loop of the user's own, has no such flag.
        stopped = getattr(self.model, "stop_training", False)
        last = (self.params or {}).get("epochs") == epoch + 1 or stopped
        if epoch % self.every == 0 or last:
            self._captured_epoch = epoch
            self._submit(step)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Captures the last epoch, if it is still to be, and waits until all is on disk."""
        run = self._run
        if run is None:
            return
        # A callback behind this one in the list may have ended the training.
        if self.update_freq == "epoch" and self._captured_epoch != self._epoch and self._batches:
            self._submit(run.epoch_step(self._epoch))
        self._run = None
        run.leave(self)
        self._report_failures()

    def _prepare_once(self, run: Run) -> None:
        if self._is_prepared:
            return
        try:
            self._prepare(run)
        except BaseException:
            self._run = None
            run.leave(self)
            raise
        self._is_prepared = True

    def _submit(self, step: int) -> None:
        run = self._run
        assert run is not None
        moment = Moment(step, self._epoch, run.batch_step(self._batches), self._metrics)
        _ = self.model  # asking for it brings the variables of a model on JAX up to date
        try:
            draw = self._capture()
        except Exception as error:  # noqa: BLE001 - an observer must not end the training
            self._fail(error)
            return
        if not run.submit(step, lambda: draw(moment), self._failures.put):
            self._fail(TimeoutError(f"the disk of {self.log_dir!r} does not keep up"))

    def _report_failures(self) -> None:
        while not self._failures.empty():
            self._fail(self._failures.get())

    def _fail(self, error: Exception) -> None:
        if self.on_error == "raise":
            raise error
        message = f"{type(self).__name__} could not draw {self.name!r}: {_reason(error)}"
        if self._warned:
            logger.debug(message)
            return
        self._warned = True
        warnings.warn(
            f"{message}. Training goes on, later captures are still tried, and further failures "
            'are not shown; on_error="raise" stops instead.',
            stacklevel=2,
        )


def layer_record(call: LayerCall, shape: tuple[int, ...]) -> schema.Layer:
    """What a record says of a layer.

    Args:
        call: The layer's call.
        shape: ``(height, width, channels)`` of its output.
    """
    return schema.Layer(call.path, type(call.layer).__name__, call.index, shape)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _numbers(logs: Mapping[str, Any] | None) -> dict[str, float | None]:
    numbers: dict[str, float | None] = {}
    for key, value in (logs or {}).items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue  # a metric may be an array
        numbers[str(key)] = number if math.isfinite(number) else None
    return numbers


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
