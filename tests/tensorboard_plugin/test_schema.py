from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorboard_plugin import schema

texts = st.text(st.characters(codec="utf-8"), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
maybe = lambda strategy: st.none() | strategy  # noqa: E731
columns = st.lists(maybe(numbers), max_size=3).map(tuple)
scores = st.builds(schema.ClassScore, st.integers(0, 1000), texts, maybe(numbers))
records = st.builds(
    schema.Record,
    name=texts,
    tag=texts,
    kind=st.sampled_from(schema.KINDS),
    title=texts,
    item=maybe(texts),
    width=st.integers(0, 5000),
    height=st.integers(0, 5000),
    epoch=st.integers(0, 10**6),
    layer=maybe(
        st.builds(
            schema.Layer,
            texts,
            texts,
            st.integers(0, 99),
            st.lists(st.integers(1, 9), max_size=3).map(tuple),
        )
    ),
    label=maybe(scores),
    prediction=maybe(scores),
    grid=maybe(
        st.builds(
            schema.Grid,
            *[st.integers(1, 9)] * 5,
            items=st.lists(st.integers(0, 9), max_size=4).map(tuple),
        )
    ),
    value_range=maybe(st.tuples(numbers, numbers)),
    measures=st.dictionaries(texts, maybe(numbers), max_size=3),
    statistics=maybe(st.builds(schema.ChannelStatistics, minimum=columns, mean=columns)),
    blank=st.booleans(),
    note=maybe(texts),
    metrics=st.dictionaries(texts, maybe(numbers), max_size=3),
)


@settings(deadline=None, max_examples=60)
@given(records)
def test_a_record_comes_back_as_it_was(record: schema.Record) -> None:
    assert schema.decode_record(schema.encode_record(record)) == record


def test_fields_of_a_later_version_are_passed_over() -> None:
    data = {"name": "t", "tag": "g", "width": 1, "height": 2, "version": 9, "new": [1]}
    for kind in ("sound", 3, []):
        content = json.dumps({**data, "kind": kind}).encode()
        assert schema.decode_record(content) == schema.Record("t", "g", 1, 2, version=9)
    table = {"name": "t", "measures": {}, "version": 9, "new": [1]}
    assert schema.decode_measures(json.dumps(table).encode()) == schema.MeasureTable("t", version=9)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"3",
        b"null",
        b"{}",
        b'{"name":1,"tag":"g","width":1,"height":2}',
        b'{"version":1,"technique":1,"tag":"g","width":1,"height":2}',
        b'{"version":1,"technique":[],"tag":"g","width":1,"height":2}',
        b'{"name":"t","tag":"g","width":1,"height":2,"grid":[]}',
        b'{"name":"t","tag":"g","width":1,"height":2,"metrics":[1]}',
        b'{"name":"t","tag":"g","width":1,"height":2,"measures":{"m":"1"}}',
        b'{"name":"t","tag":"g","width":1,"height":2,"value_range":[1]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_record_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        schema.decode_record(data)


layers = st.builds(schema.Layer, texts, texts, st.integers(0, 99), st.just((3, 4, 5)))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_measure_table_comes_back_as_it_was(data: st.DataObject) -> None:
    shown = data.draw(st.lists(layers, max_size=3).map(tuple))
    column = st.lists(maybe(numbers), min_size=len(shown), max_size=len(shown)).map(tuple)
    table = schema.MeasureTable(
        data.draw(texts),
        data.draw(st.integers(0, 9)),
        data.draw(st.integers(0, 9)),
        shown,
        data.draw(st.dictionaries(texts, column, max_size=3)),
        data.draw(st.dictionaries(texts, maybe(numbers), max_size=3)),
    )
    assert schema.decode_measures(schema.encode_measures(table)) == table
    inside = json.loads(json.dumps(json.loads(schema.encode_measures(table))))
    assert schema.measures_of(inside) == table


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{}", "missing 1 required positional argument: 'name'"),
        (b"[]", r"an object was expected, not \[\]"),
        (b'{"name":"t","measures":{"m":[1.0]}}', "'m' has 1 numbers for 0 layers"),
    ],
)
def test_what_is_no_measure_table_is_a_value_error(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"Not a MeasureTable of keras_viz: .*{reason}"):
        schema.decode_measures(data)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("keras_viz", True),
        ("keras_viz-2", True),
        ("keras_viz-", False),
        ("keras_viz2", False),
        ("my_keras_viz", False),
        ("keras_viz-2\n", False),
    ],
)
def test_run_names(name: str, ours: bool) -> None:
    assert schema.is_run_name(name) is ours


