"""TensorBoard event files: TFRecord framing, whole records only, on disk at once."""

from __future__ import annotations

import abc
import contextlib
import errno
import itertools
import os
import re
import socket
import struct
import sys
import time
from collections.abc import Iterable, Sequence

from google_crc32c import extend
from tensorboard.compat.proto import event_pb2

from keras_viz_callbacks.summary.encoding import field_head
from keras_viz_callbacks.summary.summaries import Value

if sys.platform != "win32":
    import fcntl

_FILE_TIME = re.compile(r"events\.out\.tfevents\.(\d+)\.")
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_MOST_PIECES = 1024  # that one call of the system takes
_counter = itertools.count()


class EventWriter(abc.ABC):
    """Writes the summaries of one run. Not thread-safe: it belongs to one worker thread."""

    def write(
        self,
        step: int,
        values: Sequence[Value],
        wall_time: float | None = None,
    ) -> None:
        """Appends one event for each value, all of one step.

        Raises:
            OSError: The disk is full, the directory can't be made, …; nothing was written then.
        """
        wall_time = time.time() if wall_time is None else wall_time
        head = event_pb2.Event(wall_time=wall_time, step=step).SerializeToString()
        pieces: list[bytes] = []
        for value in values:
            pieces += _frame(head, value)
        self._append(pieces)

    @abc.abstractmethod
    def flush(self) -> None:
        """Ends a capture: from now on everything that was written can be read.

        Raises:
            Exception: Its storage refused it.
        """

    def claim(self) -> bool:
        """Keeps the run for this process until `close`, so that no two write to one at a time.

        Returns:
            Whether it is free. Where that can't be known, it is taken to be.
        """
        return True

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the file; the next write begins a new one.

        Raises:
            OSError: Network file systems may tell only here what they could not write.
        """

    @abc.abstractmethod
    def _append(self, pieces: Sequence[bytes]) -> None:
        """Takes whole records, in pieces that are not worth a copy to be joined."""


class EventFile(EventWriter):
    """Appends events to a new event file in a directory, made when the first event is written.

    After a failed write the file is cut back to its last whole record, since TensorBoard's
    loader gives up a file at the first damaged one. A file that has vanished from the disk is
    begun again under a new name.

    Args:
        directory: The run's directory; made when it is missing.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.path: str | None = None
        self._descriptor: int | None = None
        self._identity = (0, 0)  # device and inode
        self._length = 0
        self._claimed: int | None = None

    def flush(self) -> None:
        """See `EventWriter`: each write has handed its bytes to the system already."""

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
        claimed, self._claimed = self._claimed, None
        if claimed is not None:
            # A worker of a data loader may have inherited it: closing alone would not do.
            if sys.platform != "win32":
                fcntl.flock(claimed, fcntl.LOCK_UN)
            os.close(claimed)
            with contextlib.suppress(OSError):
                os.rmdir(self.directory)  # where nothing came to be written
        self._end_file()

    def _append(self, pieces: Sequence[bytes]) -> None:
        descriptor = self._open()
        if not self._length:
            pieces = [file_header(), *pieces]
        try:
            _write(descriptor, pieces)
        except OSError:
            self._cut(descriptor)
            raise
        self._length += sum(map(len, pieces))

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


def masked(checksum: int) -> int:
    """A CRC-32C as TFRecord wants it: rotated and offset."""
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def file_header() -> bytes:
    """The record that every event file begins with."""
    version = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
    return b"".join(_framed((version.SerializeToString(), b"", b"")))


def file_name(others: Iterable[str]) -> str:
    """A name that sorts behind all others of the run: loaders read its files in that order."""
    seconds = int(time.time())
    for name in others:
        if match := _FILE_TIME.match(name):
            seconds = max(seconds, int(match[1]) + 1)
    return (
        f"events.out.tfevents.{seconds:010d}.{socket.gethostname()}.{os.getpid()}.{next(_counter)}"
    )


def _write(descriptor: int, pieces: Sequence[bytes]) -> None:
    """Writes all pieces, usually in one call and without joining them."""
    done = 0
    if hasattr(os, "writev") and len(pieces) <= _MOST_PIECES:
        done = os.writev(descriptor, pieces)
    if done < sum(map(len, pieces)):
        view = memoryview(b"".join(pieces))[done:]
        while view:
            view = view[os.write(descriptor, view) :]


def _frame(head: bytes, value: Value) -> Value:
    """A TFRecord of an Event with one value.

    Args:
        head: The Event's first fields, encoded.
        value: The value.
    """
    front, large, behind = value
    length = len(front) + len(large) + len(behind)
    summary = field_head(1, length)  # Summary.value
    event = field_head(5, len(summary) + length)  # Event.summary
    return _framed((head + event + summary + front, large, behind))


def _framed(payload: Value) -> Value:
    """A TFRecord: length, its masked checksum, payload, its masked checksum."""
    front, large, behind = payload
    length = _LENGTH.pack(len(front) + len(large) + len(behind))
    checksum = extend(extend(extend(0, front), large), behind)
    head = length + _CHECKSUM.pack(masked(extend(0, length)))
    return head + front, large, behind + _CHECKSUM.pack(masked(checksum))
