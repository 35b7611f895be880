"""Frames of an event file: what is written around a summary."""

from __future__ import annotations

import time
from typing import NamedTuple

from google_crc32c import extend, value
from tensorboard.compat.proto import event_pb2

from keras_viz_callbacks.summary.encoding import varint
from tensorboard_plugin.tfrecord import CHECKSUM, HEADER, header, masked, masked_checksum

_SMALL = 16 * 1024  # bytes that are joined at once: a record, but no picture
_SUMMARY_VALUE, _EVENT_SUMMARY = b"\x0a", b"\x2a"  # the fields 1 and 5, each a message


class Frame(NamedTuple):
    """A TFRecord in three pieces.

    Attributes:
        front: The bytes before the picture; without a picture, all bytes.
        picture: The picture, which is not copied; empty if there is none.
        back: The payload's bytes after the picture.
        length: Bytes of the payload.
    """

    front: bytes
    picture: bytes
    back: bytes
    length: int


def event_head(step: int, wall_time: float) -> bytes:
    """The first fields of an Event, encoded."""
    encoded: bytes = event_pb2.Event(wall_time=wall_time, step=step).SerializeToString()
    return encoded


def file_header() -> bytes:
    """The record that every event file begins with."""
    version = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
    return _framed(version.SerializeToString())


def pieces(frame: Frame) -> list[bytes]:
    """The bytes of a frame; a picture is not copied.

    The picture's checksum is made here, so that the picture is in the processor's cache when it is
    written directly afterwards.
    """
    if not frame.picture:
        return [frame.front]
    checksum = extend(extend(value(frame.front[HEADER.size :]), frame.picture), frame.back)
    return [frame.front, frame.picture, frame.back + CHECKSUM.pack(masked(checksum))]


def frame(head: bytes, front: bytes, large: bytes, back: bytes) -> Frame:
    """The frame of an Event with one value, which is given in three pieces.

    Args:
        head: The Event's first fields.
        front: The value's first bytes.
        large: The bytes that are not to be copied, if they are many.
        back: The value's last bytes.
    """
    length = len(front) + len(large) + len(back)
    summary = _SUMMARY_VALUE + varint(length)
    event = _EVENT_SUMMARY + varint(len(summary) + length)
    length += len(head) + len(event) + len(summary)
    if length > _SMALL:
        begin = b"".join((header(length), head, event, summary, front))
        return Frame(begin, large, back, length)
    payload = b"".join((head, event, summary, front, large, back))
    return Frame(_framed(payload), b"", b"", length)


def _framed(payload: bytes) -> bytes:
    """Length, its masked checksum, payload, its masked checksum."""
    return b"".join((header(len(payload)), payload, CHECKSUM.pack(masked_checksum(payload))))
