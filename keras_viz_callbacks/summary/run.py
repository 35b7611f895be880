"""The run below a user's log directory: one event writer and one worker for all callbacks on it.

Which directory a training writes to, and from which step on, is decided here, once for all of
them, when its first epoch begins:

- steps are Keras' epochs (or global training batches), so that pictures stand beside the
  metrics that Keras' own ``TensorBoard`` callback logs;
- a training that is continued in this process (the same model, ``fit`` called again) goes on in
  its run, behind its last step;
- one that is restarted at a later epoch (``initial_epoch``, ``BackupAndRestore``) goes on in the
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
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from keras_viz_callbacks.summary import summaries
from keras_viz_callbacks.summary.event_file import EventWriter
from keras_viz_callbacks.summary.storage import Storage, storage_of
from keras_viz_callbacks.summary.worker import Worker
from tensorboard_plugin import schema

logger = logging.getLogger(__name__)

EXIT_PATIENCE = 60.0
"""Seconds that the end of a training waits for captures that are still being written."""

_runs: dict[str, Run] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Drawing:
    """A picture with its record, ready to be written.

    Attributes:
        record: What it is.
        data: The encoded picture, PNG or JPEG.
        heat_map: The raw class activation map as a 16-bit PNG.
    """

    record: schema.Record
    data: bytes
    heat_map: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of the picture and the map."""
        return len(self.data) + len(self.heat_map or b"")

    def values(self) -> list[summaries.Value]:
        """The summaries to be written."""
        record = self.record
        return [
            summaries.record(record, self.heat_map),
            summaries.image(record.tag, self.data, record.width, record.height),
        ]


@dataclass(frozen=True)
class Measured:
    """Numbers of layers, ready to be written; no picture is needed for them.

    Attributes:
        table: The numbers, for the tab.
        scalars: Tags and values for TensorBoard's Scalars.
    """

    table: schema.MeasureTable
    scalars: Sequence[tuple[str, float]] = ()

    @property
    def size(self) -> int:
        """Bytes of pictures: none."""
        return 0

    def values(self) -> list[summaries.Value]:
        """The summaries to be written."""
        return [
            summaries.measures(self.table),
            *(summaries.scalar(tag, value) for tag, value in self.scalars),
        ]


def open_run(log_dir: str) -> Run:
    """The one run of a log directory in this process.

    Raises:
        ValueError: The directory can't be written to.
    """
    storage = storage_of(log_dir)
    with _lock:
        run = _runs.setdefault(storage.key, Run(log_dir, storage))
    try:
        run.storage.check()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(
            f"`log_dir` must be a directory that can be written to ({reason}). "
            f"Received: log_dir={log_dir!r}"
        ) from error
    return run


