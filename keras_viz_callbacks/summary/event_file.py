"""Event files on disks of this machine."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import sys
from collections.abc import Iterable

from keras_viz_callbacks.summary.event_writer import EventWriter, file_name
from keras_viz_callbacks.summary.framing import file_header

if sys.platform != "win32":
    import fcntl


class EventFile(EventWriter):
    """Appends events to a new event file in a directory, made when the first event is written.

    After a failed write the file is cut back to its length before, because TensorBoard's loader
    reads no further than the first damaged record. If the file has vanished from the disk, a new
    one is begun under another name.

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
        """See `EventWriter`; the operating system has the bytes then.

        Raises:
            OSError: It refused them; none of them is in the file.
        """
        self.write_chunk()

    def claim(self) -> bool:
        """See `EventWriter`; the operating system releases it when this process ends."""
        if sys.platform == "win32":
            return True
        try:
            os.makedirs(self.directory, exist_ok=True)
            directory = os.open(self.directory, os.O_RDONLY)
        except OSError:
            return True  # the first write will fail, and say why
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(directory)
            # Not every file system has locks; then the run counts as free.
            return error.errno not in (errno.EAGAIN, errno.EACCES)
        self._claimed = directory
        return True

    def close(self) -> None:
        """See `EventWriter`."""
        try:
            self.write_chunk()
        finally:
            self._release()
            self._end_file()

    def _release(self) -> None:
        claimed, self._claimed = self._claimed, None
        if claimed is not None:
            # A worker of a data loader may have inherited it: closing alone would not release it.
            if sys.platform != "win32":
                fcntl.flock(claimed, fcntl.LOCK_UN)
            os.close(claimed)
            with contextlib.suppress(OSError):
                os.rmdir(self.directory)  # if nothing was written

    def append(self, parts: Iterable[list[bytes]]) -> None:
        """See `EventWriter`."""
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
            # The next write begins another file, so that its records can be read.
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
