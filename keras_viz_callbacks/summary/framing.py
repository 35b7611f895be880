"""TFRecords: what a summary needs around it to stand in an event file."""

from __future__ import annotations

import time
from typing import TypeAlias

from google_crc32c import extend, value
from tensorboard.compat.proto import event_pb2

from keras_viz_callbacks.summary.encoding import varint
from tensorboard_plugin.tfrecord import CHECKSUM, HEADER, header, masked, masked_checksum

_SMALL = 16 * 1024  # bytes that are joined at once: a record, but no picture
_SUMMARY_VALUE, _EVENT_SUMMARY = b"\x0a", b"\x2a"  # the fields 1 and 5, each a message


def event_head(step: int, wall_time: float) -> bytes:
    """The first fields of an Event, encoded."""
    encoded: bytes = event_pb2.Event(wall_time=wall_time, step=step).SerializeToString()
    return encoded


def file_header() -> bytes:
    """The record that every event file begins with."""
    version = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
    return _framed(version.SerializeToString())


Frame: TypeAlias = tuple[bytes, bytes, bytes, int]
"""A TFRecord: what stands in front of the picture, the picture, what of the payload stands behind
it, and the payload's length. Without a picture the first is all of it."""


def pieces(frame: Frame) -> list[bytes]:
    """The bytes; a picture is not copied.

    Its checksum is made here: who writes it right afterwards finds it in the processor's cache.
    """
    front, picture, behind, _ = frame
    if not picture:
        return [front]
    checksum = extend(extend(value(front[HEADER.size :]), picture), behind)
    return [front, picture, behind + CHECKSUM.pack(masked(checksum))]


def frame(head: bytes, front: bytes, large: bytes, behind: bytes) -> Frame:
    """A TFRecord of an Event with one value, which is given in three pieces.

    Args:
        head: The Event's first fields.
        front: The value's first bytes.
        large: Those that are not worth a copy, if they are many.
        behind: Its last bytes.
    """
    length = len(front) + len(large) + len(behind)
    summary = _SUMMARY_VALUE + varint(length)
    event = _EVENT_SUMMARY + varint(len(summary) + length)
    length += len(head) + len(event) + len(summary)
    if length > _SMALL:
        begin = b"".join((header(length), head, event, summary, front))
        return begin, large, behind, length
    payload = b"".join((head, event, summary, front, large, behind))
    return _framed(payload), b"", b"", length


def _framed(payload: bytes) -> bytes:
    """Length, its masked checksum, payload, its masked checksum."""
    return b"".join((header(len(payload)), payload, CHECKSUM.pack(masked_checksum(payload))))
