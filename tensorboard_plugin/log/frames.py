"""Frames of a TFRecord file: length (8 bytes), its checksum, payload, its checksum."""

from __future__ import annotations

import struct

import google_crc32c

HEADER = struct.Struct("<QI")
CHECKSUM = struct.Struct("<I")

MAX_FRAME = 1 << 31
"""Protocol buffers are shorter: a frame with a greater length is damaged."""


def is_frame_header(head: bytes) -> bool:
    """Whether a frame may begin with these bytes."""
    if len(head) < HEADER.size:
        return False
    length, checksum = HEADER.unpack(head)
    return bool(checksum == masked_checksum(head[:8])) and length < MAX_FRAME


def is_whole(data: bytes, length: int) -> bool:
    """Whether the first ``length`` bytes have the checksum that follows them."""
    checksum: int = CHECKSUM.unpack_from(data, length)[0]
    return checksum == masked_checksum(data[:length])


def masked_checksum(data: bytes) -> int:
    """CRC-32C, rotated and offset as TFRecord defines it."""
    checksum: int = google_crc32c.value(data)
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF
