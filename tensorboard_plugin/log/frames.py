"""What a reader checks of the frames that `tensorboard_plugin.tfrecord` describes."""

from __future__ import annotations

from tensorboard_plugin.tfrecord import CHECKSUM, HEADER, LENGTH, masked_checksum

MAX_FRAME = 1 << 31
"""Protocol buffers are shorter: a frame with a greater length is damaged."""


def is_frame_header(head: bytes) -> bool:
    """Whether a frame may begin with these bytes."""
    if len(head) < HEADER.size:
        return False
    length, checksum = HEADER.unpack(head)
    return bool(checksum == masked_checksum(head[: LENGTH.size])) and length < MAX_FRAME


def is_whole(data: bytes, length: int) -> bool:
    """Whether the first ``length`` bytes have the checksum that follows them."""
    checksum: int = CHECKSUM.unpack_from(data, length)[0]
    return checksum == masked_checksum(data[:length])
