from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_viz_callbacks.render import colors
from tensorboard_plugin import schema

texts = st.text(st.characters(codec="utf-8"), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
maybe = lambda strategy: st.none() | strategy  # noqa: E731
columns = st.lists(maybe(numbers), max_size=3).map(tuple)
scores = st.builds(schema.ClassScore, st.integers(0, 1000), texts, maybe(numbers))
records = st.builds(
    schema.Record,
    technique=texts,
    tag=texts,
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
    dead_fraction=maybe(numbers),
    statistics=maybe(st.builds(schema.ChannelStatistics, minimum=columns, mean=columns)),
    blank=st.booleans(),
    note=maybe(texts),
    metrics=st.dictionaries(texts, maybe(numbers), max_size=3),
)


@settings(max_examples=60)
@given(records)
def test_a_record_comes_back_as_it_was(record: schema.Record) -> None:
    assert schema.decode_record(schema.encode_record(record)) == record


def test_fields_of_a_later_version_are_passed_over() -> None:
    data = {"technique": "t", "tag": "g", "width": 1, "height": 2, "version": 9, "new": [1]}
    assert schema.decode_record(json.dumps(data).encode()) == schema.Record(
        "t", "g", 1, 2, version=9
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"3",
        b"null",
        b"{}",
        b'{"technique":1,"tag":"g","width":1,"height":2}',
        b'{"technique":"t","tag":"g","width":1,"height":2,"grid":[]}',
        b'{"technique":"t","tag":"g","width":1,"height":2,"metrics":[1]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_record_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        schema.decode_record(data)


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


def test_the_palette_is_the_writers() -> None:
    assert schema.PALETTE_LEVELS == colors.LEVELS
    assert (schema.PALETTE_NOT_FINITE, schema.PALETTE_BLANK, schema.PALETTE_GAP) == (
        colors.NOT_FINITE,
        colors.BLANK,
        colors.GAP,
    )


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
