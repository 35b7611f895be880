"""Event files as our writer makes them, read forward as they grow and without their pictures.

A TFRecord file is a row of frames: length (8 bytes), its checksum, payload, its checksum. Only the
first bytes of a payload are looked at to learn step, tag and where the picture lies; records are
read whole. Where contents tell what stands behind them, not even that is looked at: what they say
is taken if they are whole, all that they list is there, and the last picture and the next frame
begin where they should. Else the frames behind them are read one by one.

Nothing here holds a file open between two calls.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import typing
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from tensorboard_plugin import capture_table, schema
from tensorboard_plugin.log import event_bytes
from tensorboard_plugin.log.log_source import Gone, LocalStorage, Status, Storage
from tensorboard_plugin.tfrecord import CHECKSUM, HEADER, masked_checksum

WINDOW = 16 * 1024
"""Bytes a read: a record with its statistics and the head of the picture behind it."""

LARGEST_WINDOW = 256 * 1024
NEAR = 64 * 1024
"""Pictures below this are read over: a disk has them before it has found what is behind them."""

MAX_RECORD = 64 * 1024 * 1024
"""A record beyond this is not ours, and is not taken into memory."""

MAX_FRAME = 1 << 31
"""Protocol buffers end here: a frame that says it is longer is damaged."""

_CONTENTS = schema.CONTENTS_TAG.encode()
_HEAD = 24  # up to the time in a file's first event, which no two files share
_SCAN = 1024 * 1024
# Frames are below 4 GiB: the upper half of a length is zero, the lower is not.
_MAYBE_LENGTH = re.compile(rb"(?=(?!\0{4})[\s\S]{4}\0{4})")


class Damaged(Exception):  # noqa: N818
    """The bytes on disk fail their checksum."""


class Problem(typing.NamedTuple):
    """Something that had to be left out."""

    offset: int
    kind: str
    message: str


class RecordEvent(typing.NamedTuple):
    """A record, read whole and verified."""

    step: int
    wall_time: float
    tag: str  # of the picture that it describes
    json: bytes
    has_heat_map: bool
    offset: int  # of the frame
    length: int  # of the payload


class PictureEvent(typing.NamedTuple):
    """An image summary: where it is, nothing read or verified."""

    step: int
    wall_time: float
    tag: str
    offset: int  # of the frame
    length: int  # of the payload


class CaptureEvent(typing.NamedTuple):
    """Records with their pictures, as their contents list them: nothing of them is read."""

    step: int
    offset: int  # where the first of their frames begins
    contents: capture_table.CaptureTable
    wall_time: float


class TableEvent(typing.NamedTuple):
    """A measure table, read whole and verified."""

    step: int
    wall_time: float
    tag: str
    table: schema.MeasureTable
    offset: int  # of the frame
    length: int  # of the payload


Event = RecordEvent | PictureEvent | CaptureEvent | TableEvent | Problem


@dataclass(frozen=True)
class Identity:
    """Which file stands behind a path: it changes when the file is replaced."""

    storage: Hashable  # what its storage tells it from others by
    head: bytes


class EventReader:
    """Follows one event file.

    Args:
        path: The file. A symbolic link is not followed.
        storage: Where it lies.
        believes: Whether contents are taken at their word; else every frame is looked at.
    """

    def __init__(self, path: str, storage: Storage | None = None, believes: bool = True) -> None:
        self.path = path
        self.storage = LocalStorage("") if storage is None else storage
        self.name = os.path.basename(path)
        self.position = 0
        self.size = 0
        self.identity: Identity | None = None
        self.truncated = False
        self.pending: RecordEvent | None = None
        """The record whose picture has not come yet."""
        self.is_doubted = False
        """What contents say does not agree with what is there: all has to be read without them."""
        self._believes = believes
        self._has_believed = False
        self._unconfirmed = -1  # where the next frame has to begin if contents were right
        self._caught_up_at = -1
        self._lost_from: int | None = None
        self._latest: tuple[int, int] | None = None  # offset and payload's length of a frame

    @property
    def key(self) -> str:
        """Stands for this file's content across restarts of TensorBoard."""
        head = b"" if self.identity is None else self.identity.head
        return hashlib.blake2s(self.name.encode(errors="replace") + b"\0" + head).hexdigest()

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read, bytes that can be read; a frame that is still growing is in neither."""
        return self.position, self.position if self.is_caught_up else max(self.size, self.position)

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that was whole at the last look has been read."""
        return self._caught_up_at == self.size and not self.is_doubted

    def look(self) -> bool:
        """Looks at the file's size.

        Returns:
            Whether there may be something to read.

        Raises:
            Gone: The file was deleted, replaced or cut, or is doubted: all that was read is to be
                forgotten.
        """
        status = self.storage.status(self.path)
        if status.size < self.position or self.is_doubted:
            raise Gone(self.path)
        if self.identity is not None and status.identity != self.identity.storage:
            raise Gone(self.path)
        self.size = status.size
        return not self.is_caught_up

    def doubt(self) -> None:
        """Is told that something does not stand where it should, or is something else.

        If contents said so, all is to be read again without them, at the next look.
        """
        self.is_doubted = self._has_believed

    def read(self) -> Iterator[Event]:
        """Yields what is whole and new, and stops before a frame that is still being written.

        Each event is behind `position` when the next is asked for: the caller may stop at any.

        Raises:
            Gone: As `look`.
            OSError: The file can't be opened or read.
        """
        file, self.size = self._open()
        with file:
            self.truncated = False
            window = _Window(file)
            while True:
                if self._lost_from is not None and not self._find_frame(window):
                    break
                head = window.get(self.position, HEADER.size)
                if len(head) < HEADER.size:
                    self.truncated = len(head) > 0
                    break
                length, _ = HEADER.unpack(head)
                if not _is_header(head):
                    at = self.position
                    if at == self._unconfirmed:
                        self.doubt()
                        raise Gone(self.path)
                    self.position = self._lost_from = self._begin_of_search(window)
                    yield Problem(at, "framing", "Bytes are lost up to the next whole record.")
                    continue
                end = self.position + HEADER.size + length + CHECKSUM.size
                if end > self.size:
                    self.truncated = True
                    break
                event = self._event(window, self.position, length)
                self._latest = self.position, length
                self.position = end
                if isinstance(event, CaptureEvent):
                    self._has_believed = True
                    self._latest = None
                    self.position = end + event.contents.size
                    self._unconfirmed = self.position
                if event is not None:
                    yield event
            self._caught_up_at = self.size

    def payload(self, offset: int, length: int) -> bytes:
        """One frame's payload, verified.

        Raises:
            Gone: The file is not the one that was indexed.
            Damaged: A checksum fails.
        """
        try:
            file, _ = self._open()
            with file:
                file.seek(offset)
                data = _read(file, HEADER.size + length + CHECKSUM.size)
        except OSError as error:
            raise Gone(self.path) from error
        if len(data) < HEADER.size + length + CHECKSUM.size:
            raise Gone(self.path)
        payload = data[HEADER.size : HEADER.size + length]
        if HEADER.unpack_from(data) != (length, masked_checksum(data[:8])):
            self.doubt()
            raise Damaged(f"{self.name} at {offset}: the length fails its checksum")
        if CHECKSUM.unpack_from(data, HEADER.size + length)[0] != masked_checksum(payload):
            raise Damaged(f"{self.name} at {offset}: the content fails its checksum")
        return payload

    def _open(self) -> tuple[typing.BinaryIO, int]:
        """The file, if it is still the same, and its size."""
        file, status = self.storage.open(self.path)
        try:
            self._identify(file, status)
        except BaseException:
            file.close()
            raise
        return file, status.size

    def _identify(self, file: typing.BinaryIO, status: Status) -> None:
        head = _read(file, _HEAD)
        known = self.identity
        if known is None or (
            # The head itself was still being written at the first look.
            len(known.head) < _HEAD and len(head) > len(known.head) and self.position == 0
        ):
            self.identity = Identity(status.identity, head)
        elif (status.identity, head[: len(known.head)]) != (known.storage, known.head):
            raise Gone(self.path)

    def _event(self, window: _Window, offset: int, length: int) -> Event | None:
        begin = offset + HEADER.size
        known = min(length, 1024)
        if _CONTENTS in window.get(begin, min(length, 64)) and length <= MAX_RECORD:
            known = length  # which is read whole anyway
        while True:
            try:
                peek = event_bytes.peek(window.get(begin, known), length)
                break
            except event_bytes.BeyondError:
                if known == length:
                    return Problem(offset, "record", "An event can't be read and is left out.")
                known = min(length, known * 8)
            except (IndexError, ValueError, struct.error):
                return Problem(offset, "record", "An event can't be read and is left out.")
        if peek is None:
            return None
        if peek.tag == schema.CONTENTS_TAG:
            return self._capture(window, offset, length, peek) if self._believes else None
        is_table = schema.is_measures_tag(peek.tag)
        if len(peek.strings) >= 3:
            return PictureEvent(peek.step, peek.wall_time, peek.tag, offset, length)
        if not (is_table or schema.is_record_tag(peek.tag)):
            return None  # a scalar, or somebody else's
        if length > MAX_RECORD:
            return Problem(offset, "record", "A record holds far too much.")
        data = window.get(begin, length + CHECKSUM.size)
        if CHECKSUM.unpack_from(data, length)[0] != masked_checksum(data[:length]):
            return Problem(offset, "checksum", "A record fails its checksum and is left out.")
        if event_bytes.plugin_name(data[:length]) != schema.PLUGIN_NAME:
            return None  # a summary of the user's own may have such a tag, too
        if not peek.strings:
            return Problem(offset, "record", "A record holds nothing.")
        start, size = peek.strings[0]
        if is_table:
            try:
                table = schema.decode_measures(data[start : start + size])
            except ValueError as error:
                return Problem(offset, "record", f"{error}")
            return TableEvent(peek.step, peek.wall_time, peek.tag, table, offset, length)
        return RecordEvent(
            peek.step,
            peek.wall_time,
            peek.tag[len(schema.record_tag("")) :],
            data[start : start + size],
            len(peek.strings) > 1,
            offset,
            length,
        )

    def _capture(
        self, window: _Window, offset: int, length: int, peek: event_bytes.Peek
    ) -> CaptureEvent | None:
        """What contents list; None where they are not to be believed.

        Nothing is lost then, and nothing said: the frames behind them tell the same.
        """
        if len(peek.strings) != 2 or length > MAX_RECORD:
            return None
        data = window.get(offset + HEADER.size, length + CHECKSUM.size)
        if CHECKSUM.unpack_from(data, length)[0] != masked_checksum(data[:length]):
            return None
        try:
            found = capture_table.decode(*(data[start : start + n] for start, n in peek.strings))
        except ValueError:
            return None
        begin = offset + HEADER.size + length + CHECKSUM.size
        rest = self.size - begin - found.size
        if rest < 0:
            return None  # still being written, or cut
        if rest > 0:
            # Where bytes were lost or put between, what comes last stands elsewhere.
            last, last_length = found.last
            head = window.glance(begin + last, HEADER.size)
            behind = window.get(begin + found.size, HEADER.size)
            if (
                not _is_header(head)
                or HEADER.unpack(head)[0] != last_length
                or not _is_header(behind)
            ):
                return None
        return CaptureEvent(peek.step, begin, found, peek.wall_time)

    def _begin_of_search(self, window: _Window) -> int:
        """Where to look first for the next frame when none is at `position`.

        If the frame before was cut short, the ones that it should have ended before are in it.
        """
        if self._latest is None:
            return self.position + 1
        offset, length = self._latest
        self._latest = None
        if length > MAX_RECORD:
            return self.position + 1
        data = window.get(offset + HEADER.size, length + CHECKSUM.size)
        is_whole = CHECKSUM.unpack_from(data, length)[0] == masked_checksum(data[:length])
        return self.position + 1 if is_whole else offset + HEADER.size

    def _find_frame(self, window: _Window) -> bool:
        """Moves `position` to the next frame behind damaged bytes, if there is one."""
        position = self.position
        while position + HEADER.size <= self.size:
            block = window.get(position, _SCAN)
            if len(block) < HEADER.size:
                break
            for match in _MAYBE_LENGTH.finditer(block, 0, len(block) - 4):
                at = match.start()
                if CHECKSUM.unpack_from(block, at + 8)[0] == masked_checksum(block[at : at + 8]):
                    self.position = position + at
                    self._lost_from = None
                    return True
            position += len(block) - HEADER.size + 1
        self.position = max(self.position, min(position, self.size))
        return False


