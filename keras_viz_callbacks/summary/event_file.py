"""One TensorBoard event file: TFRecord framing, whole records only, on disk at every flush."""

from __future__ import annotations

import itertools
import os
import re
import socket
import struct
import time
from collections.abc import Sequence

import google_crc32c
from tensorboard.compat.proto import event_pb2, summary_pb2

_FILE_TIME = re.compile(r"events\.out\.tfevents\.(\d+)\.")
_counter = itertools.count()


class EventFile:
    """Appends events to a new event file in a directory, made when the first event is written.

    After a failed write the file is cut back to its last whole record, since TensorBoard's
    loader gives up a file at the first damaged one. A file that has vanished from the disk is
    begun again under a new name.

    Not thread-safe: it belongs to one worker thread.

    Args:
        directory: The run's directory; made when it is missing.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.path: str | None = None
        self._descriptor: int | None = None
        self._length = 0

    def write(
        self,
        step: int,
        values: Sequence[summary_pb2.Summary.Value],
        wall_time: float | None = None,
    ) -> None:
        """Appends one event for each value, all of one step, and hands them to the system.

        Raises:
            OSError: The disk is full, the directory can't be made, …; nothing was written then.
        """
        wall_time = time.time() if wall_time is None else wall_time
        events = (
            event_pb2.Event(
                wall_time=wall_time, step=step, summary=summary_pb2.Summary(value=[value])
            )
            for value in values
        )
        self._append(b"".join(frame(event.SerializeToString()) for event in events))

    def close(self) -> None:
        """Closes the file; the next write begins a new one."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self.path = None

    def _append(self, data: bytes) -> None:
        descriptor = self._open()
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            os.ftruncate(descriptor, self._length)
            os.lseek(descriptor, self._length, os.SEEK_SET)
            raise
        self._length += len(data)

    def _open(self) -> int:
        if self._descriptor is not None and not self._is_still_there():
            self.close()
        if self._descriptor is None:
            os.makedirs(self.directory, exist_ok=True)
            path = os.path.join(self.directory, _file_name(self.directory))
            self._descriptor = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644
            )
            self.path = path
            self._length = 0
            version = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
            self._append(frame(version.SerializeToString()))
        return self._descriptor

    def _is_still_there(self) -> bool:
        assert self.path is not None
        assert self._descriptor is not None
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except OSError:
            return False


def frame(payload: bytes) -> bytes:
    """A TFRecord: length, its masked checksum, payload, its masked checksum."""
    length = struct.pack("<Q", len(payload))
    return b"".join(
        (
            length,
            struct.pack("<I", masked_checksum(length)),
            payload,
            struct.pack("<I", masked_checksum(payload)),
        )
    )


def masked_checksum(data: bytes) -> int:
    """CRC-32C, rotated and offset as TFRecord wants it."""
    checksum: int = google_crc32c.value(data)
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _file_name(directory: str) -> str:
    """A name that sorts behind every file already there: loaders read a run in that order."""
    seconds = int(time.time())
    for name in os.listdir(directory):
        if match := _FILE_TIME.match(name):
            seconds = max(seconds, int(match[1]) + 1)
    return (
        f"events.out.tfevents.{seconds:010d}.{socket.gethostname()}.{os.getpid()}.{next(_counter)}"
    )
