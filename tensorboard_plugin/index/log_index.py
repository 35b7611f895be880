"""What has been written where below the log directory, found and read a slice at a time."""

from __future__ import annotations

import itertools
import os
import secrets
import threading
import time
import typing

from tensorboard_plugin import schema
from tensorboard_plugin.index.log_directories import LogDirectory, log_source_of
from tensorboard_plugin.index.run_index import RunIndex
from tensorboard_plugin.log.event_reader import EventReader
from tensorboard_plugin.log.log_errors import Gone, Unreachable
from tensorboard_plugin.log.log_source import LogSource

SLICE = 0.15
"""Seconds that one request may spend on reading further."""

AHEAD = 8
"""Files whose first bytes may be fetched together."""

LOOK_EVERY = 0.5
"""Seconds between two looks at files of which everything has been read."""

WALK_EVERY = 1.0
"""Seconds, at least, between two searches for runs."""

WALK_SHARE = 20
"""How many times as long as a search for runs takes, at least, passes before the next."""


class LogIndex:
    """Every run of ours below the log directories. Safe to use from many threads.

    Args:
        directories: The log directories; they may appear later, or never.
    """

    def __init__(self, directories: typing.Sequence[LogDirectory]) -> None:
        self.directories = list(directories)
        self._sources = [log_source_of(each.path) for each in self.directories]
        self.lock = threading.RLock()
        """Held while runs are looked at or changed, never while a file is read."""
        self.runs: dict[str, RunIndex] = {}
        self._reading = threading.Lock()
        self._nonce = secrets.token_hex(4)
        self._revisions: dict[str, int] = {}
        self._counter = itertools.count(1)
        self._next_walk = 0.0
        self._next_look = 0.0

    def token(self, run: RunIndex) -> str:
        """Changes whenever something of this run does, also across restarts of TensorBoard."""
        return f"{self._nonce}{self._revisions.get(run.name, 0):x}"

    def has_runs(self) -> bool:
        """Whether there is anything of ours; reads no file."""
        if time.monotonic() >= self._next_walk and self._reading.acquire(timeout=0.1):
            try:
                self._walk()
            finally:
                self._reading.release()
        return bool(self.runs)

    def refresh(self, first: str | None = None, seconds: float = SLICE) -> None:
        """Reads on where files have grown, for at most about so long.

        Args:
            first: Name of the run to begin with: the one that is asked for.
            seconds: Time to spend.
        """
        deadline = time.monotonic() + seconds
        if not self._reading.acquire(timeout=seconds):
            return  # another request is reading; what it has found so far will do
        try:
            now = time.monotonic()
            if now >= self._next_walk:
                self._walk()
            elif now < self._next_look and self._is_idle():
                return
            with self.lock:
                runs = sorted(
                    self.runs.values(), key=lambda r: (r.name != first, -(r.last_wall_time or 0.0))
                )
            for run in runs:
                self._follow(run, deadline)
            self._next_look = time.monotonic() + LOOK_EVERY
        finally:
            self._reading.release()

    def look_again(self) -> None:
        """Makes the next `refresh` look at once, because a file was gone."""
        self._next_look = self._next_walk = 0.0

    def _is_idle(self) -> bool:
        return all(r.is_caught_up for run in self.runs.values() for r in run.readers)

    def _walk(self) -> None:
        begin = time.monotonic()
        found: dict[str, RunIndex] = {}
        for log_directory, source in zip(self.directories, self._sources, strict=True):
            for directory, parts in source.runs():
                run = _make_run(log_directory.group, source, directory, parts)
                while run.name in found:  # two unnamed directories of --logdir_spec
                    run.name += "'"
                found[run.name] = run
        with self.lock:
            for name in self.runs.keys() - found.keys():
                del self.runs[name]
            for name, run in found.items():
                if name not in self.runs or not self.runs[name].is_at(run.source, run.directory):
                    self.runs[name] = run
                    self._changed(run)
        # A huge tree is not walked all the time.
        now = time.monotonic()
        self._next_walk = now + max(WALK_EVERY, WALK_SHARE * (now - begin))

    def _follow(self, run: RunIndex, deadline: float) -> None:
        """Brings one run up to date, or as far as time allows."""
        for _ in range(2):  # once more where all has to be read again
            self._list_files(run)
            try:
                grown = [reader for reader in run.readers if reader.look()]
                for i, reader in enumerate(grown):
                    if not self._read(run, reader, grown[i : i + AHEAD], deadline):
                        return
            except Gone:
                self._start_again(run)
            else:
                return

    def _read(
        self, run: RunIndex, reader: EventReader, ahead: list[EventReader], deadline: float
    ) -> bool:
        """Reads what is new in one file.

        Returns:
            Whether there is time for more.
        """
        try:
            run.source.prefetch([r.path for r in ahead if r.position == 0])
            for event in reader.read():
                with self.lock:
                    if run.add(reader, event):
                        self._changed(run)
                if time.monotonic() > deadline:
                    return False
        except Unreachable as error:
            self._mark_unreadable(run, reader, str(error))
            return False  # nor would the next ones be reached
        except OSError as error:
            self._mark_unreadable(run, reader, str(error.strerror))
            return True
        with self.lock:
            run.unreadable.pop(reader.name, None)
            self._changed(run)
        return True

    def _mark_unreadable(self, run: RunIndex, reader: EventReader, message: str) -> None:
        with self.lock:
            if run.unreadable.get(reader.name) != message:
                run.unreadable[reader.name] = message
                self._changed(run)

    def _list_files(self, run: RunIndex) -> None:
        known = {reader.name for reader in run.readers}
        try:
            names = sorted(run.source.event_files(run.directory))
        except OSError:
            names = []
        if known - set(names):
            self._start_again(run)
            known = set()
        fresh = [name for name in names if name not in known]
        if not fresh:
            return
        with self.lock:
            if run.readers and fresh[0] < run.readers[-1].name:
                # Which picture of a step is the latest follows from the files' order.
                run.clear()
                fresh = names
            run.open(fresh)
            self._changed(run)

    def _start_again(self, run: RunIndex) -> None:
        with self.lock:
            run.clear()
            self._changed(run)

    def _changed(self, run: RunIndex) -> None:
        self._revisions[run.name] = next(self._counter)


def _make_run(
    group: str | None, source: LogSource, directory: str, parts: tuple[str, ...]
) -> RunIndex:
    front = () if group is None else (group,)
    name = "/".join((*front, *(parts or (".",)))) if parts or front else "."
    label = "/".join((*front, *parts[:-1])) or "."
    number = os.path.basename(directory).removeprefix(schema.RUN_NAME).lstrip("-")
    return RunIndex(_printable(name), _printable(label), int(number or 1), source, directory)


def _printable(name: str) -> str:
    """File names may hold bytes that are no UTF-8; JSON and URLs may not."""
    return name.encode(errors="surrogateescape").decode(errors="replace")
