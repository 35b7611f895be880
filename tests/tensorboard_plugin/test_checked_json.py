"""Dataclasses as JSON and back, and what is taken from JSON that anybody may have written."""

from __future__ import annotations

import math
import typing
from dataclasses import dataclass, field

import pytest

from tensorboard_plugin import checked_json


@dataclass(frozen=True)
class Part:
    size: float
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Whole:
    part: Part
    kind: typing.Literal["a", "b"] = "a"
    range: tuple[float, float] | None = None
    numbers: dict[str, float | None] = field(default_factory=dict)
    is_new: bool = False


def test_fields_at_their_defaults_are_left_out() -> None:
    assert checked_json.encode(Whole(Part(1.5))) == b'{"part":{"size":1.5}}'
    whole = Whole(Part(2.0, ("x",)), "b", (0.0, 1.0), {"m": None}, True)
    assert checked_json.encode([whole]) == (
        b'[{"part":{"size":2.0,"names":["x"]},"kind":"b","range":[0.0,1.0],'
        b'"numbers":{"m":null},"is_new":true}]'
    )
    assert checked_json.changed_fields(Whole(Part(1.0), is_new=True)) == {
        "part": Part(1.0),
        "is_new": True,
    }


def test_text_is_utf_8_and_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert checked_json.encode("é\ud800") == '"é?"'.encode()


def test_a_number_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        checked_json.encode(Part(math.nan))


def test_what_was_encoded_is_built_again() -> None:
    content = {"part": {"size": 1, "names": ["x"]}, "range": [0, 1], "numbers": {"m": None}}
    whole = checked_json.build(Whole, content)
    assert whole == Whole(Part(1.0, ("x",)), "a", (0.0, 1.0), {"m": None})
    assert isinstance(whole.part.size, float)


def test_fields_that_the_dataclass_has_not_are_left_out() -> None:
    content = {"part": {"size": 1.0, "later": 3}, "later": []}
    assert checked_json.build(Whole, content) == Whole(Part(1.0))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], "an object was expected, not []"),
        ({"part": {"size": "1"}}, "float was expected, not '1'"),
        ({"part": {"size": 1.0, "names": "x"}}, "a list was expected, not 'x'"),
        ({"part": {"size": 1.0}, "kind": "c"}, "one of ('a', 'b') was expected, not 'c'"),
        ({"part": {"size": 1.0}, "kind": []}, "one of ('a', 'b') was expected, not []"),
        ({"part": {"size": 1.0}, "range": [1.0]}, "2 values were expected, not [1.0]"),
        ({"part": {"size": 1.0}, "numbers": [1]}, "an object was expected, not [1]"),
        ({"part": {"size": 1.0}, "is_new": 1}, "bool was expected, not 1"),
    ],
)
def test_a_value_of_another_type_is_an_error(content: typing.Any, reason: str) -> None:
    with pytest.raises(TypeError) as raised:
        checked_json.build(Whole, content)
    assert str(raised.value) == reason


def test_layers() -> None:
    layer = {"path": "a", "class_name": "A", "index": 1, "shape": [2, 3]}
    assert checked_json.checked_layer(layer) == layer
    assert checked_json.checked_layer({"path": "a", "index": 1.5, "shape": ["x", 2]}) == {
        "path": "a",
        "class_name": "",
        "index": 0,
        "shape": [0, 2],
    }
    for none in (None, [], "a", {}, {"path": 3}):
        assert checked_json.checked_layer(none) is None


def test_classes() -> None:
    assert checked_json.checked_score({"index": 1, "name": "x", "probability": 0.5}) == {
        "index": 1,
        "name": "x",
        "probability": 0.5,
    }
    assert checked_json.checked_score({"index": 1, "name": 3}) == {"index": 1, "name": "1"}
    for none in (None, [], {}, {"index": -1}, {"index": 1 << 31}, {"index": True}):
        assert checked_json.checked_score(none) is None


def test_measures() -> None:
    content = {"a": 1, "b": 0.5, "c": None, "d": "1", "e": math.inf, "f": math.nan, "g": True}
    assert checked_json.checked_measures(content) == {"a": 1.0, "b": 0.5}
    assert checked_json.checked_measures([1]) == {}


def test_numbers_and_text() -> None:
    assert checked_json.text("x") == "x"
    assert checked_json.text(3) is None
    assert checked_json.integer(3, None) == 3
    assert [checked_json.integer(each, 0) for each in (True, 1.0, "1", 1 << 53)] == [0] * 4
    assert checked_json.number(3) == 3.0
    numbers = map(checked_json.number, (None, "1", True, math.inf, 10**301, math.nan))
    assert all(map(math.isnan, numbers))
