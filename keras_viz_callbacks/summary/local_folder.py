"""Log directories of this machine."""

from __future__ import annotations

import os

from keras_viz_callbacks.summary.event_file import EventFile
from keras_viz_callbacks.summary.event_writer import EventWriter
from keras_viz_callbacks.summary.log_folder import LogFolder
from tensorboard_plugin import schema


class LocalFolder(LogFolder):
    """A directory of this machine.

    Args:
        path: The directory.
    """

    def __init__(self, path: str) -> None:
        self.key = os.path.realpath(path)

    def check(self) -> None:
        """See `LogFolder`."""
        os.makedirs(self.key, exist_ok=True)
        if not os.access(self.key, os.W_OK | os.X_OK):
            raise PermissionError("permission denied")

    def runs(self) -> set[str]:
        """See `LogFolder`."""
        return {
            name for name in _names(self.key) if schema.is_run_name(name) and self._has_events(name)
        }

    def writer(self, run: str) -> EventWriter:
        """See `LogFolder`."""
        return EventFile(os.path.join(self.key, run))

    def _has_events(self, run: str) -> bool:
        return any(schema.EVENT_FILE in name for name in _names(os.path.join(self.key, run)))


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
