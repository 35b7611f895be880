"""Hooks, failures and files of a callback: the same for every one."""

from __future__ import annotations

import contextlib
import copy
import logging
import math
import os
import queue
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import keras

from keras_viz_callbacks.callbacks.budget import Budget
from keras_viz_callbacks.callbacks.measures import Measurement, collected
from keras_viz_callbacks.callbacks.options import CaptureOptions
from keras_viz_callbacks.callbacks.records import Moment
from keras_viz_callbacks.callbacks.schedule import Due, Schedule
from keras_viz_callbacks.capture.backend import backend
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.options import with_options
from keras_viz_callbacks.patterns.objectives import Objective
from keras_viz_callbacks.summary.run import Drawing, Measured, Run, open_run
from tensorboard_plugin import schema

if TYPE_CHECKING:
    from typing_extensions import Unpack

logger = logging.getLogger(__name__)

Draw = Callable[[Moment], Iterable[Drawing | Measurement]]
"""Draws and measures what was captured. It is called on the worker thread, so it holds NumPy
arrays only."""

_NOT_COPIED = frozenset({"run", "budget", "_failures"})
"""Attributes with locks, or of one training: each copy has its own."""

_OF_A_MODEL = (keras.layers.Layer, LayerCall, Objective)
"""Arguments that copies share."""