class Run:
    """Shared by the callbacks of one log directory; see the module's docstring.

    A *session* is one ``fit``. Everything here but the jobs happens on the training thread.
    """

    def __init__(self, log_dir: str, storage: Storage) -> None:
        self.log_dir = log_dir
        self.storage = storage
        self._worker = Worker()
        self._wait_until: float | None = None
        self._file: EventWriter | None = None
        self._owners: weakref.WeakSet[Any] = weakref.WeakSet()
        self._session: object = None
        self._model: weakref.ref[Any] | None = None
        self._tags: dict[str, int] = {}
        self._names: dict[str, bytes] = {}
        self._shown: set[str] = set()
        self._last_step = -1
        self._last_batch = 0
        self._offset: int | None = None
        self._batches_before = 0

    def join(self, owner: object, model: object, session: object) -> None:
        """A callback begins to take part in a session.

        Args:
            owner: The callback.
            model: Whose training it is.
            session: An object that is the same for all callbacks of one ``fit``, or None.
        """
        if not self._owners or (session is not None and session is not self._session):
            # The last session may have ended without a word, by an exception inside `fit`.
            self._end_session()
            if self._model is None or self._model() is not model:
                self._file = None
                self._model = weakref.ref(model)
            self._session = session
        self._owners.add(owner)

    def leave(self, owner: object) -> None:
        """A callback has seen the end of its training: what it submitted is written then.

        The last one closes the file.
        """
        self._owners.discard(owner)
        self._wait()
        if not self._owners:
            self._end_session()

    def claim(self, owner: object, tags: Iterable[str]) -> None:
        """Reserves picture tags for one callback.

        Raises:
            ValueError: Another callback of this session draws a picture of that tag.
        """
        for tag in tags:
            if self._tags.setdefault(tag, id(owner)) != id(owner):
                raise ValueError(
                    f"Two callbacks on {self.log_dir!r} draw the picture {tag!r}. Give one of "
                    "them another `name`, other layers, other images, or another `log_dir`. "
                    f"Received: name={tag.partition('/')[0]!r} twice"
                )

    def name_images(self, names: Sequence[str] | None, images: Sequence[bytes]) -> tuple[str, ...]:
        """Names for held-out images, one name meaning one image in the whole session.

        Args:
            names: The user's, or None to number them: ``image_0``, ``image_1``, …
            images: A digest of each.

        Raises:
            ValueError: A name of the user's already means another image.
        """
        if names is None:
            return tuple(self._numbered(digest) for digest in images)
        for name, digest in zip(names, images, strict=True):
            if self._names.setdefault(name, digest) != digest:
                raise ValueError(
                    f"Two callbacks on {self.log_dir!r} show different images of one name. "
                    f"Received: images with {name!r}. Give one of them another name."
                )
        return tuple(names)

    def _numbered(self, digest: bytes) -> str:
        number = 0
        while self._names.setdefault(f"image_{number}", digest) != digest:
            number += 1
        return f"image_{number}"

    def not_yet_shown(self, name: str) -> bool:
        """Whether this held-out image is still to be written in this session; asks once."""
        new = name not in self._shown
        self._shown.add(name)
        return new

    def begin_epoch(self, epoch: int, steps_per_epoch: int | None) -> None:
        """Settles directory and first step, when the first epoch of a session begins."""
        if self._offset is not None:
            return
        if self._file is not None and not self._file.claim():
            self._file = None  # another process has gone on in it meanwhile
        if self._file is None:
            restarted = self._choose_run(epoch)
            self._last_step, self._last_batch = -1, 0
            if restarted and steps_per_epoch:
                self._last_batch = epoch * steps_per_epoch
        self._offset = max(0, self._last_step + 1 - epoch)
        self._batches_before = self._last_batch

    def _choose_run(self, epoch: int) -> bool:
        """Takes the run for a session that begins with this epoch.

        Returns:
            Whether the session goes on in a run that was there.
        """
        taken = self.storage.runs()
        number = 1
        while schema.numbered_run_name(number) in taken:
            number += 1
        newest = number - 1 if epoch > 0 and number > 1 else None
        chosen = newest or number
        while not self._claim(chosen):  # another process writes there at this moment
            chosen += 1
        return chosen == newest

    def _claim(self, number: int) -> bool:
        self._file = self.storage.writer(schema.numbered_run_name(number))
        return self._file.claim()

    def epoch_step(self, epoch: int) -> int:
        """The step of an epoch of this session."""
        step = epoch + (self._offset or 0)
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
        """Hands a capture to the worker, to be drawn and written.

        Args:
            step: Of all its pictures.
            draw: Makes them, on the worker thread.
            on_failure: Told there what went wrong.
            working: Makes a context for all that is done there.

        Returns:
            False where it was skipped, because the disk is stalled.
        """
        file = self._file
        assert file is not None

        def job() -> None:
            with working():
                try:
                    try:
                        for result in draw():
                            file.write(step, result.values())
                    finally:
                        file.flush()  # what was drawn before a failure, too
                except Exception as error:  # noqa: BLE001 - whatever it is, training goes on
                    on_failure(error)

        try:
            return self._worker.submit(job)
        except RuntimeError as error:  # the system gives no thread more
            with working():
                on_failure(error)
            return True

    def _wait(self) -> bool:
        """Waits for captures that are being written: all callbacks together `EXIT_PATIENCE`."""
        if self._wait_until is None:
            self._wait_until = time.monotonic() + EXIT_PATIENCE
        is_written = self._worker.close(max(0.0, self._wait_until - time.monotonic()))
        if is_written:
            self._wait_until = None
        return is_written

    def _end_session(self) -> None:
        if self._wait():
            try:
                if self._file is not None:
                    self._file.close()
            except OSError as error:
                logger.warning("Not all captures for %s could be written: %s", self.log_dir, error)
        else:
            logger.warning("Captures for %s were still being written and are lost.", self.log_dir)
            # What they are stuck in must not hold later trainings.
            stuck = threading.Thread(target=_close, args=(self._worker, self._file), daemon=True)
            stuck.start()
            self._worker, self._file, self._wait_until = Worker(), None, None
        self._offset = None
        self._session = None
        self._owners.clear()
        for memory in (self._tags, self._names, self._shown):
            memory.clear()


def _close(worker: Worker, file: EventWriter | None) -> None:
    worker.close()
    if file is not None:
        file.close()


def _finish() -> None:
    for run in list(_runs.values()):
        run._end_session()


def _forget() -> None:
    """Leaves runs to the process that opened them: no thread of it lives on in a forked one."""
    global _lock
    _lock = threading.Lock()
    _runs.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

# Python ends its thread pools before it calls `atexit`, and the network libraries of remote stores
# need one for a name to be resolved. What is registered like this ends before pools made earlier.
getattr(threading, "_register_atexit", atexit.register)(_finish)
