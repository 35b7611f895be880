from __future__ import annotations

import struct

import pytest
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow

from tensorboard_plugin.log.frames import MAX_FRAME, is_frame_header, is_whole


def header(length: int) -> bytes:
    """The bytes before a payload, with TensorBoard's own checksum."""
    encoded = struct.pack("<Q", length)
    return encoded + struct.pack("<I", pywrap_tensorflow.masked_crc32c(encoded))


@pytest.mark.parametrize("length", [0, 1, 255, MAX_FRAME - 1])
def test_a_header_is_recognised_by_its_checksum(length: int) -> None:
    head = header(length)
    assert is_frame_header(head)
    for bit in range(8 * len(head)):
        damaged = bytearray(head)
        damaged[bit // 8] ^= 1 << bit % 8
        assert not is_frame_header(bytes(damaged))


@pytest.mark.parametrize("length", [MAX_FRAME, (1 << 64) - 1])
def test_no_frame_is_longer_than_a_protocol_buffer(length: int) -> None:
    assert not is_frame_header(header(length))


def test_a_header_that_is_cut_is_none() -> None:
    assert not any(is_frame_header(header(5)[:n]) for n in range(12))


def test_a_payload_is_whole_with_its_checksum() -> None:
    payload = b"some bytes"
    data = payload + struct.pack("<I", pywrap_tensorflow.masked_crc32c(payload))
    assert is_whole(data + b"more", len(payload))
    assert not is_whole(b"S" + data[1:], len(payload))
