"""Event files as our writer makes them, read forward as they grow and without their pictures.

Of a payload only the first bytes are read, to learn step, tag and where the picture lies; records
are read completely. Where contents list the frames that follow them, not even that is read: the
contents are used if they are whole, all that they list is there, and the last picture and the next
frame begin where they should. Otherwise the frames after them are read one by one.

Nothing here holds a file open between two calls.
"""

from __future__ import annotations

import hashlib
import os
import struct
import typing
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from tensorboard_plugin import capture_table, schema
from tensorboard_plugin.log import recovery
from tensorboard_plugin.log.event_bytes import (
    EventHead,
    MoreBytesNeeded,
    plugin_name,
    read_event_head,
)
from tensorboard_plugin.log.file_window import FileWindow, read_fully
from tensorboard_plugin.log.frames import is_frame_header, is_whole
from tensorboard_plugin.log.local_source import LocalSource
from tensorboard_plugin.log.log_errors import Damaged, Gone
from tensorboard_plugin.log.log_events import (
    CaptureEvent,
    Event,
    PictureEvent,
    Problem,
    RecordEvent,
    TableEvent,
)
from tensorboard_plugin.log.log_source import FileStatus, LogSource
from tensorboard_plugin.tfrecord import CHECKSUM, HEADER, LENGTH, masked_checksum

MAX_RECORD = 64 * 1024 * 1024
"""A longer record is not ours, and is not read into memory."""

FILE_HEAD = 24
"""First bytes of a file, up to the time in its first event, which no two files share."""

_CONTENTS = schema.CONTENTS_TAG.encode()
_RECORD_TAG_PREFIX = len(schema.record_tag(""))
_STRINGS_OF_PICTURE = 3  # width, height, picture
_MALFORMED = MoreBytesNeeded, IndexError, ValueError, struct.error
_UNREADABLE = "An event can't be read and is left out."


@dataclass(frozen=True)
class Identity:
    """Which file a path leads to.

    Attributes:
        source: What its source distinguishes it from other files by.
        head: The file's first bytes.
    """

    source: Hashable
    head: bytes


