"""What a reader finds in an event file."""

from __future__ import annotations

import typing

from tensorboard_plugin import capture_table, schema


class Problem(typing.NamedTuple):
    """Something that had to be left out."""

    offset: int
    kind: str
    message: str


class RecordEvent(typing.NamedTuple):
    """A record, read completely and verified.

    Attributes:
        step: Step of the summary.
        wall_time: Seconds since 1970.
        tag: Tag of the picture that the record describes.
        json: The record's JSON.
        has_heat_map: Whether a heat map follows the JSON.
        offset: Start of the frame in the file.
        length: Bytes of the payload.
    """

    step: int
    wall_time: float
    tag: str
    json: bytes
    has_heat_map: bool
    offset: int
    length: int


class PictureEvent(typing.NamedTuple):
    """An image summary: where it is. Its picture is neither read nor verified.

    Attributes:
        step: Step of the summary.
        wall_time: Seconds since 1970.
        tag: Tag of the picture.
        offset: Start of the frame in the file.
        length: Bytes of the payload.
    """

    step: int
    wall_time: float
    tag: str
    offset: int
    length: int


class TableEvent(typing.NamedTuple):
    """A measure table, read completely and verified.

    Attributes:
        step: Step of the summary.
        wall_time: Seconds since 1970.
        tag: Tag of the summary.
        table: The numbers.
        offset: Start of the frame in the file.
        length: Bytes of the payload.
    """

    step: int
    wall_time: float
    tag: str
    table: schema.MeasureTable
    offset: int
    length: int


class CaptureEvent(typing.NamedTuple):
    """What was written together, as its contents list it. The frames themselves are not read.

    Attributes:
        step: Step of the summaries.
        wall_time: Seconds since 1970, when the contents were written.
        offset: Start of the first listed frame in the file.
        contents: What the frames hold.
    """

    step: int
    wall_time: float
    offset: int
    contents: capture_table.CaptureTable


Event = RecordEvent | PictureEvent | TableEvent | CaptureEvent | Problem
