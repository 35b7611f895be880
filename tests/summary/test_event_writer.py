"""What all writers of events share, by one that keeps in memory what it is given."""

import re
import time

import pytest

from keras_viz_callbacks.summary import chunk, event_writer, summaries
from keras_viz_callbacks.summary.event_writer import EventWriter, file_name


class Memory(EventWriter):
    """Keeps the pieces of each chunk."""

    def __init__(self):
        super().__init__()
        self.chunks = []

    def append(self, parts):
        self.chunks.append([piece for part in parts for piece in part])

    def flush(self):
        self.write_chunk()

    def claim(self):
        return True

    def close(self):
        self.write_chunk()


def scalars(number=1):
    return [summaries.scalar("a", 0.0)] * number


def test_nothing_is_written_before_the_end_of_the_capture():
    writer = Memory()
    assert writer.unwritten == 0
    writer.write(1, scalars(2))
    writer.write(1, scalars())
    assert writer.chunks == []
    assert writer.unwritten > 0
    writer.flush()
    assert [len(pieces) for pieces in writer.chunks] == [3]
    assert writer.unwritten == 0
    writer.flush()
    assert len(writer.chunks) == 1


def test_another_step_is_another_chunk():
    writer = Memory()
    writer.write(1, scalars())
    writer.write(2, scalars(2))
    assert [len(pieces) for pieces in writer.chunks] == [1]
    writer.flush()
    assert [len(pieces) for pieces in writer.chunks] == [1, 2]


def test_a_long_capture_is_written_in_parts(monkeypatch):
    monkeypatch.setattr(chunk, "MOST_BYTES", 100)
    writer = Memory()
    writer.write(1, scalars(10))
    assert len(writer.chunks) > 1
    assert writer.unwritten < 200


def test_what_could_not_be_written_is_lost_and_the_next_capture_is_not(monkeypatch):
    writer = Memory()
    writer.write(1, scalars())
    with monkeypatch.context() as patch:
        patch.setattr(Memory, "append", lambda *_: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            writer.flush()
    assert writer.unwritten == 0
    writer.write(2, scalars(2))
    writer.flush()
    assert [len(pieces) for pieces in writer.chunks] == [2]


def test_names_of_files_sort_in_the_order_of_writing(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.5)
    monkeypatch.setattr(event_writer.socket, "gethostname", lambda: "host")
    first = file_name([])
    assert re.fullmatch(r"events\.out\.tfevents\.1700000000\.host\.\d+\.\d+", first)
    second = file_name([first, "notes.txt"])
    assert second > first
    future = "events.out.tfevents.1900000000.other.1.0"
    assert file_name([first, future]) > future
