"""Log directories behind a URL, such as an object store: one event file a capture."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable
from typing import Any

from keras_viz_callbacks.summary.event_file import EventWriter, file_name
from keras_viz_callbacks.summary.framing import file_header
from keras_viz_callbacks.summary.storage import Storage
from tensorboard_plugin import schema

MOST_UNSENT = 64 * 1024 * 1024
"""Bytes of captures that wait for a store which refuses them; beyond that they are dropped."""

_PROBE = ".keras_viz_probe"


class RemoteStorage(Storage):
    """A log directory that fsspec reaches.

    Args:
        url: As fsspec reads it.

    Raises:
        ValueError: It can't be opened with the packages that are installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import fsspec
        except ImportError as error:
            raise ValueError(
                "`log_dir` needs the package fsspec where it is a URL. "
                f"Received: log_dir={url!r}. Install it (the extra `remote`), and the package for "
                "this kind of store, such as s3fs."
            ) from error
        try:
            self._store, path = fsspec.core.url_to_fs(url)
        except Exception as error:
            raise ValueError(
                f"`log_dir` must be a path or a URL that fsspec can open ({error}). "
                f"Received: log_dir={url!r}. Each kind of store has a package of its own, such as "
                "s3fs; the extra `remote` brings fsspec alone."
            ) from error
        self._path = path.rstrip("/")
        self.key = self._store.unstrip_protocol(self._path)
        self._runs: set[str] = set()

    def check(self) -> None:
        """Writes something there and removes it: nothing else tells whether that is allowed."""
        probe = f"{self._path}/{_PROBE}"
        try:
            _put(self._store, probe, b"")
            with contextlib.suppress(Exception):  # one may be allowed to write but not to delete
                self._store.rm_file(probe)
            self._runs = self._list()
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {error}") from error

    def runs(self) -> set[str]:
        """See `Storage`; what `check` found will do where the store does not answer any more."""
        with contextlib.suppress(Exception):
            self._runs = self._list()
        return self._runs

    def writer(self, run: str) -> EventWriter:
        """See `Storage`."""
        return EventObjects(self._store, f"{self._path}/{run}")

    def _list(self) -> set[str]:
        names = _names(self._store, self._path)
        return {
            name
            for name in names
            if schema.is_run_name(name)
            and any(schema.EVENT_FILE in n for n in _names(self._store, f"{self._path}/{name}"))
        }


class EventObjects(EventWriter):
    """Makes a new event file of each capture, because object stores can't append to one.

    Their names sort in the order of writing. None is ever written again, so a write that fails
    takes nothing away that was there. A capture that could not be written goes with the next one.

    Args:
        store: An fsspec file system.
        directory: The run's, in it.
    """

    def __init__(self, store: Any, directory: str) -> None:
        super().__init__()
        self._store = store
        self._directory = directory
        self._stem: str | None = None
        self._numbers = itertools.count()
        self._records: list[bytes] = []

    def flush(self) -> None:
        """See `EventWriter`."""
        self._hand_on()
        if not self._records:
            return
        try:
            if self._stem is None:
                self._stem = file_name(_names(self._store, self._directory))
            path = f"{self._directory}/{self._stem}.{next(self._numbers):08d}"
            _put(self._store, path, b"".join((file_header(), *self._records)))
        except Exception:
            if sum(map(len, self._records)) > MOST_UNSENT:
                self._records.clear()
            raise
        self._records.clear()

    def close(self) -> None:
        """See `EventWriter`; what could not be written is given up."""
        try:
            if self._chunk is not None:
                self.flush()
        finally:
            self._records.clear()
            self._stem = None

    def _append(self, parts: Iterable[list[bytes]]) -> None:
        self._records += itertools.chain.from_iterable(parts)


def _names(store: Any, directory: str) -> list[str]:
    """Names in a directory; none where there is no such directory."""
    store.invalidate_cache(directory)
    try:
        paths = store.ls(directory, detail=False)
    except FileNotFoundError:
        return []
    return [path.rstrip("/").rpartition("/")[2] for path in paths]


def _put(store: Any, path: str, data: bytes) -> None:
    """Writes a whole file, and the directories that it needs where the store has such things."""
    try:
        store.pipe_file(path, data)
    except FileNotFoundError:
        parts = path.split("/")[:-1]
        # Never the first one: it may be a bucket, which is not ours to make.
        for depth in range(2, len(parts) + 1):
            with contextlib.suppress(Exception):
                store.mkdir("/".join(parts[:depth]), create_parents=False)
        store.pipe_file(path, data)
