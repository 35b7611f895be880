from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tensorboard_plugin import tfrecord
from tensorboard_plugin.log import log_errors
from tensorboard_plugin.log.event_reader import EventReader
from tensorboard_plugin.log.log_events import Problem
from tests.helpers import synthetic_logs
from tests.helpers.small_log import frames_of, summary


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_costs_only_what_it_hits(
    small: synthetic_logs.Log, tmp_path: Path, data: st.DataObject
) -> None:
    whole = Path(small.path).read_bytes()
    frames = frames_of(whole)
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    path = tmp_path / "damaged.tfevents"
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
    reader = EventReader(str(path))
    found = [e for e in reader.read() if not isinstance(e, Problem)]
    hit = next(i for i, (start, n) in enumerate(frames) if start <= at < start + 16 + n)
    everything = [e for e in EventReader(small.path).read() if not isinstance(e, Problem)]
    spared = [e for e in everything if e.offset != frames[hit][0]]
    assert [e for e in found if e.offset != frames[hit][0]] == spared
    for event in found:
        if event.offset == frames[hit][0]:  # a picture: its bytes have not been read so far
            with pytest.raises(log_errors.Damaged, match="checksum"):
                reader.payload(event.offset, event.length)
    path.unlink()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=200), keep=st.integers(0, 400))
def test_any_bytes_are_survived(
    small: synthetic_logs.Log, tmp_path: Path, junk: bytes, keep: int
) -> None:
    whole = Path(small.path).read_bytes()
    path = tmp_path / "junk.tfevents"
    path.write_bytes(whole[:keep] + junk + whole)
    list(EventReader(str(path)).read())
    path.unlink()


def test_a_wrong_length_is_said_and_the_next_record_found(
    small: synthetic_logs.Log, tmp_path: Path
) -> None:
    whole = bytearray(Path(small.path).read_bytes())
    frames = frames_of(whole)
    whole[frames[3][0]] ^= 0xFF
    path = tmp_path / "events.tfevents"
    path.write_bytes(whole)
    problems = [e for e in EventReader(str(path)).read() if isinstance(e, Problem)]
    assert [(p.offset, p.kind) for p in problems] == [(frames[3][0], "framing")]


def test_lost_bytes_at_the_end_are_searched_on_when_the_file_grows(
    small: synthetic_logs.Log, tmp_path: Path
) -> None:
    whole = Path(small.path).read_bytes()
    path = tmp_path / "events.tfevents"
    path.write_bytes(b"\0" * 5000)  # what a crash of the machine may leave
    reader = EventReader(str(path))
    assert [type(e) for e in reader.read()] == [Problem]
    with path.open("ab") as file:
        file.write(whole)
    reader.look()
    assert summary(reader.read()) == summary(EventReader(small.path).read())


def test_a_record_directly_after_a_wrong_header_is_found(
    small: synthetic_logs.Log, tmp_path: Path
) -> None:
    data = Path(small.path).read_bytes()
    expected = summary(EventReader(small.path).read())
    # The head of a record of 24 bytes, whole by its checksum, and nothing of the record.
    length = struct.pack("<Q", 24)
    head = length + struct.pack("<I", tfrecord.masked_checksum(length))
    for at, _ in frames_of(data)[1:]:
        path = tmp_path / f"events.out.tfevents.{at}"
        path.write_bytes(data[:at] + head + data[at:])
        found = list(EventReader(str(path)).read())
        assert summary(e for e in found if not isinstance(e, Problem)) == expected
