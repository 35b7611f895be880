"""Frames, by their description and as TensorBoard's loader reads them."""

from __future__ import annotations

import struct
from pathlib import Path

import google_crc32c
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader

from tensorboard_plugin import tfrecord


def test_the_checksum_is_the_one_of_the_format() -> None:
    # CRC-32C of "123456789" is 0xE3069283 (RFC 3720); masked by the rule of TFRecord.
    crc = 0xE3069283
    expected = (((crc >> 15) | (crc << 17 & 0xFFFFFFFF)) + 0xA282EAD8) & 0xFFFFFFFF
    assert tfrecord.masked(google_crc32c.value(b"123456789")) == expected
    assert tfrecord.masked_checksum(b"123456789") == expected


def test_a_header_is_the_length_and_its_checksum() -> None:
    header = tfrecord.header(0x1234567890)
    assert header[:8] == struct.pack("<Q", 0x1234567890)
    assert tfrecord.HEADER.unpack(header) == (0x1234567890, tfrecord.masked_checksum(header[:8]))


def test_tensorboard_reads_a_frame(tmp_path: Path) -> None:
    payloads = [b"", b"x", bytes(range(256)) * 300]
    frames = [
        tfrecord.header(len(p)) + p + tfrecord.CHECKSUM.pack(tfrecord.masked_checksum(p))
        for p in payloads
    ]
    lengths = [len(frame) - len(p) for frame, p in zip(frames, payloads, strict=True)]
    assert lengths == [tfrecord.FRAME_BYTES] * 3
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(frames))
    assert list(RawEventFileLoader(str(path)).Load()) == payloads
