"""A disk that is full, and a log directory that is removed, replaced or made read-only."""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tests.helpers.event_logs import Log
from tests.helpers.faults import tiny_training
from tests.helpers.faults.fault import fault
from tests.helpers.faults.log_checks import readable
from tests.helpers.faults.tiny_training import At, WaitUntilWritten

EPOCHS = 5
BEGIN, END = 1, 3
"""The fault begins with one epoch and ends with the other."""


def _train(
    log_dir: Path,
    begin: Callable[[], None],
    end: Callable[[], None] = lambda: None,
    warning: str | None = None,
) -> None:
    """A training during which a fault begins and ends; checks weights and warnings.

    Args:
        log_dir: Log directory.
        begin: Called before epoch `BEGIN`, when all earlier captures are written.
        end: Called before epoch `END`.
        warning: Part of each warning; None where nothing is warned of.
    """
    own = tiny_training.callbacks(log_dir)
    model = tiny_training.model()
    with tiny_training.our_warnings() as warned:
        tiny_training.fit(
            model,
            [
                At("on_epoch_begin", begin, BEGIN),
                At("on_epoch_begin", end, END),
                *own,
                WaitUntilWritten(own[0]),
            ],
            EPOCHS,
        )
    tiny_training.assert_same(tiny_training.variables(model), tiny_training.expected(EPOCHS))
    if warning is None:
        assert warned == []
    else:
        assert warned
        assert all(warning in each for each in warned), warned
        assert len(warned) <= len(own)  # each callback once


def _check_missing(log: Log, run: str = "keras_viz") -> None:
    """Checks that no capture of before and after the fault is missing."""
    for tag in tiny_training.TAGS:
        missing = set(range(EPOCHS)) - set(log.steps(tag, run))
        assert missing <= set(range(BEGIN, END)), (tag, missing)


class Ballast:
    """A file of the user's that fills a disk up to a few bytes."""

    def __init__(self, path: Path, left: int) -> None:
        self.path, self.left = path, left
        self.length = 0

    def fill(self) -> None:
        with self.path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                self.length += file.write(b"u" * 4096)
        self.length -= self.left
        os.truncate(self.path, self.length)

    def check_and_remove(self) -> None:
        assert self.path.read_bytes() == b"u" * self.length
        self.path.unlink()


@functools.cache
def cannot_mount() -> str | None:
    """Why this machine can't mount a file system; None if it can."""
    with tempfile.TemporaryDirectory() as place:
        try:
            with tmpfs(Path(place)):
                return None
        except (OSError, subprocess.CalledProcessError) as error:
            return f"a tmpfs can't be mounted here: {error}"


@contextlib.contextmanager
def tmpfs(place: Path, kilobytes: int = 512) -> Iterator[None]:
    """A small file system in memory, mounted inside the context."""
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
    subprocess.run(["mount", *options], check=True, capture_output=True)
    try:
        yield
    finally:
        # Lazily: after a failed check a file may still be open.
        subprocess.run(["umount", "-l", str(place)], check=True)


@fault(
    "Disk full in the middle of a capture (a tmpfs of 512 kB, filled up to 0 to 16 kB)",
    checked="the weights; the file that filled it; only complete pictures, none missing from "
    "before and after the fault",
    seen="warning: “could not draw 'activations': OSError: [Errno 28] No space left on device”",
    times=20,
    tested=1,
    cannot=cannot_mount,
)
def full(directory: Path, number: int) -> str:
    left = int(np.random.default_rng(number).integers(0, 5)) * 4096
    with tmpfs(directory):
        ballast = Ballast(directory / "checkpoint.bin", left)
        _train(directory / "log", ballast.fill, ballast.check_and_remove, "No space left on device")
        log = readable(directory / "log")
        _check_missing(log)
    return f"{left} bytes left"


@fault(
    "A limit of the file size (RLIMIT_FSIZE, at a random byte of a capture)",
    checked="the weights; only complete pictures, none missing from before and after the fault",
    seen="warning: “could not draw 'activations': OSError: [Errno 27] File too large”",
    times=20,
    tested=1,
)
def limited(directory: Path, number: int) -> str:
    more = int(np.random.default_rng(number).integers(0, 6000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def begin() -> None:
        (file,) = (directory / "keras_viz").iterdir()
        resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + more, hard))

    def end() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    try:
        _train(directory, begin, end, "File too large")
    finally:
        end()
    log = readable(directory)
    _check_missing(log)
    assert len(log.files) == 1
    return f"{more} bytes more"


