"""Where a log directory lies: on this machine, or behind a URL."""

from __future__ import annotations

import abc
import os
import re

from keras_viz_callbacks.summary.event_file import EventFile, EventWriter
from tensorboard_plugin import schema

# What `pathlib.Path` leaves of a URL.
_SPOILT_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:/[^/]")


class Storage(abc.ABC):
    """A log directory, as far as writing to it goes.

    Attributes:
        key: The same for two names of one directory.
    """

    key: str

    @abc.abstractmethod
    def check(self) -> None:
        """Makes the directory, where it has to be made.

        Raises:
            OSError: It can't be written to.
        """

    @abc.abstractmethod
    def runs(self) -> set[str]:
        """Names of our runs in it that hold events."""

    @abc.abstractmethod
    def writer(self, run: str) -> EventWriter:
        """Writes to the run of that name, from the first event on."""


class LocalStorage(Storage):
    """A directory of this machine.

    Args:
        path: The directory.
    """

    def __init__(self, path: str) -> None:
        self.key = os.path.realpath(path)

    def check(self) -> None:
        """See `Storage`."""
        os.makedirs(self.key, exist_ok=True)
        if not os.access(self.key, os.W_OK | os.X_OK):
            raise PermissionError("permission denied")

    def runs(self) -> set[str]:
        """See `Storage`."""
        return {
            name for name in _names(self.key) if schema.is_run_name(name) and self._has_events(name)
        }

    def writer(self, run: str) -> EventWriter:
        """See `Storage`."""
        return EventFile(os.path.join(self.key, run))

    def _has_events(self, run: str) -> bool:
        return any(schema.EVENT_FILE in name for name in _names(os.path.join(self.key, run)))


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def storage_of(log_dir: str) -> Storage:
    """The storage that the argument ``log_dir`` of a callback stands for.

    Raises:
        ValueError: It is a URL that can't be reached with the packages that are installed.
    """
    path = schema.local_path(log_dir)
    if path is None:
        from keras_viz_callbacks.summary.remote import RemoteStorage

        return RemoteStorage(log_dir)
    if _SPOILT_URL.match(path) and not os.path.isdir(path.partition("/")[0]):
        raise ValueError(
            "`log_dir` must be text where it is a URL: pathlib.Path makes one slash of two. "
            f"Received: log_dir={log_dir!r}. Write {path.replace(':/', '://', 1)!r}."
        )
    return LocalStorage(path)