def test_trainings_are_numbered_from_a_name_without_number() -> None:
    assert [schema.numbered_run_name(n) for n in (1, 2, 10)] == [
        "keras_viz",
        "keras_viz-2",
        "keras_viz-10",
    ]


def test_tags_leave_out_what_a_picture_has_not() -> None:
    assert schema.picture_tag("activations", "a/b", "image_0") == "activations/a/b/image_0"
    assert schema.picture_tag("filters", "a/b") == "filters/a/b"
    assert schema.picture_tag("images", None, "x") == "images/x"
    assert schema.record_tag("filters/a") == "keras_viz/filters/a"
    assert schema.is_record_tag("keras_viz/filters/a")
    assert not schema.is_record_tag("filters/a")
    assert not schema.is_record_tag(schema.CONTENTS_TAG)


def test_a_scalar_has_the_name_of_its_callback_unless_it_is_the_default_one() -> None:
    assert schema.scalar_tag("dead_channels", "a/b") == "dead_channels/a/b"
    assert schema.scalar_tag("dead_channels", "a/b", "early") == "dead_channels/early/a/b"
    assert schema.measures_tag("early") == "keras_viz_measures/early"
    assert schema.is_measures_tag("keras_viz_measures/early")
    assert not schema.is_measures_tag("keras_viz/early")
    assert not schema.is_record_tag("keras_viz_measures/early")


def test_the_cells_of_a_grid_and_its_picture() -> None:
    grid = schema.Grid(
        columns=3, rows=2, cell_width=10, cell_height=4, gap=2, items=tuple(range(5))
    )
    assert grid.size == (2 + 2 * 6, 2 + 3 * 12)
    assert [grid.corner(i) for i in range(5)] == [(2, 2), (2, 14), (2, 26), (8, 2), (8, 14)]


def test_a_range_below_zero_is_signed() -> None:
    record = schema.Record("t", "t/a", 1, 1)
    ranges = [None, (0.0, 1.0), (-1.0, 1.0), (0.0, 0.0), (0.5, 1.0)]
    signed = [dataclasses.replace(record, value_range=each).is_signed for each in ranges]
    assert signed == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("log_dir", "path"),
    [
        ("logs/run1", "logs/run1"),
        ("/logs/s3://x", "/logs/s3://x"),
        ("C:/logs", "C:/logs"),
        ("file:///logs/a b%20c", "/logs/a b%20c"),
        ("local:///logs", "/logs"),
        ("s3://bucket/logs", None),
        ("memory://logs", None),
        ("simplecache::s3://bucket/logs", None),
        ("abfs+x.y-1://logs", None),
    ],
)
def test_which_log_directories_are_on_this_machine(log_dir: str, path: str | None) -> None:
    assert schema.local_path(log_dir) == path


def test_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("USERPROFILE", "/home/somebody")
    assert schema.local_path("~/logs") == "/home/somebody/logs"


def test_a_record_keeps_the_name_of_version_1_for_its_name() -> None:
    record = schema.Record(name="grad_cam", tag="grad_cam/conv/image_0", width=1, height=1)
    assert record.technique == record.name == "grad_cam"
    assert "technique" not in json.loads(schema.encode_record(record))
