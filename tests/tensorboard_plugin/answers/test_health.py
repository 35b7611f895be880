from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema
from tests.helpers import synthetic_logs
from tests.helpers.tab_api import RUN, SPEC, Api

ApiOf = Callable[[typing.Any], Api]


def test_health_of_dead_channels(api: Api, log: synthetic_logs.Log) -> None:
    run = api.json("run", run=RUN)
    answer = api.json("health", run=RUN, first=2, every=3)
    assert (answer["measure"], answer["name"], answer["image"]) == (
        "dead_channels",
        "activations",
        None,
    )
    assert answer["step"] == [2, 5, 8, 11]
    assert [run["layers"][i]["index"] for i in answer["layers"]] == list(range(SPEC.layers))
    for tag, row in zip(answer["tags"], answer["values"], strict=True):
        expected = [log.pictures[tag, step].dead for step in answer["step"]]
        assert row == pytest.approx(expected, abs=1e-4)
    assert any(v for row in answer["values"] for v in row)
    one = api.json("health", run=RUN, image="image_1")
    assert one["image"] == "image_1"
    assert all(tag.endswith("/image_1") for tag in one["tags"])


def test_the_pictures_of_an_image_have_their_own_numbers(api: Api, log: synthetic_logs.Log) -> None:
    answer = api.json("health", run=RUN, measure="blank_channels", image="image_1")
    assert (answer["name"], answer["image"]) == ("activations", "image_1")
    for tag, row in zip(answer["tags"], answer["values"], strict=True):
        records = [log.pictures[tag, step].record for step in answer["step"]]
        assert row == pytest.approx([r.measures["blank_channels"] for r in records], abs=1e-5)
    first = api.json("health", run=RUN, measure="blank_channels")
    assert first["image"] == "image_0"
    assert first["tags"][0] == "activations/conv2d_0/image_0"


def test_a_callback_without_the_default_measure_has_rows_without_numbers(api: Api) -> None:
    answer = api.json("health", run=RUN, name="filters", last=1)
    assert answer["values"] == [[None] * len(answer["step"])] * len(answer["tags"])
    assert api.json("health", run=RUN, name="images")["tags"] == []


def test_columns_are_the_steps_that_have_numbers(tmp_path: Path, api_of: ApiOf) -> None:
    layer = schema.Layer("a", "Conv2D", 0, (4, 4, 8))
    record = schema.Record("maps", "maps/a", 1, 1, kind="channels", layer=layer)
    file = event_file.EventFile(str(tmp_path / "keras_viz"))
    for step in range(4):
        table = schema.MeasureTable("maps", step, 0, (layer,), {"cka": (step / 4,)})
        values = [summaries.record(record), summaries.image("maps/a", b"a picture", 1, 1)]
        file.write(step, values + [summaries.measures(table)] * (step == 2))
    file.close()
    api = api_of(tmp_path)
    api.settled()
    answer = api.json("health", run="keras_viz", measure="cka")
    assert (answer["step"], answer["values"], answer["tags"]) == ([2], [[0.5]], ["maps/a"])
    change = api.json("health", run="keras_viz", measure="change", first=1)
    assert change["step"] == [1, 2, 3]
    (series,) = api.json("series", run="keras_viz", tag="maps/a")["series"]
    assert series["layer_measures"] == {"cka": [None, None, 0.5, None]}


def test_any_measure_of_layers_without_pictures(tmp_path: Path, api_of: ApiOf) -> None:
    layers = tuple(schema.Layer(path, "Dense", i, (8,)) for i, path in enumerate("ab"))
    tables = {}
    for step in range(3):
        measures = {"cka": (step / 4, None), "moved": (-1e-7 * step, 1e9)}
        tables[step] = [schema.MeasureTable("drift", step, 0, layers, measures)]
    synthetic_logs.write_tables(str(tmp_path), tables)
    api = api_of(tmp_path)
    api.settled()
    (listed,) = api.json("runs")["runs"]
    assert (listed["pictures"], listed["names"], listed["steps"]) == (0, [], 3)
    assert (listed["first_step"], listed["last_step"]) == (0, 2)
    run = api.json("run", run="keras_viz")
    assert (run["names"], run["series"], run["steps"]["step"]) == ([], [], [0, 1, 2])
    assert run["measures"] == [
        {"measure": "cka", "of": "layer", "names": ["drift"]},
        {"measure": "moved", "of": "layer", "names": ["drift"]},
    ]
    assert [layer["path"] for layer in run["layers"]] == ["a", "b"]
    answer = api.json("health", run="keras_viz", measure="cka", last=1)
    assert {**answer, "token": ""} == {
        "token": "",
        "measure": "cka",
        "name": "drift",
        "image": None,
        "step": [0, 1],
        "layers": [0, 1],
        "tags": [None, None],
        "values": [[0.0, 0.25], [None, None]],
        "pending": 0,
    }
    moved = api.json("health", run="keras_viz", measure="moved", name="drift", every=2)
    assert moved["values"] == [[0.0, -2e-7], [1e9, 1e9]]
    usual = api.json("health", run="keras_viz")  # a measure that this run does not have
    assert (usual["measure"], usual["values"]) == ("dead_channels", [[None] * 3] * 2)
    change = api.json("health", run="keras_viz", measure="change")
    assert (change["step"], change["tags"], change["pending"]) == ([], [None, None], 0)
    error = api.get("health", run="keras_viz", measure="x").get_json()["error"]
    assert error["message"] == "The run has no measure `x`. `run` lists what it has."
