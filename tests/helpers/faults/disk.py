"""A disk that is full, and a log directory that goes away, is replaced or can't be written to."""

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
from tests.helpers.faults.tiny_training import At, Settle

EPOCHS = 5
BEGIN, END = 1, 3
"""Epochs between whose beginnings the fault lasts."""


def _train(
    log_dir: Path,
    begin: Callable[[], None],
    end: Callable[[], None] = lambda: None,
    told: str | None = None,
) -> None:
    """A training during which something begins and ends; checks weights and words.

    Args:
        log_dir: Where it writes.
        begin: Called in front of epoch `BEGIN`, when all before is written.
        end: Called in front of epoch `END`.
        told: What each of the two callbacks warns of, or None.
    """
    own = tiny_training.callbacks(log_dir)
    model = tiny_training.model()
    with tiny_training.said() as warned:
        tiny_training.fit(
            model,
            [
                At("on_epoch_begin", begin, BEGIN),
                At("on_epoch_begin", end, END),
                *own,
                Settle(own[0]),
            ],
            EPOCHS,
        )
    tiny_training.same(tiny_training.variables(model), tiny_training.expected(EPOCHS))
    if told is None:
        assert warned == []
    else:
        assert warned
        assert all(told in words for words in warned), warned
        assert len(warned) <= len(own)  # once for each


def _whole_outside(log: Log, run: str = "keras_viz") -> None:
    """Checks that only captures of the time of the fault are missing."""
    for tag in tiny_training.TAGS:
        missing = set(range(EPOCHS)) - set(log.steps(tag, run))
        assert missing <= set(range(BEGIN, END)), (tag, missing)


class Ballast:
    """A file of the user's that takes what is left of a disk, but for a few bytes."""

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
    """Why no file system can be mounted here."""
    with tempfile.TemporaryDirectory() as place:
        try:
            with tmpfs(Path(place)):
                return None
        except (OSError, subprocess.CalledProcessError) as error:
            return f"a tmpfs can't be mounted here: {error}"


@contextlib.contextmanager
def tmpfs(place: Path, kilobytes: int = 512) -> Iterator[None]:
    """A small file system in memory, mounted there meanwhile."""
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
    subprocess.run(["mount", *options], check=True, capture_output=True)
    try:
        yield
    finally:
        # Lazily: a file of the last session may be open still where a check has failed.
        subprocess.run(["umount", "-l", str(place)], check=True)


@fault(
    "Disk full in the middle of a capture (a tmpfs of 512 kB, filled up to 0 to 16 kB)",
    checked="the weights; the file that filled it; whole pictures only, none missing of the time "
    "before and after",
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
        _whole_outside(log)
    return f"{left} bytes left"


@fault(
    "A file may not grow any more (RLIMIT_FSIZE, at a random byte of a capture)",
    checked="the weights; whole pictures only, none missing of the time before and after",
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
    _whole_outside(log)
    assert len(log.files) == 1
    return f"{more} bytes more"


@fault(
    "The log directory removed while running",
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
    "The log directory replaced by another directory while running",
    checked="the weights; what was in either stays as it was; later pictures go to the new one",
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
    "The log directory replaced by a file while running, which goes away later",
    checked="the weights; the file is untouched; what was in the directory stays, and pictures are "
    "drawn again as soon as they can be",
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

    told = "NotADirectoryError" if number % 2 else "FileExistsError"
    _train(log_dir, replace, back, told)
    for tag in tiny_training.TAGS:
        assert readable(moved).steps(tag) == list(range(BEGIN))
        assert readable(log_dir).steps(tag) == list(range(END, EPOCHS))


def _immutable(directory: Path, *, on: bool) -> None:
    """Makes all of a directory read-only, for root and for files that are open, too."""
    flag = "+i" if on else "-i"
    subprocess.run(["chattr", "-R", flag, str(directory)], check=True, capture_output=True)


@functools.cache
def cannot_make_read_only() -> str | None:
    """Why nothing can be made read-only here that is open."""
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
    "The log directory made read-only while running (`chattr +i`, which stops root and open files "
    "too), and writable again",
    checked="the weights; what was written stays whole; pictures are drawn again as soon as they "
    "can be",
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
