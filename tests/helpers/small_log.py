"""A small log without contents, frame by frame."""

from __future__ import annotations

import struct
import typing
from pathlib import Path

from tensorboard_plugin.log import log_events
from tensorboard_plugin.log.log_events import Problem
from tests.helpers import synthetic_logs

SMALL = synthetic_logs.Spec(epochs=2, layers=1, images=1, channels=2, cell=4, size=8)


def write_without_contents(directory: Path) -> synthetic_logs.Log:
    """A small log whose frames are read one by one."""
    made = synthetic_logs.write(str(directory), SMALL)
    path = Path(made.path)
    path.write_bytes(synthetic_logs.without_contents(path.read_bytes()))
    return made


def frames_of(data: bytes) -> list[tuple[int, int]]:
    """Offset and payload length of every frame."""
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        found.append((at, length))
        at += 16 + length
    return found


def summary(found: typing.Iterable[log_events.Event]) -> list[tuple[str, str, int]]:
    return [
        (type(e).__name__, "" if isinstance(e, Problem) else e.tag, getattr(e, "step", 0))
        for e in found
    ]
