"""Which summaries are written together, and which contents are written before them."""

import struct

import pytest

from keras_viz_callbacks.summary import chunk, framing, summaries
from keras_viz_callbacks.summary.chunk import Chunk
from tensorboard_plugin import capture_table, schema
from tensorboard_plugin.log.event_bytes import read_event_head
from tensorboard_plugin.tfrecord import FRAME_BYTES

HEAD = framing.event_head(3, 10.0)
LAYER = schema.Layer("conv", "Conv2D", 0, (4, 4, 8))
TABLE = schema.MeasureTable("t", layers=(LAYER,), measures={"dead_channels": (0.5,)})


def record(number):
    return schema.Record("t", f"t/{number}", 1, 1, kind="channels", measures={"m": number / 8})


def pair(number, size=3):
    one = record(number)
    return [summaries.record(one), summaries.image(one.tag, bytes(size), 1, 1)]


def filled(values):
    made = Chunk(3)
    for value in values:
        made.add(HEAD, value, 10.0)
    return made


def frames(made):
    """Payloads of the frames that are written."""
    data = b"".join(piece for part in made.parts() for piece in part)
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        found.append(data[at + 12 : at + 12 + length])
        at += FRAME_BYTES + length
    return found


def tags(made):
    return [read_event_head(payload, len(payload)).tag for payload in frames(made)]


def contents(made):
    payload = frames(made)[0]
    head = read_event_head(payload, len(payload))
    assert head.tag == schema.CONTENTS_TAG
    return capture_table.decode(*(payload[a : a + n] for a, n in head.strings))


def test_contents_come_before_records_and_pictures():
    made = filled([*pair(1), *pair(2)])
    expected = [schema.CONTENTS_TAG, "keras_viz/t/1", "t/1", "keras_viz/t/2", "t/2"]
    assert tags(made) == expected
    table = contents(made)
    assert [picture.tag for picture in table.pictures] == ["t/1", "t/2"]
    assert [table.measures_of(row) for row in table.rows] == [{"m": 1 / 8}, {"m": 2 / 8}]
    lengths = [len(payload) for payload in frames(made)[1:]]
    assert [(row.record_length, row.length) for row in table.rows] == [
        tuple(lengths[:2]),
        tuple(lengths[2:]),
    ]
    assert table.rows[1].offset == sum(lengths[:2]) + 2 * FRAME_BYTES
    assert table.size == made.size == sum(lengths) + 4 * FRAME_BYTES


def test_contents_list_measure_tables():
    made = filled([summaries.measures(TABLE), *pair(1), summaries.scalar("s", 1.0)])
    assert tags(made) == [
        schema.CONTENTS_TAG,
        schema.measures_tag("t"),
        "keras_viz/t/1",
        "t/1",
        "s",
    ]
    assert contents(made).tables == (TABLE,)


def test_numbers_without_pictures_have_no_contents():
    assert tags(filled([summaries.measures(TABLE)])) == [schema.measures_tag("t")]


@pytest.mark.parametrize(
    "values",
    [
        [pair(1)[1]],
        [pair(1)[0]],
        [pair(1)[0], pair(2)[1]],
        [pair(1)[0], summaries.scalar("s", 1.0), pair(1)[1]],
        [pair(1)[0], *pair(2)],
    ],
    ids=["picture", "record", "another's", "scalar between", "two records"],
)
def test_what_is_not_record_and_picture_in_turn_has_no_contents(values):
    made = filled([*pair(0), *values])
    assert tags(made)[0] != schema.CONTENTS_TAG
    assert len(frames(made)) == 2 + len(values)


def test_a_chunk_is_full_only_between_a_picture_and_the_next_record(monkeypatch):
    monkeypatch.setattr(chunk, "MOST_BYTES", 100)
    made = Chunk(3)
    assert not made.is_full
    first, picture = pair(1, size=1000)
    made.add(HEAD, first, 10.0)
    assert made.size > 100
    assert not made.is_full
    made.add(HEAD, picture, 10.0)
    assert made.is_full


def test_a_chunk_is_full_at_so_many_pictures(monkeypatch):
    monkeypatch.setattr(capture_table, "MOST_PICTURES", 2)
    assert not filled(pair(1)).is_full
    assert filled([*pair(1), *pair(2)]).is_full


def test_parts_are_no_larger_than_one_call_takes(monkeypatch):
    monkeypatch.setattr(chunk, "MOST_PIECES", 3)
    made = filled([summaries.scalar("s", 1.0)] * 7)
    assert [len(part) for part in made.parts()] == [3, 3, 1]
    monkeypatch.setattr(chunk, "MOST_PIECES", 1000)
    monkeypatch.setattr(chunk, "AT_ONCE", 1)
    assert [len(part) for part in made.parts()] == [1] * 7 + [0]