@fault(
    "The log directory removed during the training",
    checked="the weights; it is made again, and holds all pictures from then on",
    seen="nothing",
    times=10,
    tested=1,
)
def removed(directory: Path, number: int) -> None:
    log_dir = directory / "log"
    # All of it, or our run alone.
    _train(log_dir, lambda: shutil.rmtree(log_dir / "keras_viz" if number % 2 else log_dir))
    log = readable(log_dir)
    for tag in tiny_training.TAGS:
        assert log.steps(tag) == list(range(BEGIN, EPOCHS))


@fault(
    "The log directory replaced by another directory during the training",
    checked="the weights; the content of both stays as it was; later pictures go to the new one",
    seen="nothing",
    times=10,
    tested=1,
)
def replaced(directory: Path, number: int) -> None:
    log_dir, moved, notes = directory / "log", directory / "moved", "to be kept"

    def replace() -> None:
        log_dir.rename(moved)
        log_dir.mkdir()
        (log_dir / "notes.txt").write_text(notes)
        if number % 2:
            shutil.copytree(moved / "keras_viz", log_dir / "keras_viz")

    _train(log_dir, replace)
    assert (log_dir / "notes.txt").read_text() == notes
    for tag in tiny_training.TAGS:
        assert readable(moved).steps(tag) == list(range(BEGIN))
        assert readable(log_dir).steps(tag) == list(range(0 if number % 2 else BEGIN, EPOCHS))


@fault(
    "The log directory replaced by a file during the training; the file is removed later",
    checked="the weights; the file and the content of the directory stay as they were; pictures "
    "are drawn again as soon as possible",
    seen="warning: “could not draw 'activations': NotADirectoryError: …” (or FileExistsError)",
    times=10,
    tested=1,
)
def a_file_instead(directory: Path, number: int) -> None:
    log_dir, moved, notes = directory / "log", directory / "moved", "to be kept"

    def replace() -> None:
        log_dir.rename(moved)
        if number % 2:
            log_dir.write_text(notes)
        else:
            log_dir.mkdir()
            (log_dir / "keras_viz").write_text(notes)

    def back() -> None:
        file = log_dir if number % 2 else log_dir / "keras_viz"
        assert file.read_text() == notes
        file.unlink()

    warning = "NotADirectoryError" if number % 2 else "FileExistsError"
    _train(log_dir, replace, back, warning)
    for tag in tiny_training.TAGS:
        assert readable(moved).steps(tag) == list(range(BEGIN))
        assert readable(log_dir).steps(tag) == list(range(END, EPOCHS))


def _immutable(directory: Path, *, on: bool) -> None:
    """Makes all of a directory read-only, also for root and for open files."""
    flag = "+i" if on else "-i"
    subprocess.run(["chattr", "-R", flag, str(directory)], check=True, capture_output=True)


@functools.cache
def cannot_make_read_only() -> str | None:
    """Why this machine can't make open files read-only; None if it can."""
    place = Path(tempfile.mkdtemp())
    try:
        _immutable(place, on=True)
        _immutable(place, on=False)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"chattr +i does not work here: {error}"
    finally:
        shutil.rmtree(place)
    return None


@fault(
    "The log directory made read-only during the training (`chattr +i`, which also stops root and "
    "open files), and writable again",
    checked="the weights; what was written stays complete; pictures are drawn again as soon as "
    "possible",
    seen="warning: “could not draw 'activations': PermissionError: [Errno 1] Operation not "
    "permitted”",
    times=10,
    tested=1,
    cannot=cannot_make_read_only,
)
def read_only(directory: Path, number: int) -> None:
    log_dir = directory / "log"
    target = log_dir / "keras_viz" if number % 2 else log_dir
    try:
        _train(
            log_dir,
            lambda: _immutable(target, on=True),
            lambda: _immutable(target, on=False),
            "PermissionError: [Errno 1] Operation not permitted",
        )
    finally:
        _immutable(log_dir, on=False)
    log = readable(log_dir)
    for tag in tiny_training.TAGS:
        assert log.steps(tag) == [*range(BEGIN), *range(END, EPOCHS)]
