"""A slow disk, and one that stops: a pipe that nothing reads from is one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import pytest

from keras_viz_callbacks.summary import run, worker
from keras_viz_callbacks.summary.worker import Job, Worker
from tests.helpers.faults import tiny_training
from tests.helpers.faults.fault import fault
from tests.helpers.faults.log_checks import readable
from tests.helpers.faults.tiny_training import At

EPOCHS = 16
RELEASED = 12
"""The epoch before which the disk works again."""
PATIENCE = 1.0
"""Seconds that the training may wait for such a disk."""
SLACK = 1.0
"""Seconds that a busy machine may need to continue."""
PIPE = 4096
"""Bytes that the pipe holds before a write has to wait."""


class Pipe:
    """Makes each new event file a pipe, which is read into ``drained`` once that is allowed.

    Args:
        drained: Directory for the files that are read from the pipes.
        seconds: Time to read `PIPE` bytes.
    """

    def __init__(self, drained: Path, seconds: float = 0.0) -> None:
        self.drained, self.seconds = drained, seconds
        self.waited = 0.0
        """Seconds that the training thread has waited for a place in the worker's queue."""
        self.may_be_read = threading.Event()
        self._readers: list[threading.Thread] = []
        self._open, self._submit = os.open, Worker.submit

    def open(self, path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        """Like ``os.open``, which it replaces."""
        if "tfevents" not in str(path) or not flags & os.O_EXCL:
            return self._open(path, flags, mode, **more)
        os.mkfifo(path)
        descriptor = self._open(path, os.O_RDWR)
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE)
        reader = threading.Thread(target=self._drain, args=(Path(path),), daemon=True)
        self._readers.append(reader)
        reader.start()
        return descriptor

    def submit(self, own: Worker, job: Job) -> bool:
        """Like ``Worker.submit``, which it replaces."""
        began = time.perf_counter()
        try:
            return self._submit(own, job)
        finally:
            self.waited += time.perf_counter() - began

    def _drain(self, path: Path) -> None:
        source = self._open(path, os.O_RDONLY)
        self.may_be_read.wait()
        self.drained.mkdir(parents=True, exist_ok=True)
        with (self.drained / path.name).open("wb", buffering=0) as file:
            while data := os.read(source, PIPE):
                time.sleep(self.seconds)
                file.write(data)
        os.close(source)
        path.unlink()  # TensorBoard would wait for more data

    def end(self) -> None:
        """Waits until everything has been read."""
        self.may_be_read.set()
        for reader in self._readers:
            reader.join(60)
            assert not reader.is_alive()


@contextlib.contextmanager
def _pipe(drained: Path, seconds: float = 0.0) -> Iterator[Pipe]:
    pipe = Pipe(drained / "keras_viz", seconds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "PATIENCE", PATIENCE)
        patch.setattr(os, "open", pipe.open)
        patch.setattr(Worker, "submit", lambda own, job: pipe.submit(own, job))
        yield pipe


@fault(
    "A disk that stops in the middle of a write, and works again later (a full pipe)",
    checked="the weights; the training waits for `PATIENCE` in total; captures are skipped; the "
    "others are complete, and so is the last one",
    seen="warning: “could not draw 'activations': TimeoutError: the disk of … does not keep up”",
    times=10,
    tested=1,
)
def stopped(directory: Path, number: int) -> str:
    own, model = tiny_training.callbacks(directory / "log"), tiny_training.model()
    with _pipe(directory / "drained") as pipe:

        def release() -> None:
            pipe.may_be_read.set()
            run.open_run(str(directory / "log")).drain()  # an epoch takes longer than that

        releases = At("on_epoch_begin", release, RELEASED)
        with tiny_training.our_warnings() as warned:
            tiny_training.fit(model, [releases, *own], EPOCHS)
        pipe.end()
    tiny_training.assert_same(tiny_training.variables(model), tiny_training.expected(EPOCHS))
    assert PATIENCE <= pipe.waited < PATIENCE + SLACK
    assert warned
    assert all("TimeoutError: the disk of" in each for each in warned), warned
    log = readable(directory / "drained")
    skipped = 0
    for tag in tiny_training.TAGS:
        steps = log.steps(tag)
        assert steps[0] == 0
        assert steps[-1] == EPOCHS - 1
        skipped += EPOCHS - len(steps)
    assert skipped > RELEASED, skipped
    return f"{skipped} of {2 * EPOCHS} captures skipped"


@fault(
    "A slow disk (4 kB in 0.25 s)",
    checked="the weights; the training waits for `PATIENCE` in total; every picture that was "
    "captured is complete",
    seen="warning: “could not draw 'activations': TimeoutError: the disk of … does not keep up”",
    times=5,
    tested=1,
)
def slow(directory: Path, number: int) -> str:
    own, model = tiny_training.callbacks(directory / "log"), tiny_training.model()
    with _pipe(directory / "drained", seconds=0.25) as pipe:
        pipe.may_be_read.set()
        with tiny_training.our_warnings() as warned:
            tiny_training.fit(model, own, EPOCHS)
        pipe.end()
    tiny_training.assert_same(tiny_training.variables(model), tiny_training.expected(EPOCHS))
    assert pipe.waited < PATIENCE + SLACK
    assert all("TimeoutError: the disk of" in each for each in warned), warned
    log = readable(directory / "drained")
    taken = sum(len(log.steps(tag)) for tag in tiny_training.TAGS)
    assert 2 <= taken < 2 * EPOCHS
    return f"{taken} of {2 * EPOCHS} captures taken, {pipe.waited:.1f} s waited"


@fault(
    "A disk that stops for ever",
    checked="the weights; the end of `fit` waits for `EXIT_PATIENCE` once, not for each callback; "
    "another `fit` on the same log directory has all its pictures",
    seen="log: “Captures for … were still being written and are lost.”",
    times=5,
    tested=1,
)
def for_good(directory: Path, number: int) -> None:
    log_dir, patience = directory / "log", 3.0
    own, model = tiny_training.callbacks(log_dir), tiny_training.model()
    with _pipe(directory / "drained") as pipe, pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "EXIT_PATIENCE", patience)
        patch.setattr(worker, "PATIENCE", 0.05)
        records: list[str] = []
        ends: list[float] = []
        last = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda *_: ends.append(time.perf_counter())
        )
        patch.setattr(run.logger, "warning", lambda text, *more: records.append(text % more))
        with tiny_training.our_warnings():
            tiny_training.fit(model, [*own, last], EPOCHS)
        waited = time.perf_counter() - ends[-1]
        assert patience * 0.9 < waited < patience * 1.9, waited
        assert records == [f"Captures for {log_dir} were still being written and are lost."]
    found = tiny_training.variables(model)
    tiny_training.fit(model, own, tiny_training.EPOCHS)  # to another disk
    pipe.end()
    tiny_training.assert_same(found, tiny_training.expected(EPOCHS))
    log = readable(log_dir)
    for tag in tiny_training.TAGS:
        assert log.steps(tag, "keras_viz-2") == list(range(tiny_training.EPOCHS))
