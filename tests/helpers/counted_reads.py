"""Which bytes of event files are read, for tests and benchmarks."""

from __future__ import annotations

import typing

from tensorboard_plugin.log import event_reader
from tensorboard_plugin.log.local_source import LocalSource
from tensorboard_plugin.log.log_source import FileStatus


class CountingSource(LocalSource):
    """Keeps which bytes of event files are read: offset and length of each read."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.reads: list[tuple[int, int]] = []

    def open(self, path: str) -> tuple[typing.BinaryIO, FileStatus]:
        file, status = super().open(path)
        return typing.cast(typing.BinaryIO, _CountingFile(file, self.reads)), status

    def take(self) -> tuple[int, int]:
        """Lowest offset and number of bytes of the reads so far, which are forgotten.

        The first bytes of a file, by which it is known again, do not count.
        """
        reads = [
            (offset, length) for offset, length in self.reads if length > event_reader.FILE_HEAD
        ]
        self.reads.clear()
        return min(offset for offset, _ in reads), sum(length for _, length in reads)


class _CountingFile:
    def __init__(self, file: typing.BinaryIO, reads: list[tuple[int, int]]) -> None:
        self._file = file
        self._reads = reads

    def seek(self, offset: int) -> int:
        return self._file.seek(offset)

    def read(self, length: int) -> bytes:
        offset = self._file.tell()
        data = self._file.read(length)
        self._reads.append((offset, len(data)))
        return data

    def __enter__(self) -> _CountingFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
