import errno
import os
import shutil

import pytest
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto import event_pb2

from keras_viz_callbacks.summary import summaries
from keras_viz_callbacks.summary.event_file import EventFile, masked_checksum


def steps(path):
    events = [event_pb2.Event.FromString(raw) for raw in RawEventFileLoader(str(path)).Load()]
    return [event.step for event in events if event.HasField("summary")]


def scalar(value=0.0):
    return [summaries.scalar("a", value)]


def test_nothing_is_made_before_the_first_event(tmp_path):
    EventFile(str(tmp_path / "run")).close()
    assert not (tmp_path / "run").exists()


def test_what_was_written_is_on_disk_without_close(tmp_path):
    file = EventFile(str(tmp_path))
    file.write(1, scalar())
    assert steps(file.path) == [1]
    file.write(2, scalar())
    assert steps(file.path) == [1, 2]


def test_the_checksum_is_the_one_of_the_format():
    # CRC-32C of "123456789" is 0xE3069283 (RFC 3720); masked by the rule of TFRecord.
    crc = 0xE3069283
    expected = (((crc >> 15) | (crc << 17 & 0xFFFFFFFF)) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked_checksum(b"123456789") == expected


def test_a_later_file_sorts_behind_every_earlier_one(tmp_path):
    future = tmp_path / "events.out.tfevents.9000000000.host.1.0"
    future.write_bytes(b"")
    file = EventFile(str(tmp_path))
    file.write(1, scalar())
    assert sorted(os.listdir(tmp_path))[-1] == os.path.basename(file.path)


def test_a_failed_write_leaves_whole_records_only(tmp_path, monkeypatch):
    file = EventFile(str(tmp_path))
    file.write(1, scalar())
    real = os.write

    def half(descriptor, data):
        monkeypatch.setattr(os, "write", full)
        return real(descriptor, data[: len(data) // 2])

    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space left"):
        file.write(2, scalar())
    monkeypatch.setattr(os, "write", real)
    file.write(3, scalar())
    assert steps(file.path) == [1, 3]


def test_a_write_in_parts_is_finished(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    file = EventFile(str(tmp_path))
    file.write(1, scalar())
    assert steps(file.path) == [1]


def test_a_directory_that_vanishes_is_made_again(tmp_path):
    file = EventFile(str(tmp_path / "run"))
    file.write(1, scalar())
    shutil.rmtree(tmp_path / "run")
    file.write(2, scalar())
    assert steps(file.path) == [2]
