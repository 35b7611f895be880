"""TensorBoard event files: whole records only, a capture in one go."""

from __future__ import annotations

import abc
import contextlib
import errno
import itertools
import os
import re
import socket
import sys
import time
from collections.abc import Iterable, Sequence

from keras_viz_callbacks.summary.chunk import Chunk
from keras_viz_callbacks.summary.framing import event_head, file_header
from keras_viz_callbacks.summary.summaries import Value

if sys.platform != "win32":
    import fcntl

_FILE_TIME = re.compile(r"events\.out\.tfevents\.(\d+)\.")
_counter = itertools.count()


class EventWriter(abc.ABC):
    """Writes the summaries of one run. Not thread-safe: it belongs to one worker thread.

    What is written waits until the end of its capture, so that the contents can go in front of it;
    of a long capture it is written in parts.
    """

    def __init__(self) -> None:
        self._chunk: Chunk | None = None

    def write(
        self,
        step: int,
        values: Sequence[Value],
        wall_time: float | None = None,
    ) -> None:
        """Appends one event for each value, all of one step; `flush` makes them readable.

        Raises:
            OSError: What waited could not be written, for the reasons of `flush`; it is dropped.
        """
        wall_time = time.time() if wall_time is None else wall_time
        head = event_head(step, wall_time)
        for value in values:
            if self._chunk is not None and (self._chunk.step != step or self._chunk.is_full):
                self._hand_on()
            if self._chunk is None:
                self._chunk = Chunk(step)
            self._chunk.add(head, value, wall_time)

    @abc.abstractmethod
    def flush(self) -> None:
        """Ends a capture: from now on everything that was written can be read.

        Raises:
            Exception: Its storage refused it: the disk is full, the directory can't be made, ….
        """

    def claim(self) -> bool:
        """Keeps the run for this process until `close`, so that no two write to one at a time.

        Returns:
            Whether it is free. Where that can't be known, it is taken to be.
        """
        return True

    @abc.abstractmethod
    def close(self) -> None:
        """Writes what still waits and ends the file; the next write begins a new one.

        Raises:
            OSError: Network file systems may tell only here what they could not write.
        """

    def _hand_on(self) -> None:
        """Appends what waits, which is dropped where that fails."""
        chunk, self._chunk = self._chunk, None
        if chunk is not None:
            self._append(chunk.parts())

    @abc.abstractmethod
    def _append(self, parts: Iterable[list[bytes]]) -> None:
        """Takes whole records, in parts of pieces that are not worth a copy to be joined."""


class EventFile(EventWriter):
    """Appends events to a new event file in a directory, made when the first event is written.

    After a failed write the file is cut back to where it began, since TensorBoard's
    loader gives up a file at the first damaged one. A file that has vanished from the disk is
    begun again under a new name.

    Args:
        directory: The run's directory; made when it is missing.
    """

    def __init__(self, directory: str) -> None:
        super().__init__()
        self.directory = directory
        self.path: str | None = None
        self._descriptor: int | None = None
        self._identity = (0, 0)  # device and inode
        self._length = 0
        self._claimed: int | None = None

    def flush(self) -> None:
        """See `EventWriter`; the system has the bytes then.

        Raises:
            OSError: It refused them; none of them is in the file.
        """
        self._hand_on()

    def claim(self) -> bool:
        """See `EventWriter`; the system gives the directory free when this process ends."""
        if sys.platform == "win32":
            return True
        try:
            os.makedirs(self.directory, exist_ok=True)
            directory = os.open(self.directory, os.O_RDONLY)
        except OSError:
            return True  # the first write will tell
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(directory)
            # Not every file system has locks; there nobody is kept out.
            return error.errno not in (errno.EAGAIN, errno.EACCES)
        self._claimed = directory
        return True

    def close(self) -> None:
        """See `EventWriter`."""
        try:
            self._hand_on()
        finally:
            self._give_free()
            self._end_file()

    def _give_free(self) -> None:
        claimed, self._claimed = self._claimed, None
        if claimed is not None:
            # A worker of a data loader may have inherited it: closing alone would not do.
            if sys.platform != "win32":
                fcntl.flock(claimed, fcntl.LOCK_UN)
            os.close(claimed)
            with contextlib.suppress(OSError):
                os.rmdir(self.directory)  # where nothing came to be written

    def _append(self, parts: Iterable[list[bytes]]) -> None:
        descriptor = self._open()
        if not self._length:
            parts = itertools.chain([[file_header()]], parts)
        try:
            self._length += sum(_write(descriptor, part) for part in parts)
        except OSError:
            self._cut(descriptor)
            raise

    def _cut(self, descriptor: int) -> None:
        try:
            os.ftruncate(descriptor, self._length)
            os.lseek(descriptor, self._length, os.SEEK_SET)
        except OSError:
            # The next write begins another file, behind the damaged record.
            with contextlib.suppress(OSError):
                self._end_file()

    def _open(self) -> int:
        if self._descriptor is not None and not self._is_still_there():
            with contextlib.suppress(OSError):
                self._end_file()
        if self._descriptor is None:
            os.makedirs(self.directory, exist_ok=True)
            path = os.path.join(self.directory, file_name(os.listdir(self.directory)))
            self._descriptor = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644
            )
            self.path = path
            status = os.fstat(self._descriptor)
            self._identity = status.st_dev, status.st_ino
            self._length = 0
        return self._descriptor

    def _end_file(self) -> None:
        descriptor, self._descriptor, self.path = self._descriptor, None, None
        if descriptor is not None:
            os.close(descriptor)

    def _is_still_there(self) -> bool:
        assert self.path is not None
        try:
            found = os.stat(self.path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity


def file_name(others: Iterable[str]) -> str:
    """A name that sorts behind all others of the run: loaders read its files in that order."""
    seconds = int(time.time())
    for name in others:
        if match := _FILE_TIME.match(name):
            seconds = max(seconds, int(match[1]) + 1)
    return (
        f"events.out.tfevents.{seconds:010d}.{socket.gethostname()}.{os.getpid()}.{next(_counter)}"
    )


def _write(descriptor: int, pieces: list[bytes]) -> int:
    """Writes all pieces, usually in one call and without joining them.

    Returns:
        Bytes written.
    """
    length = sum(map(len, pieces))
    done = os.writev(descriptor, pieces) if hasattr(os, "writev") and pieces else 0
    if done < length:
        view = memoryview(b"".join(pieces))[done:]
        while view:
            view = view[os.write(descriptor, view) :]
    return length
