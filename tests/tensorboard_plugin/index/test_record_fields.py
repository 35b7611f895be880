from __future__ import annotations

import json
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorboard_plugin import schema
from tensorboard_plugin.index.record_fields import read_record_fields

LAYER = schema.Layer("conv1", "Conv2D", 2, (4, 5, 6))
RECORD = schema.Record(
    name="maps",
    tag="maps/conv1/a",
    width=30,
    height=20,
    kind="evidence",
    title="LayerCAM",
    epoch=3,
    batch=40,
    layer=LAYER,
    image_name="a",
    image_index=1,
    label=schema.ClassScore(3, "three", 0.25),
    prediction=schema.ClassScore(7, "seven", 0.5),
    target=schema.ClassScore(7, "seven"),
    statistics=schema.ChannelStatistics(minimum=(0.0, 1.0)),
    measures={"blank_channels": 0.5, "none": None},
    blank=True,
    metrics={"loss": 1.5},
)


def test_everything_is_taken_that_the_index_needs() -> None:
    fields = read_record_fields(schema.encode_record(RECORD), RECORD.tag, None)
    assert fields.static._asdict() == {
        "tag": "maps/conv1/a",
        "name": "maps",
        "kind": "evidence",
        "title": "LayerCAM",
        "item": None,
        "layer": {"path": "conv1", "class_name": "Conv2D", "index": 2, "shape": [4, 5, 6]},
        "image_name": "a",
        "image_index": 1,
        "width": 30,
        "height": 20,
        "is_grid": False,
        "has_levels": False,
    }
    assert fields.moment == (3, 40, {"loss": 1.5})
    assert (fields.label, fields.prediction, fields.target) == (
        (3, "three"),
        (7, "seven"),
        (7, "seven"),
    )
    assert (fields.label_probability, fields.prediction_probability) == (0.25, 0.5)
    assert (fields.measures, fields.layer_measures) == ({"blank_channels": 0.5}, {})
    assert fields.is_blank


def test_a_series_goes_on_with_the_layer_that_it_has() -> None:
    data = schema.encode_record(RECORD)
    known = read_record_fields(data, RECORD.tag, None).static
    again = read_record_fields(data, RECORD.tag, known).static
    assert again == known
    assert again.layer is known.layer


def test_a_record_of_version_1_has_numbers_of_its_layer() -> None:
    content = {
        "version": 1,
        "technique": "activations",
        "tag": "activations/conv1/a",
        "width": 1,
        "height": 1,
        "dead_fraction": 0.25,
        "blank_fraction": 0.5,
    }
    fields = read_record_fields(json.dumps(content).encode(), "activations/conv1/a", None)
    assert (fields.static.name, fields.static.title) == ("activations", "Activations")
    assert fields.measures == {"blank_channels": 0.5}
    assert fields.layer_measures == {"dead_channels": 0.25}


@pytest.mark.parametrize("data", [b"", b"[]", b"5", b"\xff", b"{", b"[" * 100_000])
def test_what_is_no_record_is_a_value_error(data: bytes) -> None:
    known = read_record_fields(schema.encode_record(RECORD), RECORD.tag, None).static
    for static in (None, known):
        with pytest.raises(ValueError, match=r"."):
            read_record_fields(data, RECORD.tag, static)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.sampled_from([f for f in vars(RECORD) if f != "version"]), json_values)
def test_any_value_of_a_field_is_checked(name: str, value: typing.Any) -> None:
    content = json.loads(schema.encode_record(RECORD))
    known = read_record_fields(json.dumps(content).encode(), RECORD.tag, None).static
    content[name] = value
    fields = read_record_fields(json.dumps(content).encode(), RECORD.tag, known)
    assert isinstance(fields.static.name, str)
    assert fields.static.kind in schema.KINDS
    assert isinstance(fields.static.width, int)
    assert all(isinstance(v, float) for v in fields.measures.values())
    for found in (fields.label, fields.prediction, fields.target):
        assert found is None or isinstance(found[1], str)
