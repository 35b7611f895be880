"""A log that a release of version 1 wrote is read in today's shape."""

from __future__ import annotations

import collections
import json
import typing
from pathlib import Path

import pytest

from tensorboard_plugin import capture_table, schema, version_1
from tensorboard_plugin.log.event_reader import CaptureEvent, EventReader, RecordEvent
from tests.helpers.event_logs import Log

FOLDER = Path(__file__).parent / "version_1"
LAYERS = ("conv1", "conv2")


@pytest.fixture(scope="module")
def log() -> Log:
    return Log(FOLDER)


@pytest.fixture(scope="module")
def captures(log: Log) -> list[CaptureEvent]:
    found = list(EventReader(str(log.files[0])).read())
    assert all(isinstance(event, CaptureEvent) for event in found)
    return typing.cast(list[CaptureEvent], found)


def test_every_picture_has_its_record(log: Log) -> None:
    assert set(log.records) == set(log.pictures)
    described = collections.Counter(
        (r.name, r.kind, r.title, r.item, r.version) for r in log.records.values()
    )
    assert described == {
        ("images", "image", "Held-out images", None, 2): 2,
        ("activations", "channels", "Activations", "channel", 2): 8,
        ("filters", "patterns", "Filter patterns", "filter", 2): 4,
        ("grad_cam", "evidence", "Grad-CAM", None, 2): 4,
        ("my_maps", "evidence", "my_maps", None, 2): 2,
    }


def test_what_the_record_of_a_grid_says(log: Log) -> None:
    record = log.records["keras_viz", "activations/conv1/first", 1]
    assert record.measures == {"blank_channels": 0.75}
    assert record.layer == schema.Layer("conv1", "Conv2D", 0, (14, 14, 4))
    assert (record.epoch, record.batch, record.image_name, record.image_index) == (1, 4, "first", 0)
    assert record.label == schema.ClassScore(0, "red")
    assert record.grid == schema.Grid(2, 2, 14, 14, 2, (0, 1, 2, 3))
    assert (record.scale, record.colormap, record.channels) == ("channel", "viridis", 4)
    assert record.statistics is not None
    assert record.statistics.maximum[2:] == (0.0, 0.0)
    assert set(record.metrics) == {"accuracy", "loss"}
    patterns = log.records["keras_viz", "filters/conv2", 0]
    assert set(patterns.measures) == {"blank_channels"}


def test_a_heat_map_begins_at_zero(log: Log) -> None:
    maps = {key: r for key, r in log.records.items() if r.kind == "evidence"}
    assert set(log.heat_maps) == set(maps)
    for record in maps.values():
        assert record.value_range is not None
        assert record.value_range[0] == 0
        assert not record.is_signed
        assert record.measures == {}


def test_contents_say_what_the_records_say(log: Log, captures: list[CaptureEvent]) -> None:
    found = {}
    for capture in captures:
        contents = capture.contents
        assert contents.measures == ("blank_channels",)
        for picture, row in zip(contents.pictures, contents.rows, strict=True):
            found["keras_viz", picture.tag, capture.step] = picture, row, contents
    assert set(found) == set(log.records)
    for key, record in log.records.items():
        picture, row, contents = found[key]
        entry = capture_table.entry_of(record, key in log.heat_maps)
        said = (picture.name, picture.kind, picture.title, picture.item)
        assert said == (record.name, record.kind, record.title, record.item)
        assert contents.moments[row.moment] == entry.moment
        places = row.label, row.prediction, row.target
        assert tuple(contents.classes[place] for place in places) == entry.classes
        assert contents.measures_of(row) == record.measures
        assert row.flags == entry.flags
        assert row[9:12] == pytest.approx(entry.probabilities, nan_ok=True)


def test_the_layers_numbers_are_tables(captures: list[CaptureEvent]) -> None:
    tables = {
        (capture.step, table.name): table
        for capture in captures
        for table in capture.contents.tables
    }
    assert set(tables) == {(0, "activations"), (1, "activations")}
    table = tables[1, "activations"]
    assert (table.epoch, table.batch) == (1, 4)
    assert tuple(layer.path for layer in table.layers) == LAYERS
    assert set(table.measures) == {"dead_channels"}
    assert table.measures["dead_channels"][0] == 0.5


def test_the_layers_number_of_a_record_alone(log: Log) -> None:
    records = [
        event
        for event in EventReader(str(log.files[0]), None, False).read()
        if isinstance(event, RecordEvent)
    ]
    numbers = {
        (record.tag, record.step): version_1.layer_measures(json.loads(record.json))
        for record in records
    }
    assert len(numbers) == len(log.records)
    assert numbers["activations/conv1/second", 0] == {"dead_channels": 0.5}
    assert numbers["images/first", 0] == {}
