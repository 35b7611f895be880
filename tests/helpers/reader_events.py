"""What a reader has found, picture by picture, whether contents told it or each was looked at."""

from __future__ import annotations

import typing
from collections.abc import Iterable

from tensorboard_plugin.contents import FRAME
from tensorboard_plugin.index.record_fields import HAS_HEAT_MAP
from tensorboard_plugin.log import event_reader


class Found(typing.NamedTuple):
    """A record or picture, and where it is."""

    kind: str
    tag: str
    step: int
    wall_time: float
    has_heat_map: bool
    offset: int
    length: int


def expanded(found: Iterable[event_reader.Event]) -> list[Found]:
    """Records and pictures in the order of the file; problems are left out."""
    result: list[Found] = []
    for event in found:
        if isinstance(event, event_reader.CaptureEvent):
            result += _listed(event)
        elif isinstance(event, event_reader.RecordEvent):
            step, time, tag, _, has_heat_map, offset, length = event
            result.append(Found("record", tag, step, time, has_heat_map, offset, length))
        elif isinstance(event, event_reader.PictureEvent):
            step, time, tag, offset, length = event[:5]
            result.append(Found("picture", tag, step, time, False, offset, length))
    return result


def _listed(capture: event_reader.CaptureEvent) -> Iterable[Found]:
    stills, columns = capture.contents.stills, capture.contents.columns
    for still, row in zip(stills, zip(*columns, strict=True), strict=True):
        offset, record_length, length, flags = capture.offset + row[0], *row[1:4]
        common = still.tag, capture.step, row[8]
        yield Found("record", *common, bool(flags & HAS_HEAT_MAP), offset, record_length)
        yield Found("picture", *common, False, offset + FRAME + record_length, length)
