from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema
from tensorboard_plugin.log import log_errors
from tensorboard_plugin.log.event_reader import EventReader
from tensorboard_plugin.log.log_events import PictureEvent, Problem, RecordEvent, TableEvent
from tests.helpers import synthetic_logs
from tests.helpers.counted_reads import CountingSource
from tests.helpers.small_log import SMALL, frames_of, summary


def test_every_record_and_picture_is_found_with_its_content(log: synthetic_logs.Log) -> None:
    reader = EventReader(log.path, use_contents=False)
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
        strings = reader.strings(picture.offset, picture.length, picture.step, picture.tag)
        assert strings[2] == written.png
        assert record.json == schema.encode_record(written.record)
        assert record.has_heat_map == (written.heat_map is not None)
        expected = [record.json] + ([written.heat_map] if written.heat_map else [])
        tag = schema.record_tag(record.tag)
        assert reader.strings(record.offset, record.length, record.step, tag) == expected
    assert reader.progress == (os.path.getsize(log.path),) * 2


def test_pictures_are_not_read(tmp_path: Path) -> None:
    file = event_file.EventFile(str(tmp_path))
    record = schema.Record("activations", "activations/a", 9, 9)
    for step in range(20):
        png = os.urandom(300_000)
        file.write(step, [summaries.record(record), summaries.image("activations/a", png, 9, 9)])
    file.close()
    source = CountingSource(str(tmp_path))
    reader = EventReader(str(next(tmp_path.iterdir())), source, use_contents=False)
    assert len(list(reader.read())) == 40
    _, count = source.take()
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
    assert summary(EventReader(str(path), use_contents=False).read()) == [
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


def test_a_damaged_record_is_said(small: synthetic_logs.Log, tmp_path: Path) -> None:
    whole = bytearray(Path(small.path).read_bytes())
    offset, length = frames_of(whole)[1]
    whole[offset + 12 + length - 3] ^= 1
    path = tmp_path / "events.tfevents"
    path.write_bytes(whole)
    problems = [e for e in EventReader(str(path)).read() if isinstance(e, Problem)]
    assert [(p.offset, p.kind) for p in problems] == [(offset, "checksum")]


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
    with pytest.raises(log_errors.Gone):
        reader.look()
    other = tmp_path / "other"
    other.write_bytes(whole)
    other.replace(path)
    with pytest.raises(log_errors.Gone):
        reader.look()
    with pytest.raises(log_errors.Gone):
        reader.payload(picture.offset, picture.length)
    path.unlink()
    with pytest.raises(log_errors.Gone):
        reader.look()
    path.symlink_to(small.path)
    with pytest.raises(log_errors.Gone):
        reader.look()
    with pytest.raises((log_errors.Gone, OSError)):
        list(EventReader(str(path)).read())


def test_content_rewritten_in_place_is_gone(small: synthetic_logs.Log, tmp_path: Path) -> None:
    other = synthetic_logs.write(str(tmp_path / "other"), SMALL)
    path = tmp_path / "events.tfevents"
    path.write_bytes(Path(small.path).read_bytes())
    reader = EventReader(str(path))
    list(reader.read())
    with path.open("r+b") as file:  # the same inode, and longer
        file.write(Path(other.path).read_bytes() * 2)
    with pytest.raises(log_errors.Gone):
        list(reader.read())
