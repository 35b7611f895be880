"""When to draw, what to do on failure, life and end of the writer: the same for every callback."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import queue
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras

from keras_viz_callbacks.callbacks.budget import Budget
from keras_viz_callbacks.capture.backend import backend
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.summary.run import Drawing, Measured, Run, open_run
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
        note: What the user should know of it.
    """

    step: int
    epoch: int
    batch: int
    metrics: Mapping[str, float | None]
    note: str | None = None


Draw = Callable[[Moment], Iterable[Drawing | Measured]]
"""Draws what was captured; called on the worker thread, so it holds NumPy arrays only."""


class VisualizationCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Base of the callbacks: a subclass says what to prepare and what to capture.

    Args:
        log_dir: Where Keras' own ``TensorBoard`` callback writes too; pictures go to the run
            ``keras_viz`` below it.
        name: First part of the pictures' tags.
        update_freq: ``"epoch"``, or a number of training batches between captures.
        every: Epochs between captures, counted from epoch 0; the last epoch is always captured.
        max_overhead: Share of the training's time that captures may take at most, drawing and
            writing included; one that would exceed it is skipped. None for no bound.
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
        max_overhead: float | None = None,
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
        if max_overhead is not None and not 0 < max_overhead <= 1:
            raise ValueError(
                "`max_overhead` must be a share of the training's time above 0 and up to 1, or "
                f"None. Received: max_overhead={max_overhead!r}"
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
        self.max_overhead = max_overhead
        self.on_error = on_error
        self._run: Run | None = None
        self._is_prepared = False
        self._failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self._warned = False
        self._budget = Budget(max_overhead)
        self._said_size = False
        self._skipped = 0
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

        Where several processes train the model together, one of them draws, and in the others
        this callback does nothing from here on.
        """
        self._run = None
        if not backend().is_chief(self.model):
            logger.info("%s is drawn by the first process of this training only.", self.name)
            return
        run = open_run(self.log_dir)
        run.join(self, self.model, self.params)
        self._run = run
        self._is_prepared = False
        self._budget.begin()
        self._skipped = 0
        self._said_size = False
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
            self._submit(step, is_last=last)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Captures the last epoch, if it is still to be, and waits until all is on disk."""
        run = self._run
        if run is None:
            return
        # A callback behind this one in the list may have ended the training.
        if self.update_freq == "epoch" and self._captured_epoch != self._epoch and self._batches:
            self._submit(run.epoch_step(self._epoch), is_last=True)
        self._run = None
        run.leave(self)
        self._report_failures()

    def _prepare_once(self, run: Run) -> None:
        if self._is_prepared:
            return
        try:
            with self._budget.spending():
                self._prepare(run)
        except BaseException:
            self._run = None
            run.leave(self)
            raise
        self._is_prepared = True

    def _submit(self, step: int, *, is_last: bool = False) -> None:
        run = self._run
        assert run is not None
        # How the training ended is worth one capture too many.
        if not is_last and not self._budget.allows():
            self._skip()
            return
        moment = Moment(
            step, self._epoch, run.batch_step(self._batches), self._metrics, self._note_of_skipped()
        )
        self._skipped = 0
        self._budget.begin_capture()
        with self._budget.spending():
            _ = self.model  # asking for it brings the variables of a model on JAX up to date
            try:
                draw = self._capture()
            except Exception as error:  # noqa: BLE001 - an observer must not end the training
                self._budget.end_capture()
                self._fail(error)
                return

            is_first, self._said_size = not self._said_size, True

            def drawn() -> Iterator[Drawing | Measured]:
                size = 0
                for drawing in draw(moment):
                    size += drawing.size
                    yield drawing
                if is_first:
                    self._say_size(size)

            if not run.submit(step, drawn, self._failures.put, self._working):
                self._budget.end_capture()
                self._fail(TimeoutError(f"the disk of {self.log_dir!r} does not keep up"))

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """What the worker does for a capture of this callback."""
        try:
            with self._budget.spending():
                yield
        finally:
            self._budget.end_capture()

    def _say_size(self, size: int) -> None:
        """Tells, with the first capture, what the training is going to write."""
        captures = self._planned_captures()
        total = "" if captures is None else f", about {captures * size / 1e6:.0f} MB in {captures}"
        logger.info("%s writes %.2f MB a capture%s.", self.name, size / 1e6, total)

    def _planned_captures(self) -> int | None:
        params = self.params or {}
        epochs = params.get("epochs")
        if epochs is None:
            return None
        if self.update_freq == "epoch":
            # Every n-th and the last.
            return len({*range(0, epochs, self.every), epochs - 1})
        steps = params.get("steps")
        return None if steps is None else epochs * int(steps) // int(self.update_freq)

    def _skip(self) -> None:
        if not self._skipped:
            logger.info(
                "%s skips captures to stay within max_overhead=%s.", self.name, self.max_overhead
            )
        self._skipped += 1

    def _note_of_skipped(self) -> str | None:
        if not self._skipped:
            return None
        return f"{self._skipped} captures before this one were skipped (max_overhead)"

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


def together(*notes: str | None) -> str | None:
    """Notes as one, those that there are."""
    return "; ".join(note for note in notes if note) or None


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