class EventReader:
    """Follows one event file.

    Args:
        path: The file. A symbolic link is not followed.
        source: Where it lies; None for this machine.
        use_contents: Whether what contents list is taken without reading it. If not, every frame
            is read.
    """

    def __init__(
        self, path: str, source: LogSource | None = None, use_contents: bool = True
    ) -> None:
        self.path = path
        self.source = LocalSource("") if source is None else source
        self.name = os.path.basename(path)
        self.position = 0
        self.size = 0
        self.identity: Identity | None = None
        self.truncated = False
        self.pending_record: RecordEvent | None = None
        """The record whose picture has not come yet."""
        self.use_contents = use_contents
        self.has_used_contents = False
        self.contents_are_wrong = False
        """Contents do not agree with what they list: the file has to be read again without them."""
        self._expected_frame = -1  # where the next frame begins if the latest contents are right
        self._caught_up_at = -1
        self._lost_from: int | None = None
        self._latest_frame: tuple[int, int] | None = None  # offset and length of its payload

    @property
    def key(self) -> str:
        """A name for this file's content that stays the same when TensorBoard is restarted."""
        head = b"" if self.identity is None else self.identity.head
        return hashlib.blake2s(self.name.encode(errors="replace") + b"\0" + head).hexdigest()

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read, bytes that can be read; a frame that is still growing is in neither."""
        return self.position, self.position if self.is_caught_up else max(self.size, self.position)

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that was complete at the last look has been read."""
        return self._caught_up_at == self.size and not self.contents_are_wrong

    def look(self) -> bool:
        """Looks at the file's size.

        Returns:
            Whether there may be something to read.

        Raises:
            Gone: The file was deleted, replaced or cut, or its contents are wrong: all that was
                read is to be forgotten.
        """
        status = self.source.status(self.path)
        if status.size < self.position or self.contents_are_wrong:
            raise Gone(self.path)
        if self.identity is not None and status.identity != self.identity.source:
            raise Gone(self.path)
        self.size = status.size
        return not self.is_caught_up

    def report_misplaced(self) -> None:
        """To be called when something does not lie where it should, or is something else.

        If that place came from contents, the next look makes the file be read again without them.
        """
        self.contents_are_wrong = self.has_used_contents

    def read(self) -> Iterator[Event]:
        """Yields what is complete and new, and stops before a frame that is still being written.

        `position` is after each event when the next is asked for: the caller may stop at any.

        Raises:
            Gone: As `look`.
            OSError: The file can't be opened or read.
        """
        file, self.size = self._open()
        with file:
            self.truncated = False
            window = FileWindow(file)
            while True:
                if self._lost_from is not None and not self._find_frame(window):
                    break
                head = window.get(self.position, HEADER.size)
                if len(head) < HEADER.size:
                    self.truncated = len(head) > 0
                    break
                length, _ = HEADER.unpack(head)
                if not is_frame_header(head):
                    at = self.position
                    if at == self._expected_frame:
                        self.report_misplaced()
                        raise Gone(self.path)
                    self.position = recovery.begin_of_search(window, at, self._latest_frame)
                    self._lost_from, self._latest_frame = self.position, None
                    yield Problem(at, "framing", "Bytes are lost up to the next whole record.")
                    continue
                end = self.position + HEADER.size + length + CHECKSUM.size
                if end > self.size:
                    self.truncated = True
                    break
                event = self._event(window, self.position, length)
                self._latest_frame = self.position, length
                self.position = end
                if isinstance(event, CaptureEvent):
                    self.has_used_contents = True
                    self._latest_frame = None
                    self.position = end + event.contents.size
                    self._expected_frame = self.position
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
                data = read_fully(file, HEADER.size + length + CHECKSUM.size)
        except OSError as error:
            raise Gone(self.path) from error
        if len(data) < HEADER.size + length + CHECKSUM.size:
            raise Gone(self.path)
        if HEADER.unpack_from(data) != (length, masked_checksum(data[: LENGTH.size])):
            self.report_misplaced()
            raise Damaged(f"{self.name} at {offset}: the length fails its checksum")
        payload = data[HEADER.size : HEADER.size + length]
        if CHECKSUM.unpack_from(data, HEADER.size + length)[0] != masked_checksum(payload):
            raise Damaged(f"{self.name} at {offset}: the content fails its checksum")
        return payload

    def strings(self, offset: int, length: int, step: int, tag: str) -> list[bytes]:
        """The strings of one frame's tensor, verified: all that a picture or record holds.

        Raises:
            Gone: The file is not the one that was indexed.
            Damaged: A checksum fails, or it is no event of that step and tag.
        """
        payload = self.payload(offset, length)
        try:
            return _strings(payload, step, tag)
        except Damaged:
            self.report_misplaced()
            raise

    def _open(self) -> tuple[typing.BinaryIO, int]:
        """The file, if it is still the same, and its size."""
        file, status = self.source.open(self.path)
        try:
            self._identify(file, status)
        except BaseException:
            file.close()
            raise
        return file, status.size

    def _identify(self, file: typing.BinaryIO, status: FileStatus) -> None:
        head = read_fully(file, FILE_HEAD)
        known = self.identity
        if known is None or (
            # The head itself was still being written at the first look.
            len(known.head) < FILE_HEAD and len(head) > len(known.head) and self.position == 0
        ):
            self.identity = Identity(status.identity, head)
        elif (status.identity, head[: len(known.head)]) != (known.source, known.head):
            raise Gone(self.path)

    def _event(self, window: FileWindow, offset: int, length: int) -> Event | None:
        begin = offset + HEADER.size
        known = min(length, 1024)
        if _CONTENTS in window.get(begin, min(length, 64)) and length <= MAX_RECORD:
            known = length  # contents are read completely anyway
        while True:
            try:
                head = read_event_head(window.get(begin, known), length)
                break
            except MoreBytesNeeded:
                if known == length:
                    return Problem(offset, "record", _UNREADABLE)
                known = min(length, known * 8)
            except _MALFORMED:
                return Problem(offset, "record", _UNREADABLE)
        if head is None:
            return None
        if head.tag == schema.CONTENTS_TAG:
            return self._capture(window, offset, length, head) if self.use_contents else None
        if len(head.strings) >= _STRINGS_OF_PICTURE:
            return PictureEvent(head.step, head.wall_time, head.tag, offset, length)
        if schema.is_record_tag(head.tag) or schema.is_measures_tag(head.tag):
            return _record_or_table(window, offset, length, head)
        return None  # a scalar, or another plugin's

    def _capture(
        self, window: FileWindow, offset: int, length: int, head: EventHead
    ) -> CaptureEvent | None:
        """What contents list; None where they can't be used.

        That is no problem to report: the frames after them say the same.
        """
        if len(head.strings) != 2 or length > MAX_RECORD:
            return None
        data = window.get(offset + HEADER.size, length + CHECKSUM.size)
        if not is_whole(data, length):
            return None
        try:
            found = capture_table.decode(*(data[start : start + n] for start, n in head.strings))
        except ValueError:
            return None
        begin = offset + HEADER.size + length + CHECKSUM.size
        rest = self.size - begin - found.size
        if rest < 0:
            return None  # still being written, or cut
        if rest > 0:
            # Where bytes were lost or inserted, the last frame lies elsewhere.
            last, last_length = found.last
            last_head = window.get_only(begin + last, HEADER.size)
            next_head = window.get(begin + found.size, HEADER.size)
            if (
                not is_frame_header(last_head)
                or HEADER.unpack(last_head)[0] != last_length
                or not is_frame_header(next_head)
            ):
                return None
        return CaptureEvent(head.step, head.wall_time, begin, found)

    def _find_frame(self, window: FileWindow) -> bool:
        """Moves `position` to the next frame after damaged bytes, if there is one."""
        self.position, found = recovery.find_frame(window, self.position, self.size)
        if found:
            self._lost_from = None
        return found


