"""Log directories of this machine."""

from __future__ import annotations

import errno
import os
import stat
import typing
from collections.abc import Iterator, Sequence

from tensorboard_plugin import schema
from tensorboard_plugin.log.log_errors import Gone
from tensorboard_plugin.log.log_source import FileStatus, LogSource


class LocalSource(LogSource):
    """A directory of this machine. Symbolic links below it are not followed.

    Args:
        path: The directory; it may appear later, or never.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def runs(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """See `LogSource`."""
        root = os.path.realpath(self.path)
        if schema.is_run_name(os.path.basename(root)) and os.path.isdir(root):
            yield root, ()
        stack: list[tuple[str, tuple[str, ...]]] = [(root, ())]
        while stack:
            path, parts = stack.pop()
            try:
                with os.scandir(path) as entries:
                    below = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
            except OSError:
                continue
            for name in below:
                child = os.path.join(path, name), (*parts, name)
                if schema.is_run_name(name):
                    yield child
                else:
                    stack.append(child)

    def event_files(self, directory: str) -> list[str]:
        """See `LogSource`."""
        self._stay_inside(directory)
        with os.scandir(directory) as entries:
            return [
                e.name
                for e in entries
                if schema.EVENT_FILE in e.name and e.is_file(follow_symlinks=False)
            ]

    def status(self, path: str) -> FileStatus:
        """See `LogSource`."""
        try:
            return _status(os.stat(path, follow_symlinks=False), path)
        except OSError as error:
            raise Gone(path) from error

    def open(self, path: str) -> tuple[typing.BinaryIO, FileStatus]:
        """See `LogSource`."""
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        # A link put in its place must not lead out of the log directory, a pipe must not block.
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            self._stay_inside(os.path.dirname(path))
            file = os.fdopen(os.open(path, flags), "rb", buffering=0)
        except FileNotFoundError as error:
            raise Gone(path) from error
        try:
            status = _status(os.fstat(file.fileno()), path)
        except BaseException:
            file.close()
            raise
        return typing.cast(typing.BinaryIO, file), status

    def prefetch(self, paths: Sequence[str]) -> None:
        """Does nothing: a disk answers at once."""

    def _stay_inside(self, directory: str) -> None:
        """Refuses a run's directory that has been replaced by a link since it was found.

        Raises:
            FileNotFoundError: It is one, or below one.
        """
        if self.path and os.path.realpath(directory) != directory:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory)


def _status(found: os.stat_result, path: str) -> FileStatus:
    if not stat.S_ISREG(found.st_mode):
        raise Gone(path)
    return FileStatus(found.st_size, (found.st_dev, found.st_ino))
