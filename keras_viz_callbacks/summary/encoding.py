"""Protocol buffers that are encoded by hand, because a message would copy the picture in it."""

from __future__ import annotations


def field_head(number: int, length: int) -> bytes:
    """The bytes before those of a string, of bytes or of a message.

    Args:
        number: Number of the field, below 16.
        length: Number of bytes that follow.
    """
    return bytes((number << 3 | 2,)) + varint(length)


def varint(number: int) -> bytes:
    """A number that is not negative, seven bits in a byte, the lowest bits first."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 127 | 128, number >> 7))
    if number < 0x200000:
        return bytes((number & 127 | 128, number >> 7 & 127 | 128, number >> 14))
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)
