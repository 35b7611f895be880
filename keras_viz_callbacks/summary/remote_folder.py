"""Log directories at a URL, such as an object store, that fsspec reaches."""

from __future__ import annotations

import contextlib

from keras_viz_callbacks.summary.event_objects import EventObjects
from keras_viz_callbacks.summary.event_writer import EventWriter
from keras_viz_callbacks.summary.log_folder import LogFolder
from keras_viz_callbacks.summary.remote_files import names_in, put
from tensorboard_plugin import schema

_PROBE = ".keras_viz_probe"


class RemoteFolder(LogFolder):
    """A log directory that fsspec reaches.

    Args:
        url: A URL that fsspec can open.

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
            self.store, path = fsspec.core.url_to_fs(url)
        except Exception as error:
            raise ValueError(
                f"`log_dir` must be a path or a URL that fsspec can open ({error}). "
                f"Received: log_dir={url!r}. Each kind of store has a package of its own, such as "
                "s3fs; the extra `remote` brings fsspec alone."
            ) from error
        self.path = path.rstrip("/")
        self.key = self.store.unstrip_protocol(self.path)
        self._runs: set[str] = set()

    def check(self) -> None:
        """Writes an empty file and removes it: no other check says whether that is allowed."""
        probe = f"{self.path}/{_PROBE}"
        try:
            put(self.store, probe, b"")
            with contextlib.suppress(Exception):  # one may be allowed to write but not to delete
                self.store.rm_file(probe)
            self._runs = self._list()
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {error}") from error

    def runs(self) -> set[str]:
        """See `LogFolder`; what `check` found, where the store does not respond any more."""
        with contextlib.suppress(Exception):
            self._runs = self._list()
        return self._runs

    def writer(self, run: str) -> EventWriter:
        """See `LogFolder`."""
        return EventObjects(self.store, f"{self.path}/{run}")

    def _list(self) -> set[str]:
        names = names_in(self.store, self.path)
        return {
            name
            for name in names
            if schema.is_run_name(name)
            and any(schema.EVENT_FILE in n for n in names_in(self.store, f"{self.path}/{name}"))
        }
