"""The frames of an event file, which is a TFRecord file: what writer and reader both need.

A frame is the payload's length (8 bytes), the checksum of these bytes, the payload, and the
payload's checksum, all little-endian.
"""

from __future__ import annotations

import struct

import google_crc32c

LENGTH = struct.Struct("<Q")
"""The length alone, of which the header has a checksum."""

HEADER = struct.Struct("<QI")
"""The bytes before the payload: its length, and the length's checksum."""

CHECKSUM = struct.Struct("<I")
"""The bytes after the payload."""

FRAME_BYTES = HEADER.size + CHECKSUM.size
"""Bytes of a frame that are not its payload."""


def masked(checksum: int) -> int:
    """A CRC-32C as a TFRecord has it: rotated, and offset by a constant."""
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def masked_checksum(data: bytes) -> int:
    """The masked CRC-32C of these bytes."""
    return masked(google_crc32c.value(data))


def header(length: int) -> bytes:
    """The bytes before a payload of that length."""
    return HEADER.pack(length, masked_checksum(LENGTH.pack(length)))
