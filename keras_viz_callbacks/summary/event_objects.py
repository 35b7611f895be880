"""Event files in object stores: a new one for each capture."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from keras_viz_callbacks.summary.event_writer import EventWriter, file_name
from keras_viz_callbacks.summary.framing import file_header
from keras_viz_callbacks.summary.remote_files import names_in, put

MOST_UNSENT = 64 * 1024 * 1024
"""Bytes of captures that wait for a store which refuses them; when there are more, all of them are
dropped."""


class EventObjects(EventWriter):
    """Makes a new event file of each capture, because object stores can't append to one.

    The names of the files sort in the order of writing. A file is never written again, so a write
    that fails destroys nothing. A capture that could not be written is written with the next one.

    Args:
        store: An fsspec file system.
        directory: The run's directory in it.
    """

    def __init__(self, store: Any, directory: str) -> None:
        super().__init__()
        self._store = store
        self._directory = directory
        self._stem: str | None = None
        self._numbers = itertools.count()
        self._records: list[bytes] = []

    @property
    def unsent(self) -> int:
        """Bytes of captures that the store has refused so far."""
        return sum(map(len, self._records))

    def claim(self) -> bool:
        """See `EventWriter`; a store can't tell, so the run counts as free."""
        return True

    def flush(self) -> None:
        """See `EventWriter`."""
        self.write_chunk()
        if not self._records:
            return
        try:
            if self._stem is None:
                self._stem = file_name(names_in(self._store, self._directory))
            path = f"{self._directory}/{self._stem}.{next(self._numbers):08d}"
            put(self._store, path, b"".join((file_header(), *self._records)))
        except Exception:
            if self.unsent > MOST_UNSENT:
                self._records.clear()
            raise
        self._records.clear()

    def close(self) -> None:
        """See `EventWriter`; what could not be written is dropped."""
        try:
            if self.unwritten:
                self.flush()
        finally:
            self._records.clear()
            self._stem = None

    def append(self, parts: Iterable[list[bytes]]) -> None:
        """See `EventWriter`; `flush` sends them."""
        self._records += itertools.chain.from_iterable(parts)