def _is_header(head: bytes) -> bool:
    """Whether a frame may begin with these bytes."""
    if len(head) < HEADER.size:
        return False
    length, checksum = HEADER.unpack(head)
    return bool(checksum == masked_checksum(head[:8])) and length < MAX_FRAME


def strings(payload: bytes, step: int, tag: str) -> list[bytes]:
    """The strings of the tensor in a verified payload: the whole content of a picture or record.

    Raises:
        Damaged: It is no event of that step and tag.
    """
    try:
        peek = event_bytes.peek(payload, len(payload))
    except (event_bytes.BeyondError, IndexError, ValueError, struct.error) as error:
        raise Damaged("the event can't be read") from error
    if peek is None or (peek.step, peek.tag) != (step, tag):
        raise Damaged("another event stands in its place")
    return [payload[a : a + n] for a, n in peek.strings]


class _Window:
    """Forward access to a file through one buffer, which grows where nothing is skipped."""

    def __init__(self, file: typing.BinaryIO) -> None:
        self._file = file
        self._start = 0
        self._data = b""
        self._size = WINDOW

    def get(self, offset: int, length: int) -> bytes:
        """So many bytes, fewer only at the end of the file."""
        at = offset - self._start
        if at < 0 or at + length > len(self._data):
            skipped = at - len(self._data)
            is_near = bool(self._data) and skipped < NEAR
            self._size = min(2 * self._size, LARGEST_WINDOW) if is_near else WINDOW
            self._file.seek(offset)
            self._data = _read(self._file, max(length, self._size))
            self._start, at = offset, 0
        return self._data[at : at + length]

    def glance(self, offset: int, length: int) -> bytes:
        """The same, of bytes that stand alone."""
        at = offset - self._start
        if 0 <= at <= len(self._data) - length:
            return self._data[at : at + length]
        self._file.seek(offset)
        return _read(self._file, length)


def _read(file: typing.Any, length: int) -> bytes:
    data: bytes = file.read(length) or b""
    while len(data) < length and (more := file.read(length - len(data))):
        data += more
    return data
