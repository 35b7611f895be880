"""A log directory that captures are written to, wherever it is."""

from __future__ import annotations

import abc

from keras_viz_callbacks.summary.event_writer import EventWriter


class LogFolder(abc.ABC):
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
        """A writer for the run of that name."""
