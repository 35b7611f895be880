"""Log directories anywhere that fsspec reaches, such as an object store."""

from __future__ import annotations

import functools
import io
import itertools
import logging
import os
import threading
import typing
from collections.abc import Iterator, Sequence

from tensorboard_plugin import schema
from tensorboard_plugin.log.byte_cache import ByteCache
from tensorboard_plugin.log.log_errors import Gone, Unreachable
from tensorboard_plugin.log.log_source import FileStatus, LogSource

BLOCK = 1024 * 1024
"""Bytes that are fetched at once from elsewhere: one capture, in most trainings."""

KEPT_BLOCKS = 32
"""Number of blocks of one log directory that are kept."""

LISTING_TIMEOUT = 5.0
"""Seconds that a request waits for a listing; after that the latest one is used."""

# Keys of fsspec's file systems that say which version of a file there is.
_VERSION = ("ETag", "etag", "generation", "mtime", "LastModified", "last_modified", "created")

_logger = logging.getLogger(__name__)


class RemoteSource(LogSource):
    """The log directory of a URL.

    Everything below it is known from one listing, which a thread makes: a store that does not
    answer delays no request for long, and what was listed before stays.

    Args:
        url: URL of the directory, as fsspec reads it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._store: typing.Any = None
        self._root = ""
        self._runs: dict[str, list[str]] = {}  # names of event files, by directory
        self._files: dict[str, FileStatus] = {}  # of event files, by path
        self._identities = itertools.count()
        self._blocks = ByteCache(KEPT_BLOCKS * BLOCK)
        self._listing: threading.Thread | None = None
        self._latest_error = ""

    def runs(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """See `LogSource`."""
        if self._listing is None or not self._listing.is_alive():
            self._listing = threading.Thread(target=self._list, name="keras_viz", daemon=True)
            self._listing.start()
        self._listing.join(LISTING_TIMEOUT)
        for directory in self._runs:
            yield directory, self._parts(directory)

    def event_files(self, directory: str) -> list[str]:
        """See `LogSource`."""
        return self._runs.get(directory, [])

    def status(self, path: str) -> FileStatus:
        """See `LogSource`."""
        try:
            return self._files[path]
        except KeyError as error:
            raise Gone(path) from error

    def open(self, path: str) -> tuple[typing.BinaryIO, FileStatus]:
        """See `LogSource`."""
        status = self.status(path)
        read = functools.partial(self._read, path, status)
        return typing.cast(typing.BinaryIO, _RemoteFile(read)), status

    def prefetch(self, paths: Sequence[str]) -> None:
        """Fetches the first blocks of several files at once, where the store can do so."""
        files = [(path, self._files[path]) for path in paths if path in self._files]
        files = [(path, status) for path, status in files if (path, status, 0) not in self._blocks]
        if len(files) < 2:
            return
        ends = [min(BLOCK, status.size) for _, status in files]
        try:
            found = self._store.cat_ranges([p for p, _ in files], [0] * len(files), ends)
        except Exception:  # noqa: BLE001 - the same is read again, and reported then
            return
        for (path, status), data in zip(files, found, strict=True):
            if isinstance(data, bytes):
                self._blocks.get((path, status, 0), functools.partial(bytes, data))

    def _parts(self, directory: str) -> tuple[str, ...]:
        below = directory[len(self._root) :].strip("/")
        return tuple(below.split("/")) if below else ()

    def _is_run(self, directory: str) -> bool:
        parts = self._parts(directory)
        if not parts:  # the log directory itself
            parts = (self._root.rpartition("/")[2],)
        *above, name = parts
        return schema.is_run_name(name) and not any(map(schema.is_run_name, above))

    def _list(self) -> None:
        try:
            if self._store is None:
                self._store, self._root = _open_store(self.url)
            self._store.invalidate_cache()
            found = self._store.find(self._root, detail=True)
        except Exception as error:  # noqa: BLE001 - each store has errors of its own
            self._report(error)
            return
        runs: dict[str, list[str]] = {}
        files = {}
        for path, info in found.items():
            directory, _, name = path.rpartition("/")
            if schema.EVENT_FILE in name and (directory in runs or self._is_run(directory)):
                runs.setdefault(directory, []).append(name)
                files[path] = self._status(path, info)
        self._files, self._runs = files, runs
        self._latest_error = ""

    def _status(self, path: str, info: dict[str, typing.Any]) -> FileStatus:
        size = info.get("size")
        size = 0 if size is None else int(size)
        version = tuple(str(info.get(key)) for key in _VERSION)
        known = self._files.get(path)
        # A longer file may have grown; its first bytes will show whether it is another one.
        if known is not None and (known.version == version or known.size < size):
            return FileStatus(size, known.identity, version)
        return FileStatus(size, next(self._identities), version)

    def _report(self, error: Exception) -> None:
        message = f"{type(error).__name__}: {error}"
        if message != self._latest_error:
            _logger.warning("Keras Viz can't list %s. %s", self.url, message)
            self._latest_error = message

    def _read(self, path: str, status: FileStatus, offset: int, length: int) -> bytes:
        """So many bytes, fewer only at the end of the file."""
        end = min(offset + length, status.size)
        pieces = []
        while offset < end:
            number = offset // BLOCK
            fetch = functools.partial(self._fetch, path, number * BLOCK, status.size)
            block = self._blocks.get((path, status, number), fetch)
            piece = block[offset - number * BLOCK : end - number * BLOCK]
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
        return b"".join(pieces)

    def _fetch(self, path: str, start: int, size: int) -> bytes:
        try:
            data = self._store.cat_file(path, start=start, end=min(start + BLOCK, size))
        except FileNotFoundError as error:
            raise Gone(path) from error
        except Exception as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        return bytes(data)


class _RemoteFile(io.RawIOBase):
    """Reads from its position on."""

    def __init__(self, read: typing.Callable[[int, int], bytes]) -> None:
        self._read = read
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        data = self._read(self._position, size)
        self._position += len(data)
        return data


def _open_store(url: str) -> tuple[typing.Any, str]:
    """The file system of a URL, and the path in it.

    Raises:
        ImportError: A package is missing.
        ValueError: There is no such protocol.
    """
    try:
        import fsspec
    except ImportError as error:
        raise ImportError(
            "A URL needs the package fsspec (the extra `remote` of keras-viz-callbacks)"
        ) from error
    store, path = fsspec.core.url_to_fs(url)
    return store, path.rstrip("/")
