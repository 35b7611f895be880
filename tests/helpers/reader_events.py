"""What a reader has found, picture by picture, whether contents list it or each was looked at."""

from __future__ import annotations

import typing
from collections.abc import Iterable

from tensorboard_plugin.capture_table import HAS_HEAT_MAP
from tensorboard_plugin.log import log_events
from tensorboard_plugin.tfrecord import FRAME_BYTES


class Found(typing.NamedTuple):
    """A record or picture, and where it is."""

    kind: str
    tag: str
    step: int
    wall_time: float
    has_heat_map: bool
    offset: int
    length: int


def expanded(found: Iterable[log_events.Event]) -> list[Found]:
    """Records and pictures in the order of the file; problems are left out."""
    result: list[Found] = []
    for event in found:
        if isinstance(event, log_events.CaptureEvent):
            result += _listed(event)
        elif isinstance(event, log_events.RecordEvent):
            step, time, tag, _, has_heat_map, offset, length = event
            result.append(Found("record", tag, step, time, has_heat_map, offset, length))
        elif isinstance(event, log_events.PictureEvent):
            step, time, tag, offset, length = event[:5]
            result.append(Found("picture", tag, step, time, False, offset, length))
    return result


def _listed(capture: log_events.CaptureEvent) -> Iterable[Found]:
    contents = capture.contents
    for static, row in zip(contents.pictures, contents.rows, strict=True):
        offset = capture.offset + row.offset
        common = static.tag, capture.step, row.wall_time
        has_heat_map = bool(row.flags & HAS_HEAT_MAP)
        yield Found("record", *common, has_heat_map, offset, row.record_length)
        at = offset + FRAME_BYTES + row.record_length
        yield Found("picture", *common, False, at, row.length)
