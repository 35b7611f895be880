"""Where log directories lie: on this machine, or anywhere that fsspec reaches.

A storage finds our runs below a log directory and opens their event files. On this machine that is
`os` and nothing else. Elsewhere every request takes its time, so everything is listed at once and
files are read in large blocks, of which the latest are kept.
"""

from __future__ import annotations

import abc
import errno
import functools
import io
import itertools
import logging
import os
import stat
import threading
import typing
from collections.abc import Hashable, Iterator, Sequence

from tensorboard_plugin import schema
from tensorboard_plugin.log.byte_cache import ByteCache

BLOCK = 1024 * 1024
"""Bytes that are fetched at once from elsewhere: one capture, in most trainings."""

KEPT_BLOCKS = 32
"""Blocks of one log directory that are kept."""

PATIENCE = 5.0
"""Seconds that a request waits for a listing; then what was listed before will do."""

# What tells a file's version, by the names that fsspec's file systems have for it.
_VERSION = ("ETag", "etag", "generation", "mtime", "LastModified", "last_modified", "created")

_logger = logging.getLogger(__name__)


class Gone(Exception):  # noqa: N818
    """The file was deleted, replaced or cut since it was indexed."""


class Unreachable(Gone):
    """The file may be there, but its storage does not give it just now."""


class Status(typing.NamedTuple):
    """What a storage tells of a file without reading it."""

    size: int
    identity: Hashable  # changes when the file is replaced, not when it grows
    version: Hashable = None  # changes when anything is written


class Storage(abc.ABC):
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
    def status(self, path: str) -> Status:
        """What can be known of a file without reading it.

        Raises:
            Gone: There is no such file.
        """

    @abc.abstractmethod
    def open(self, path: str) -> tuple[typing.BinaryIO, Status]:
        """A file to be read, and what stands behind its path at this moment.

        Raises:
            Gone: There is no such file.
            OSError: It can't be opened.
        """

    @abc.abstractmethod
    def expect(self, paths: Sequence[str]) -> None:
        """Is told which files will be read next, from their beginning."""


def storage_of(log_dir: str) -> Storage:
    """The storage that a path or URL stands for."""
    path = schema.local_path(log_dir)
    return RemoteStorage(log_dir) if path is None else LocalStorage(path)


class LocalStorage(Storage):
    """A directory of this machine. Symbolic links below it are not followed.

    Args:
        path: The directory; it may appear later, or never.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def runs(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """See `Storage`."""
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
        """See `Storage`."""
        self._stay_inside(directory)
        with os.scandir(directory) as entries:
            return [
                e.name
                for e in entries
                if schema.EVENT_FILE in e.name and e.is_file(follow_symlinks=False)
            ]

    def status(self, path: str) -> Status:
        """See `Storage`."""
        try:
            return _status(os.stat(path, follow_symlinks=False), path)
        except OSError as error:
            raise Gone(path) from error

    def open(self, path: str) -> tuple[typing.BinaryIO, Status]:
        """See `Storage`."""
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

    def expect(self, paths: Sequence[str]) -> None:
        """A disk needs no warning."""

    def _stay_inside(self, directory: str) -> None:
        """Refuses a run's directory that a link has taken the place of since it was found.

        Raises:
            FileNotFoundError: It is one, or below one.
        """
        if self.path and os.path.realpath(directory) != directory:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory)


def _status(found: os.stat_result, path: str) -> Status:
    if not stat.S_ISREG(found.st_mode):
        raise Gone(path)
    return Status(found.st_size, (found.st_dev, found.st_ino))


class RemoteStorage(Storage):
    """A log directory behind a URL, such as an object store.

    Everything below it is known from one listing, which a thread makes: a store that does not
    answer keeps nobody waiting, and takes nothing away that was there before.

    Args:
        url: As fsspec reads it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._store: typing.Any = None
        self._root = ""
        self._runs: dict[str, list[str]] = {}  # names of event files by directory
        self._files: dict[str, Status] = {}  # by path
        self._identities = itertools.count()
        self._blocks = ByteCache(KEPT_BLOCKS * BLOCK)
        self._listing: threading.Thread | None = None
        self._complaint = ""

    def runs(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """See `Storage`."""
        if self._listing is None or not self._listing.is_alive():
            self._listing = threading.Thread(target=self._list, name="keras_viz", daemon=True)
            self._listing.start()
        self._listing.join(PATIENCE)
        for directory in self._runs:
            yield directory, self._parts(directory)

    def event_files(self, directory: str) -> list[str]:
        """See `Storage`."""
        return self._runs.get(directory, [])

    def status(self, path: str) -> Status:
        """See `Storage`."""
        try:
            return self._files[path]
        except KeyError as error:
            raise Gone(path) from error

    def open(self, path: str) -> tuple[typing.BinaryIO, Status]:
        """See `Storage`."""
        status = self.status(path)
        read = functools.partial(self._read, path, status)
        return typing.cast(typing.BinaryIO, _RemoteFile(read)), status

    def expect(self, paths: Sequence[str]) -> None:
        """Fetches the first blocks of several files at once, where the store can do so."""
        files = [(path, self._files[path]) for path in paths if path in self._files]
        files = [(path, status) for path, status in files if (path, status, 0) not in self._blocks]
        if len(files) < 2:
            return
        ends = [min(BLOCK, status.size) for _, status in files]
        try:
            found = self._store.cat_ranges([p for p, _ in files], [0] * len(files), ends)
        except Exception:  # noqa: BLE001 - it is asked for again, and said then
            return
        for (path, status), data in zip(files, found, strict=True):
            if isinstance(data, bytes):
                self._blocks.get((path, status, 0), functools.partial(bytes, data))

    def _parts(self, directory: str) -> tuple[str, ...]:
        below = directory[len(self._root) :].strip("/")
        return tuple(below.split("/")) if below else ()

    def _is_run(self, directory: str) -> bool:
        *above, name = self._parts(directory) or (self._root.rpartition("/")[2],)
        return schema.is_run_name(name) and not any(map(schema.is_run_name, above))

    def _list(self) -> None:
        try:
            if self._store is None:
                self._store, self._root = _open_store(self.url)
            self._store.invalidate_cache()
            found = self._store.find(self._root, detail=True)
        except Exception as error:  # noqa: BLE001 - each store has errors of its own
            self._complain(error)
            return
        runs: dict[str, list[str]] = {}
        files = {}
        for path, info in found.items():
            directory, _, name = path.rpartition("/")
            if schema.EVENT_FILE in name and (directory in runs or self._is_run(directory)):
                runs.setdefault(directory, []).append(name)
                files[path] = self._status(path, info)
        self._files, self._runs = files, runs
        self._complaint = ""

    def _status(self, path: str, info: dict[str, typing.Any]) -> Status:
        size = int(info.get("size") or 0)
        version = tuple(str(info.get(key)) for key in _VERSION)
        known = self._files.get(path)
        # One that is longer than before may have grown; its first bytes will tell.
        if known is not None and (known.version == version or known.size < size):
            return Status(size, known.identity, version)
        return Status(size, next(self._identities), version)

    def _complain(self, error: Exception) -> None:
        complaint = f"{type(error).__name__}: {error}"
        if complaint != self._complaint:
            _logger.warning("Keras Viz can't list %s. %s", self.url, complaint)
            self._complaint = complaint

    def _read(self, path: str, status: Status, offset: int, length: int) -> bytes:
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
    """Reads on from where it was put."""

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
    """The file system behind a URL, and the path in it.

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
