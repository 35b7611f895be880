"""Writers of event files: complete records only, a capture at a time."""

from __future__ import annotations

import abc
import itertools
import os
import re
import socket
import time
from collections.abc import Iterable, Sequence

from keras_viz_callbacks.summary.chunk import Chunk
from keras_viz_callbacks.summary.framing import event_head
from keras_viz_callbacks.summary.summaries import Value

_FILE_TIME = re.compile(r"events\.out\.tfevents\.(\d+)\.")
_counter = itertools.count()


class EventWriter(abc.ABC):
    """Writes the summaries of one run. Not thread-safe: it belongs to one worker thread.

    Summaries are held until the end of their capture, so that its contents can be written before
    them; a long capture is written in several parts.
    """

    def __init__(self) -> None:
        self._chunk: Chunk | None = None

    @property
    def unwritten(self) -> int:
        """Bytes that are held until the end of the capture."""
        return 0 if self._chunk is None else self._chunk.size

    def write(
        self,
        step: int,
        values: Sequence[Value],
        wall_time: float | None = None,
    ) -> None:
        """Appends one event for each value, all of one step; `flush` makes them readable.

        Raises:
            OSError: What was held could not be written, for the reasons of `flush`; it is lost.
        """
        wall_time = time.time() if wall_time is None else wall_time
        head = event_head(step, wall_time)
        for value in values:
            if self._chunk is not None and (self._chunk.step != step or self._chunk.is_full):
                self.write_chunk()
            if self._chunk is None:
                self._chunk = Chunk(step)
            self._chunk.add(head, value, wall_time)

    def write_chunk(self) -> None:
        """Appends what is held; where that fails, it is lost."""
        chunk, self._chunk = self._chunk, None
        if chunk is not None:
            self.append(chunk.parts())

    @abc.abstractmethod
    def append(self, parts: Iterable[list[bytes]]) -> None:
        """Takes complete records, in parts of pieces that are too large to be copied."""

    @abc.abstractmethod
    def flush(self) -> None:
        """Ends a capture: from now on everything that was written can be read.

        Raises:
            Exception: The disk or store refused it: it is full, the directory can't be made, ….
        """

    @abc.abstractmethod
    def claim(self) -> bool:
        """Reserves the run for this process until `close`, so that no two processes write to it.

        Returns:
            Whether it is free. Where that can't be known, it counts as free.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Writes what is held and ends the file; the next write begins a new one.

        Raises:
            OSError: Network file systems may report only here what they could not write.
        """


def file_name(others: Iterable[str]) -> str:
    """A name that sorts after all others of the run: loaders read its files in that order."""
    seconds = int(time.time())
    for name in others:
        if match := _FILE_TIME.match(name):
            seconds = max(seconds, int(match[1]) + 1)
    return (
        f"events.out.tfevents.{seconds:010d}.{socket.gethostname()}.{os.getpid()}.{next(_counter)}"
    )
