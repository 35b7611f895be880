"""Finding the next whole frame after damaged bytes."""

from __future__ import annotations

import re

from tensorboard_plugin.log.file_window import FileWindow
from tensorboard_plugin.log.frames import is_whole
from tensorboard_plugin.tfrecord import CHECKSUM, HEADER, LENGTH, masked_checksum

MAX_SEARCHED = 64 * 1024 * 1024
"""A frame beyond this is not searched for frames in it."""

_BLOCK = 1024 * 1024
# Frames are below 4 GiB: the upper half of a length is zero, the lower is not.
_MAYBE_LENGTH = re.compile(rb"(?=(?!\0{4})[\s\S]{4}\0{4})")


def begin_of_search(window: FileWindow, position: int, latest: tuple[int, int] | None) -> int:
    """Where to search first when no frame begins at ``position``.

    If the frame before it was cut short, the frames that follow it lie where its payload should.

    Args:
        window: The file.
        position: Where a frame should begin.
        latest: Offset and payload's length of the frame before it, if that was read.
    """
    if latest is None:
        return position + 1
    offset, length = latest
    if length > MAX_SEARCHED:
        return position + 1
    data = window.get(offset + HEADER.size, length + CHECKSUM.size)
    return position + 1 if is_whole(data, length) else offset + HEADER.size


def find_frame(window: FileWindow, position: int, size: int) -> tuple[int, bool]:
    """Searches for a frame.

    Args:
        window: The file.
        position: Where to begin.
        size: Size of the file.

    Returns:
        Where a frame begins and true, or where to go on when the file has grown and false.
    """
    begin = position
    while position + HEADER.size <= size:
        block = window.get(position, _BLOCK)
        if len(block) < HEADER.size:
            break
        for match in _MAYBE_LENGTH.finditer(block, 0, len(block) - 4):
            at = match.start()
            end = at + LENGTH.size
            if CHECKSUM.unpack_from(block, end)[0] == masked_checksum(block[at:end]):
                return position + at, True
        position += len(block) - HEADER.size + 1
    return max(begin, min(position, size)), False