@with_options(CaptureOptions)
class VisualizationCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Base of the callbacks: a subclass says what to prepare and what to capture.

    A callback can be copied and pickled, as searches of hyperparameters do for each trial. The copy
    has the same arguments, and nothing of a training that the original has taken part in.

    Args:
        log_dir: Log directory; pictures go to its run ``keras_viz``. Keras' own ``TensorBoard``
            callback may write there too.
        default_name: Value of ``name`` where the user chooses none.

    Attributes:
        run: The run that the callback takes part in; None outside of a training.
        budget: The time that captures have taken and may take.

    Raises:
        ValueError: An argument is wrong.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        default_name: str = "",
        **options: Unpack[CaptureOptions],
    ) -> None:
        super().__init__()
        self._schedule = Schedule(options["update_freq"], options["every"])
        max_overhead, on_error = options["max_overhead"], options["on_error"]
        if max_overhead is not None and not 0 < max_overhead <= 1:
            raise ValueError(
                "`max_overhead` must be a share of the training's time above 0 and up to 1, or "
                f"None. Received: max_overhead={max_overhead!r}"
            )
        if on_error not in ("warn", "raise"):
            raise ValueError(
                f'`on_error` must be "warn" or "raise". Received: on_error={on_error!r}'
            )
        name = default_name if options["name"] is None else options["name"]
        if not name or "/" in name:
            raise ValueError(f"`name` must be a text without '/'. Received: name={name!r}")
        self.log_dir = os.fspath(log_dir)
        self.name = name
        self._tag_name = None if name == default_name else name
        self.update_freq = options["update_freq"]
        self.every = options["every"]
        self.max_overhead = max_overhead
        self.on_error = on_error
        self._untrained: frozenset[str] | None = None
        self._make_what_is_not_copied()
        self._metrics: Mapping[str, float | None] = {}
        self._skipped = 0
        self._has_warned = False
        self._is_prepared = False
        self._has_logged_size = False

    def _make_what_is_not_copied(self) -> None:
        self.run: Run | None = None
        self.budget = Budget(self.max_overhead)
        self._failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()

    def __getstate__(self) -> dict[str, Any]:
        """State of a copy, or of a pickle: the arguments, and nothing that a training has made."""
        state = {
            name: value
            for name, value in vars(self).items()
            if (self._untrained is None or name in self._untrained) and name not in _NOT_COPIED
        }
        # The model and the parameters of a training are Keras'.
        return {**state, **vars(keras.callbacks.Callback())}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_what_is_not_copied()

    def __deepcopy__(self, memo: dict[int, Any]) -> VisualizationCallback:
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        state = self.__getstate__()
        for part in keras.tree.flatten(list(state.values())):
            if isinstance(part, _OF_A_MODEL):
                memo[id(part)] = part  # a copy of a layer is in no model
        copied.__setstate__(copy.deepcopy(state, memo))
        return copied

    @abstractmethod
    def _prepare(self, run: Run) -> None:
        """Checks every argument against the model and compiles what a capture needs.

        Raises:
            ValueError: An argument does not fit the model.
        """

    @abstractmethod
    def _capture(self) -> Draw:
        """Runs the device work, on the training thread, and returns how to draw its arrays."""

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Checks and compiles everything, before the first batch.

        A model without weights is checked after its first batch, with which Keras builds it:
        built here, from held-out images, it might not fit the training's own inputs.

        Where several processes train the model together, one of them draws, and the callbacks
        of the others do nothing.
        """
        self.run = None
        if self._untrained is None:
            self._untrained = frozenset(vars(self))
        if not backend().is_chief(self.model):
            logger.info("%s is drawn by the first process of this training only.", self.name)
            return
        run = open_run(self.log_dir)
        run.join(self, self.model, self.params)
        self.run = run
        self._schedule.begin(self._param("epochs"), self._param("steps"))
        self.budget.begin()
        self._skipped = 0
        self._has_warned = self._is_prepared = self._has_logged_size = False
        if self.model.built:
            self._prepare_once(run)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Notes which epoch begins."""
        self._schedule.begin_epoch(epoch)
        if self.run is not None:
            self.run.begin_epoch(epoch, self._param("steps"))

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Captures every ``update_freq`` batches, if that is a number."""
        run = self.run
        due = self._schedule.end_batch(batch, 0 if run is None else run.batch_step(0))
        if run is None:
            return
        self._prepare_once(run)
        if self.update_freq != "epoch":
            self._report_failures()
        if due is not None:
            self._metrics = _numbers(logs)
            self._submit(run, due, run.batch_step(self._schedule.batches))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Captures every ``every`` epochs, and the last one."""
        run = self.run
        if run is None:
            return
        self._prepare_once(run)
        self._report_failures()
        run.batch_step(self._schedule.batches)
        step = run.epoch_step(epoch)
        # A model that was never compiled, in a loop of the user's own, has no such flag.
        is_stopped = getattr(self.model, "stop_training", False)
        due = self._schedule.end_epoch(epoch, is_stopped=is_stopped)
        self._metrics = _numbers(logs)
        if due is not None:
            self._submit(run, due, step)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Captures the last epoch, if that was not done, and waits until all is on disk."""
        run = self.run
        if run is None:
            return
        due = self._schedule.end()
        if due is not None:
            self._submit(run, due, run.epoch_step(self._schedule.epoch))
        self.run = None
        run.leave(self)
        self._report_failures()

    def _param(self, key: str) -> int | None:
        """One of Keras' parameters of this training."""
        value = (self.params or {}).get(key)
        return None if value is None else int(value)

    def _prepare_once(self, run: Run) -> None:
        if self._is_prepared:
            return
        try:
            with self.budget.spending():
                self._prepare(run)
        except BaseException:
            self.run = None
            run.leave(self)
            raise
        self._is_prepared = True

    def _submit(self, run: Run, due: Due, step: int) -> None:
        # The last epoch is captured whatever it costs: it shows how the training ended.
        if not due.is_last and not self.budget.allows():
            self._skip()
            return
        schedule = self._schedule
        moment = Moment(
            step,
            schedule.epoch,
            run.batch_step(schedule.batches),
            self._metrics,
            self._note_of_skipped(),
        )
        self._skipped = 0
        self.budget.begin_capture()
        with self.budget.spending():
            _ = self.model  # on JAX this brings the model's variables up to date
            try:
                draw = self._capture()
            except Exception as error:  # noqa: BLE001 - an observer must not end the training
                self.budget.end_capture()
                self._fail(error)
                return
            is_first, self._has_logged_size = not self._has_logged_size, True

            def results() -> Iterator[Drawing | Measured]:
                sizes: list[int] = []
                yield from self._results(draw, moment, sizes)
                if is_first and sizes:
                    self._log_size(sum(sizes))

            if not run.submit(step, results, self._failures.put, self._working):
                self.budget.end_capture()
                self._fail(TimeoutError(f"the disk of {self.log_dir!r} does not keep up"))

    def _results(
        self, draw: Draw, moment: Moment, sizes: list[int]
    ) -> Iterator[Drawing | Measured]:
        """What is to be written of a capture; the measurements come as one, after the pictures."""
        measurements: list[Measurement] = []
        failure: Exception | None = None
        try:
            for result in draw(moment):
                if isinstance(result, Measurement):
                    measurements.append(result)
                else:
                    sizes.append(result.size)
                    yield result
        except Exception as error:  # noqa: BLE001 - what was measured before it is written too
            failure = error
        if measurements:
            yield collected(self.name, self._tag_name, moment, measurements)
        if failure is not None:
            raise failure

    def _scalar_tag(self, measure: str, layer_path: str) -> str:
        """Tag of a measure of a layer in TensorBoard's Scalars."""
        return schema.scalar_tag(measure, layer_path, self._tag_name)

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """The worker's part of a capture."""
        try:
            with self.budget.spending():
                yield
        finally:
            self.budget.end_capture()

    def _log_size(self, size: int) -> None:
        """Logs, with the first capture, how much the training is going to write."""
        captures = self._schedule.planned_captures()
        total = "" if captures is None else f", about {captures * size / 1e6:.0f} MB in {captures}"
        logger.info("%s writes %.2f MB a capture%s.", self.name, size / 1e6, total)

    def _skip(self) -> None:
        if not self._skipped:
            logger.info(
                "%s skips captures to stay within max_overhead=%s.", self.name, self.max_overhead
            )
        self._skipped += 1
        self._schedule.skip()

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
        if self._has_warned:
            logger.debug(message)
            return
        self._has_warned = True
        warnings.warn(
            f"{message}. Training goes on, later captures are still tried, and further failures "
            'are not shown; on_error="raise" stops instead.',
            stacklevel=2,
        )


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
