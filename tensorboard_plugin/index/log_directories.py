"""Which log directories TensorBoard was started with, and what reads them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from tensorboard_plugin import schema
from tensorboard_plugin.log.local_source import LocalSource
from tensorboard_plugin.log.log_source import LogSource
from tensorboard_plugin.log.remote_source import RemoteSource

_URI = re.compile(r"[a-zA-Z][0-9a-zA-Z.]*://.*")


@dataclass(frozen=True)
class LogDirectory:
    """A log directory.

    Attributes:
        path: A path of this machine, or a URL.
        group: What the names of its runs begin with under ``--logdir_spec``.
    """

    path: str
    group: str | None = None


def log_directories(logdir: str | None, logdir_spec: str | None = None) -> list[LogDirectory]:
    """The log directories that TensorBoard was started with.

    Args:
        logdir: ``--logdir``: one directory.
        logdir_spec: ``--logdir_spec``: ``name:path`` or ``path``, separated by commas.
    """
    if logdir:
        one = LogDirectory(os.path.expanduser(logdir.removeprefix("file://")))
        if "," not in logdir or os.path.exists(one.path):
            return [one]
    return [_log_directory(part) for part in (logdir or logdir_spec or "").split(",") if part]


def _log_directory(part: str) -> LogDirectory:
    # The same reading as TensorBoard's own, which isn't public.
    group = None
    if (
        not _URI.fullmatch(part)
        and ":" in part
        and not part.startswith("/")
        and not os.path.splitdrive(part)[0]
    ):
        group, _, part = part.partition(":")
    return LogDirectory(os.path.expanduser(part.removeprefix("file://")), group or None)


def log_source_of(path: str) -> LogSource:
    """What reads a log directory, which may be a path or a URL."""
    local = schema.local_path(path)
    return RemoteSource(path) if local is None else LocalSource(local)
