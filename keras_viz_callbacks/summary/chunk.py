"""Summaries that are written together, and the contents that are written before them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from keras_viz_callbacks.summary import framing, summaries
from tensorboard_plugin import capture_table, schema
from tensorboard_plugin.tfrecord import FRAME_BYTES

MOST_BYTES = 16 * 1024 * 1024
"""Bytes of a chunk at most, except for the picture that exceeds it; more make several chunks."""

MOST_PIECES = 1000
"""About so many pieces are written by one call: the operating system takes 1024."""

AT_ONCE = 256 * 1024
"""About so many bytes are written by one call: they are still in the processor's cache, because
their checksums have just been made."""


class Chunk:
    """Summaries of one step, in pieces that are not copied.

    Args:
        step: Step of all of them.
    """

    def __init__(self, step: int) -> None:
        self.step = step
        self.size = 0
        self._frames: list[framing.Frame] = []
        self._pictures: list[capture_table.PlacedEntry] = []
        self._tables: list[schema.MeasureTable] = []
        # The record added last, its place and length, until its picture is added.
        self._record: tuple[capture_table.PictureEntry, int, int] | None = None
        self._is_regular = True

    @property
    def is_full(self) -> bool:
        """Whether the next summary should go to another chunk."""
        if self._record is not None:  # its picture is still to come
            return False
        return self.size >= MOST_BYTES or len(self._pictures) >= capture_table.MOST_PICTURES

    def add(self, head: bytes, value: summaries.Value, wall_time: float) -> None:
        """Appends an event with one value.

        Args:
            head: The event's first fields.
            value: The value.
            wall_time: The event's wall time.
        """
        frame = framing.frame(head, value.front, value.large, value.back)
        length = frame.length
        record, self._record = self._record, None
        if value.record is not None:
            self._record = value.record, self.size, length
            self._is_regular &= record is None
        elif record is not None and record[0].tag == value.picture:
            self._pictures.append(capture_table.PlacedEntry(*record, length, wall_time))
        elif record is not None or value.picture is not None:
            self._is_regular = False  # a picture without its record, or a record without a picture
        if value.table is not None:
            self._tables.append(value.table)
        self._frames.append(frame)
        self.size += length + FRAME_BYTES

    def parts(self) -> Iterator[list[bytes]]:
        """The frames: the contents, where there are pictures, and then what was added.

        Yields:
            Pieces, as many as are written by one call of the operating system.
        """
        part: list[bytes] = []
        if self._pictures and self._is_regular and self._record is None:
            # Where it is too much to be listed, a reader has to look at each.
            with contextlib.suppress(ValueError):
                part += framing.pieces(self._contents())
        size = 0
        for frame in self._frames:
            part += framing.pieces(frame)
            size += frame.length
            if size >= AT_ONCE or len(part) >= MOST_PIECES:
                yield part
                part, size = [], 0
        yield part

    def _contents(self) -> framing.Frame:
        static, changing = capture_table.encode(self._pictures, self.size, self._tables)
        head = framing.event_head(self.step, self._pictures[0].wall_time)
        value = summaries.contents(static, changing)
        return framing.frame(head, value.front, value.large, value.back)
