from __future__ import annotations

import os
import struct
import typing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2

from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema
from tensorboard_plugin.log import event_bytes, event_reader
from tensorboard_plugin.log.event_reader import (
    EventReader,
    PictureEvent,
    Problem,
    RecordEvent,
    TableEvent,
)
from tests.helpers import synthetic_logs

SMALL = synthetic_logs.Spec(epochs=2, layers=1, images=1, channels=2, cell=4, size=8)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> synthetic_logs.Log:
    """A log without contents: what is done where nothing tells what comes."""
    made = synthetic_logs.write(str(tmp_path_factory.mktemp("small")), SMALL)
    path = Path(made.path)
    path.write_bytes(synthetic_logs.without_contents(path.read_bytes()))
    return made


def frames_of(data: bytes) -> list[tuple[int, int]]:
    """Offset and payload length of every frame."""
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        found.append((at, length))
        at += 16 + length
    return found


def summary(found: typing.Iterable[event_reader.Event]) -> list[tuple[str, str, int]]:
    return [
        (type(e).__name__, "" if isinstance(e, Problem) else e.tag, getattr(e, "step", 0))
        for e in found
    ]


def test_every_record_and_picture_is_found_with_its_content(log: synthetic_logs.Log) -> None:
    reader = EventReader(log.path, believes=False)
    records: dict[tuple[str, int], RecordEvent] = {}
    found: dict[tuple[str, int], PictureEvent] = {}
    for event in reader.read():
        if isinstance(event, TableEvent):
            continue
        assert isinstance(event, RecordEvent | PictureEvent)
        (records if isinstance(event, RecordEvent) else found)[event.tag, event.step] = event  # type: ignore[assignment]
    assert list(found) == list(records) == list(log.pictures)
    for key, written in log.pictures.items():
        picture, record = found[key], records[key]
        payload = reader.payload(picture.offset, picture.length)
        assert event_reader.strings(payload, picture.step, picture.tag)[2] == written.png
        assert event_reader.strings(payload, picture.step, picture.tag)[2] == written.png
        assert record.json == schema.encode_record(written.record)
        assert record.has_heat_map == (written.heat_map is not None)
        payload = reader.payload(record.offset, record.length)
        expected = [record.json] + ([written.heat_map] if written.heat_map else [])
        tag = schema.record_tag(record.tag)
        assert event_reader.strings(payload, record.step, tag) == expected
    assert reader.progress == (os.path.getsize(log.path),) * 2


def test_pictures_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = event_file.EventFile(str(tmp_path))
    record = schema.Record("activations", "activations/a", 9, 9)
    for step in range(20):
        png = os.urandom(300_000)
        file.write(step, [summaries.record(record), summaries.image("activations/a", png, 9, 9)])
    file.close()
    count = 0
    original = event_reader._read

    def counted(source: typing.Any, length: int) -> bytes:
        nonlocal count
        data = original(source, length)
        count += len(data)
        return data

    monkeypatch.setattr(event_reader, "_read", counted)
    reader = EventReader(typing.cast(str, next(tmp_path.iterdir())), believes=False)
    assert len(list(reader.read())) == 40
    assert count < 0.1 * reader.size