def _record_or_table(
    window: FileWindow, offset: int, length: int, head: EventHead
) -> RecordEvent | TableEvent | Problem | None:
    """A record or measure table; None where a user's own summary has such a tag."""
    if length > MAX_RECORD:
        return Problem(offset, "record", "A record holds far too much.")
    data = window.get(offset + HEADER.size, length + CHECKSUM.size)
    if not is_whole(data, length):
        return Problem(offset, "checksum", "A record fails its checksum and is left out.")
    try:
        if plugin_name(data[:length]) != schema.PLUGIN_NAME:
            return None
    except _MALFORMED:
        return Problem(offset, "record", _UNREADABLE)
    if not head.strings:
        return Problem(offset, "record", "A record holds nothing.")
    start, size = head.strings[0]
    json = data[start : start + size]
    if schema.is_measures_tag(head.tag):
        try:
            table = schema.decode_measures(json)
        except ValueError as error:
            return Problem(offset, "record", f"{error}")
        return TableEvent(head.step, head.wall_time, head.tag, table, offset, length)
    return RecordEvent(
        step=head.step,
        wall_time=head.wall_time,
        tag=head.tag[_RECORD_TAG_PREFIX:],
        json=json,
        has_heat_map=len(head.strings) > 1,
        offset=offset,
        length=length,
    )


def _strings(payload: bytes, step: int, tag: str) -> list[bytes]:
    """The strings of the tensor in a verified payload.

    Raises:
        Damaged: It is no event of that step and tag.
    """
    try:
        head = read_event_head(payload, len(payload))
    except _MALFORMED as error:
        raise Damaged("the event can't be read") from error
    if head is None or (head.step, head.tag) != (step, tag):
        raise Damaged("another event lies in its place")
    return [payload[a : a + n] for a, n in head.strings]
