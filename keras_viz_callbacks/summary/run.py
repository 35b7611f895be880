"""The run below a user's log directory: one event writer and one worker for all callbacks on it.

The directory that a training writes to, and its first step, are decided here, once for all of
these callbacks, when the first epoch begins:

- steps are Keras' epochs (or global training batches), so that pictures are at the same steps as
  the metrics that Keras' own ``TensorBoard`` callback logs;
- a training that is continued in this process (the same model, ``fit`` called again) continues in
  its run, after its last step;
- one that is restarted at a later epoch (``initial_epoch``, ``BackupAndRestore``) continues in the
  newest run of the directory;
- any other one that finds a run there begins the next, ``keras_viz-2``, because TensorBoard
  drops the later steps of a run that goes back; so does one that finds another process writing
  to its run.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 - so that its end is registered before ours
import logging
import os
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from keras_viz_callbacks.summary.claims import Claims
from keras_viz_callbacks.summary.event_writer import EventWriter
from keras_viz_callbacks.summary.local_folder import LocalFolder
from keras_viz_callbacks.summary.log_folder import LogFolder
from keras_viz_callbacks.summary.results import Drawing, Measured
from keras_viz_callbacks.summary.worker import Worker
from tensorboard_plugin import schema

__all__ = ["EXIT_PATIENCE", "Drawing", "Measured", "Run", "log_folder_of", "open_run"]

logger = logging.getLogger(__name__)

EXIT_PATIENCE = 60.0
"""Seconds that the end of a training waits for captures that are still being written."""

# What `pathlib.Path` makes of a URL.
_DAMAGED_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:/[^/]")

_runs: dict[str, Run] = {}
_lock = threading.Lock()


def open_run(log_dir: str) -> Run:
    """The run of a log directory; in one process, there is only one.

    Raises:
        ValueError: The directory can't be written to.
    """
    folder = log_folder_of(log_dir)
    with _lock:
        run = _runs.setdefault(folder.key, Run(log_dir, folder))
    try:
        run.folder.check()
    except OSError as error:
        reason = str(error) if error.strerror is None else error.strerror
        raise ValueError(
            f"`log_dir` must be a directory that can be written to ({reason}). "
            f"Received: log_dir={log_dir!r}"
        ) from error
    return run


def log_folder_of(log_dir: str) -> LogFolder:
    """The folder that the argument ``log_dir`` of a callback means.

    Raises:
        ValueError: It is a URL that can't be opened with the packages that are installed.
    """
    path = schema.local_path(log_dir)
    if path is None:
        from keras_viz_callbacks.summary.remote_folder import RemoteFolder

        return RemoteFolder(log_dir)
    if _DAMAGED_URL.match(path) and not os.path.isdir(path.partition("/")[0]):
        raise ValueError(
            "`log_dir` must be text where it is a URL: pathlib.Path makes one slash of two. "
            f"Received: log_dir={log_dir!r}. Write {path.replace(':/', '://', 1)!r}."
        )
    return LocalFolder(path)


class Run:
    """The run that all callbacks on one log directory write to; see the module's docstring.

    A *session* is one ``fit``. Everything here happens on the training thread, except for the jobs
    of the worker.

    Args:
        log_dir: The log directory, as the user wrote it.
        folder: The same, ready to be written to.

    Attributes:
        claims: Tags and names of images that the callbacks of a session have reserved.
    """

    def __init__(self, log_dir: str, folder: LogFolder) -> None:
        self.log_dir = log_dir
        self.folder = folder
        self.worker = Worker()
        self._wait_until: float | None = None
        self._writer: EventWriter | None = None
        self._owners: weakref.WeakSet[Any] = weakref.WeakSet()
        self._session: object = None
        self._model: weakref.ref[Any] | None = None
        self.claims = Claims(log_dir)
        self._last_step = -1
        self._last_batch = 0
        self._offset: int | None = None
        self._batches_before = 0

    def join(self, owner: object, model: object, session: object) -> None:
        """A callback begins to take part in a session.

        Args:
            owner: The callback.
            model: The model that is trained.
            session: An object that is the same for all callbacks of one ``fit``, or None.
        """
        if not self._owners or (session is not None and session is not self._session):
            # An exception inside `fit` may have ended the last session without a call of `leave`.
            self.end_session()
            if self._model is None or self._model() is not model:
                self._writer = None
                self._model = weakref.ref(model)
            self._session = session
        self._owners.add(owner)

    def leave(self, owner: object) -> None:
        """A callback's training has ended; afterwards, what it submitted is written.

        The last callback closes the file.
        """
        self._owners.discard(owner)
        self._wait()
        if not self._owners:
            self.end_session()

    def begin_epoch(self, epoch: int, steps_per_epoch: int | None) -> None:
        """Decides on directory and first step, when the first epoch of a session begins."""
        if self._offset is not None:
            return
        if self._writer is not None and not self._writer.claim():
            self._writer = None  # another process writes to this run now
        if self._writer is None:
            is_restarted = self._choose_run(epoch)
            self._last_step, self._last_batch = -1, 0
            if is_restarted and steps_per_epoch:
                self._last_batch = epoch * steps_per_epoch
        self._offset = max(0, self._last_step + 1 - epoch)
        self._batches_before = self._last_batch

    def _choose_run(self, epoch: int) -> bool:
        """Chooses the run for a session that begins with this epoch.

        Returns:
            Whether the session continues in a run that was there.
        """
        taken = self.folder.runs()
        number = 1
        while schema.numbered_run_name(number) in taken:
            number += 1
        newest = number - 1 if epoch > 0 and number > 1 else None
        chosen = number if newest is None else newest
        while not self._claim_run(chosen):  # another process writes there now
            chosen += 1
        return chosen == newest

    def _claim_run(self, number: int) -> bool:
        self._writer = self.folder.writer(schema.numbered_run_name(number))
        return self._writer.claim()

    def epoch_step(self, epoch: int) -> int:
        """The step of an epoch of this session."""
        step = epoch + (0 if self._offset is None else self._offset)
        self._last_step = max(self._last_step, step)
        return step

    def batch_step(self, batches: int) -> int:
        """The global training batch, after that many batches of this session."""
        step = self._batches_before + batches
        self._last_batch = max(self._last_batch, step)
        return step

    def submit(
        self,
        step: int,
        draw: Callable[[], Iterable[Drawing | Measured]],
        on_failure: Callable[[Exception], None],
        working: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> bool:
        """Gives a capture to the worker, to be drawn and written.

        Args:
            step: Step of all its summaries.
            draw: Makes its pictures and numbers, on the worker thread.
            on_failure: Called on the worker thread with an exception that it raised.
            working: Makes a context for all that the worker does for it.

        Returns:
            False where the capture was skipped, because the disk does not keep up.
        """
        writer = self._writer
        assert writer is not None

        def job() -> None:
            with working():
                try:
                    try:
                        for result in draw():
                            writer.write(step, result.values())
                    finally:
                        writer.flush()  # what was drawn before a failure, too
                except Exception as error:  # noqa: BLE001 - whatever it is, training goes on
                    on_failure(error)

        try:
            return self.worker.submit(job)
        except RuntimeError as error:  # the system starts no more threads
            with working():
                on_failure(error)
            return True

    def drain(self, timeout: float | None = None) -> bool:
        """Waits until the worker has written all that was submitted.

        Args:
            timeout: Seconds to wait at most; None waits for as long as it takes.

        Returns:
            Whether all is written.
        """
        return self.worker.close(timeout)

    def end_session(self) -> None:
        """Writes what was submitted, closes the file, and forgets what callbacks have claimed."""
        if self._wait():
            try:
                if self._writer is not None:
                    self._writer.close()
            except OSError as error:
                logger.warning("Not all captures for %s could be written: %s", self.log_dir, error)
        else:
            logger.warning("Captures for %s were still being written and are lost.", self.log_dir)
            # A write that does not return must not block later trainings.
            stuck = threading.Thread(target=_close, args=(self.worker, self._writer), daemon=True)
            stuck.start()
            self.worker, self._writer, self._wait_until = Worker(), None, None
        self._offset = None
        self._session = None
        self._owners.clear()
        self.claims.clear()

    def _wait(self) -> bool:
        """Waits for captures that are being written: `EXIT_PATIENCE` for all callbacks together."""
        if self._wait_until is None:
            self._wait_until = time.monotonic() + EXIT_PATIENCE
        is_written = self.drain(max(0.0, self._wait_until - time.monotonic()))
        if is_written:
            self._wait_until = None
        return is_written


def _close(worker: Worker, writer: EventWriter | None) -> None:
    worker.close()
    if writer is not None:
        writer.close()


def _end_all_sessions() -> None:
    for run in list(_runs.values()):
        run.end_session()


def _forget() -> None:
    """Leaves the runs to the process that opened them: a forked one has none of its threads."""
    global _lock
    _lock = threading.Lock()
    _runs.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

# Python ends its thread pools before it calls `atexit`, and the network libraries of remote stores
# need one to resolve a name. What is registered like this ends before pools that were made earlier.
getattr(threading, "_register_atexit", atexit.register)(_end_all_sessions)