@pytest.mark.parametrize("length", [1, 127, 128, 10_000, 40_000])
def test_tags_of_any_length(tmp_path: Path, length: int) -> None:
    tag = "é" * (length // 2) + "x" * (length % 2)
    file = event_file.EventFile(str(tmp_path))
    file.write(
        3, [summaries.record(schema.Record("t", tag, 1, 1)), summaries.image(tag, b"p", 1, 1)]
    )
    file.close()
    (path,) = tmp_path.iterdir()
    assert summary(EventReader(str(path), believes=False).read()) == [
        ("RecordEvent", tag, 3),
        ("PictureEvent", tag, 3),
    ]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_growing_file_is_read_once_whatever_the_pieces(
    small: synthetic_logs.Log, tmp_path: Path, data: st.DataObject
) -> None:
    whole = Path(small.path).read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    path = tmp_path / "growing.tfevents"
    path.write_bytes(b"")
    reader = EventReader(str(path))
    found: list[tuple[str, str, int]] = []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        with path.open("ab") as file:
            file.write(whole[start:end])
        reader.look()
        found += summary(reader.read())
        assert reader.progress[0] == reader.progress[1], "a partial frame counts as not there"
        boundary = {offset for offset, _ in frames_of(whole)} | {len(whole)}
        assert reader.truncated == (end not in boundary)
    path.unlink()
    assert found == summary(EventReader(small.path).read())


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
        if event.offset == frames[hit][0]:  # a picture: nobody has looked at its bytes so far
            with pytest.raises(event_reader.Damaged, match="checksum"):
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


def test_a_damaged_record_is_said(small: synthetic_logs.Log, tmp_path: Path) -> None:
    whole = bytearray(Path(small.path).read_bytes())
    offset, length = frames_of(whole)[1]
    whole[offset + 12 + length - 3] ^= 1
    path = tmp_path / "events.tfevents"
    path.write_bytes(whole)
    problems = [e for e in EventReader(str(path)).read() if isinstance(e, Problem)]
    assert [(p.offset, p.kind) for p in problems] == [(offset, "checksum")]


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


def test_a_file_that_is_not_the_same_any_more_is_gone(
    small: synthetic_logs.Log, tmp_path: Path
) -> None:
    whole = Path(small.path).read_bytes()
    path = tmp_path / "events.tfevents"
    path.write_bytes(whole)
    reader = EventReader(str(path))
    found = list(reader.read())
    picture = next(e for e in found if isinstance(e, PictureEvent))

    path.write_bytes(whole[:-40])
    with pytest.raises(event_reader.Gone):
        reader.look()
    other = tmp_path / "other"
    other.write_bytes(whole)
    other.replace(path)
    with pytest.raises(event_reader.Gone):
        reader.look()
    with pytest.raises(event_reader.Gone):
        reader.payload(picture.offset, picture.length)
    path.unlink()
    with pytest.raises(event_reader.Gone):
        reader.look()
    path.symlink_to(small.path)
    with pytest.raises(event_reader.Gone):
        reader.look()
    with pytest.raises((event_reader.Gone, OSError)):
        list(EventReader(str(path)).read())


def test_content_rewritten_in_place_is_gone(small: synthetic_logs.Log, tmp_path: Path) -> None:
    other = synthetic_logs.write(str(tmp_path / "other"), SMALL)
    path = tmp_path / "events.tfevents"
    path.write_bytes(Path(small.path).read_bytes())
    reader = EventReader(str(path))
    list(reader.read())
    with path.open("r+b") as file:  # the same inode, and longer
        file.write(Path(other.path).read_bytes() * 2)
    with pytest.raises(event_reader.Gone):
        list(reader.read())


@settings(max_examples=60)
@given(
    step=st.integers(-(2**63), 2**63 - 1),
    wall_time=st.floats(allow_nan=False),
    tag=st.text(st.characters(codec="utf-8"), max_size=300),
    png=st.binary(max_size=300),
    known=st.integers(0, 700),
)
def test_peeking_agrees_with_protocol_buffers(
    step: int, wall_time: float, tag: str, png: bytes, known: int
) -> None:
    value = summaries.image(tag, png, 3, 4)
    event = event_pb2.Event(step=step, wall_time=wall_time)
    event.summary.value.add().MergeFromString(b"".join(value[:3]))
    data = event.SerializeToString()
    try:
        peek = event_bytes.peek(data[:known], len(data))
    except event_bytes.BeyondError:
        # Without a tag it is looked for behind the picture; else nothing there is needed.
        assert known < len(data) - (len(png) if tag else 0)
        return
    assert peek is not None or not tag  # an empty tag is not written at all
    if peek is not None:
        strings = [data[a : a + n] for a, n in peek.strings]
        assert (peek.step, peek.wall_time, peek.tag) == (step, wall_time, tag)
        assert strings[:2] == [b"3", b"4"]
        assert peek.strings[2][1] == len(png)


def test_a_whole_record_right_behind_a_header_that_lies_is_found(
    small: synthetic_logs.Log, tmp_path: Path
) -> None:
    data = Path(small.path).read_bytes()
    expected = summary(EventReader(small.path).read())
    # The head of a record of 24 bytes, whole by its checksum, and nothing of the record.
    length = struct.pack("<Q", 24)
    head = length + struct.pack("<I", event_reader.masked_checksum(length))
    for at, _ in frames_of(data)[1:]:
        path = tmp_path / f"events.out.tfevents.{at}"
        path.write_bytes(data[:at] + head + data[at:])
        found = list(EventReader(str(path)).read())
        assert summary(e for e in found if not isinstance(e, Problem)) == expected
