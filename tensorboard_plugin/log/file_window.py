"""Forward access to a large file, of which most is skipped."""

from __future__ import annotations

import typing

WINDOW = 16 * 1024
"""Bytes of one read: a record with its statistics and the head of the picture after it."""

LARGEST_WINDOW = 256 * 1024
NEAR = 64 * 1024
"""Gaps below this are read too: a disk delivers them before it has found what comes after."""


class FileWindow:
    """A buffer over a file. It grows while nothing is skipped.

    Args:
        file: An unbuffered binary file.
    """

    def __init__(self, file: typing.BinaryIO) -> None:
        self._file = file
        self._start = 0
        self._data = b""
        self._size = WINDOW

    def get(self, offset: int, length: int) -> bytes:
        """So many bytes from ``offset``, fewer only at the end of the file."""
        at = offset - self._start
        if at < 0 or at + length > len(self._data):
            skipped = at - len(self._data)
            is_near = bool(self._data) and skipped < NEAR
            self._size = min(2 * self._size, LARGEST_WINDOW) if is_near else WINDOW
            self._file.seek(offset)
            self._data = read_fully(self._file, max(length, self._size))
            self._start, at = offset, 0
        return self._data[at : at + length]

    def get_only(self, offset: int, length: int) -> bytes:
        """The same without moving the buffer, for a few bytes far away."""
        at = offset - self._start
        if 0 <= at <= len(self._data) - length:
            return self._data[at : at + length]
        self._file.seek(offset)
        return read_fully(self._file, length)


def read_fully(file: typing.BinaryIO, length: int) -> bytes:
    """So many bytes, fewer only at the end of the file: an unbuffered read may return less."""
    data: bytes = file.read(length) or b""
    while len(data) < length and (more := file.read(length - len(data))):
        data += more
    return data
