"""Where log directories lie: what the index needs of any place.

A source finds our runs below a log directory and opens their event files. On this machine that is
`os` and nothing else (`local_source`). Elsewhere each request takes its time, so everything is
listed at once and files are read in large blocks, of which the latest are kept (`remote_source`).
"""

from __future__ import annotations

import abc
import typing
from collections.abc import Hashable, Iterator, Sequence


class FileStatus(typing.NamedTuple):
    """What a source knows of a file without reading it.

    Attributes:
        size: Bytes.
        identity: A value that changes when the file is replaced, not when it grows.
        version: A value that changes when anything is written.
    """

    size: int
    identity: Hashable
    version: Hashable = None


class LogSource(abc.ABC):
    """A log directory and what is below it."""

    @abc.abstractmethod
    def runs(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Every run of ours: its directory, and its path below the log directory in parts."""

    @abc.abstractmethod
    def event_files(self, directory: str) -> list[str]:
        """Names of the event files in the directory of a run.

        Raises:
            OSError: The directory can't be listed.
        """

    @abc.abstractmethod
    def status(self, path: str) -> FileStatus:
        """What is known of a file without reading it.

        Raises:
            Gone: There is no such file.
        """

    @abc.abstractmethod
    def open(self, path: str) -> tuple[typing.BinaryIO, FileStatus]:
        """A file to be read, and its status at this moment.

        Raises:
            Gone: There is no such file.
            OSError: It can't be opened.
        """

    @abc.abstractmethod
    def prefetch(self, paths: Sequence[str]) -> None:
        """Prepares for reading these files from their beginning, where that saves time."""
