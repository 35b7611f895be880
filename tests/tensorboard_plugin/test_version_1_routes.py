"""Every route over a log that a release of version 1 wrote, with its contents and without."""

from __future__ import annotations

import json
import shutil
import typing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tensorboard_plugin.log.event_reader import EventReader
from tensorboard_plugin.log.log_events import PictureEvent, RecordEvent
from tests.helpers import synthetic_logs
from tests.helpers.tab_api import Api, image_of

FOLDER = Path(__file__).parent / "version_1"
ACTIVATIONS = [f"activations/{layer}/{image}" for layer in ("conv1", "conv2") for image in
               ("first", "second")]  # fmt: skip
MAP = "grad_cam/conv2/first"

ApiOf = Callable[[typing.Any], Api]
Written = dict[tuple[str, int], dict[str, typing.Any]]


@pytest.fixture(scope="module")
def reader() -> EventReader:
    (path,) = FOLDER.glob("keras_viz/*")
    return EventReader(str(path), use_contents=False)


@pytest.fixture(scope="module")
def events(reader: EventReader) -> list[typing.Any]:
    return list(reader.read())


@pytest.fixture(scope="module")
def written(events: list[typing.Any]) -> Written:
    """The JSON of each record, as version 1 has it."""
    return {(e.tag, e.step): json.loads(e.json) for e in events if isinstance(e, RecordEvent)}


@pytest.fixture(params=["with contents", "without contents"])
def api(request: pytest.FixtureRequest, tmp_path: Path, api_of: ApiOf) -> Api:
    shutil.copytree(FOLDER / "keras_viz", tmp_path / "keras_viz")
    if request.param == "without contents":
        (path,) = (tmp_path / "keras_viz").iterdir()
        path.write_bytes(synthetic_logs.without_contents(path.read_bytes()))
    api = api_of(tmp_path)
    (run,) = api.settled()["runs"]
    assert (run["run"], run["problems"]) == ("keras_viz", 0)
    return api


def get(api: Api, route: str, **query: typing.Any) -> typing.Any:
    return api.json(route, run="keras_viz", **query)


def test_run(api: Api, written: Written) -> None:
    run = get(api, "run")
    assert run["names"] == [
        {"name": "activations", "kind": "channels", "title": "Activations", "item": "channel"},
        {"name": "filters", "kind": "patterns", "title": "Filter patterns", "item": "filter"},
        {"name": "grad_cam", "kind": "evidence", "title": "Grad-CAM", "item": None},
        {"name": "my_maps", "kind": "evidence", "title": "my_maps", "item": None},
        {"name": "images", "kind": "image", "title": "Held-out images", "item": None},
    ]
    assert run["measures"] == [
        {"measure": "dead_channels", "of": "layer", "names": ["activations"]},
        {"measure": "blank_channels", "of": "picture", "names": ["activations", "filters"]},
    ]
    assert [(x["path"], x["channels"]) for x in run["layers"]] == [("conv1", 4), ("conv2", 6)]
    assert [image["tag"] for image in run["images"]] == ["images/first", "images/second"]
    assert {s["tag"] for s in run["series"]} == {tag for tag, _ in written}
    for series in run["series"]:
        for step in run["step_lists"][series["step_list"]]:
            record = written[series["tag"], step]
            assert series["name"] == record["technique"]
            assert series["grid"] == ("grid" in record)
            assert series["heat_map"] == ("map_shape" in record)
            assert series["levels"] == ("grid" in record and "colormap" in record)
            assert (series["width"], series["height"]) == (record["width"], record["height"])


def test_series(api: Api, written: Written) -> None:
    found = get(api, "series", name="activations")["series"]
    assert [s["tag"] for s in found] == ACTIVATIONS
    for series in found:
        records = [written[series["tag"], step] for step in series["step"]]
        # Fields at their defaults are left out of a record: a fraction of 0 is none of them.
        dead = [record["dead_fraction"] for record in records]
        blank = [record["blank_fraction"] for record in records]
        assert series["layer_measures"] == {"dead_channels": pytest.approx(dead, abs=1e-6)}
        assert series["measures"] == {"blank_channels": pytest.approx(blank, abs=1e-6)}
        assert series["label"] == records[0]["label"]["index"]
    (series,) = get(api, "series", tag=MAP)["series"]
    records = [written[MAP, step] for step in series["step"]]
    assert (series["measures"], series["layer_measures"]) == ({}, {})
    assert series["prediction"] == [record["prediction"]["index"] for record in records]
    assert series["target"] == [record["target"]["index"] for record in records]
    assert series["blank"] == [record.get("blank", False) for record in records]


def test_health(api: Api, written: Written) -> None:
    health = get(api, "health")
    assert (health["measure"], health["name"], health["image"]) == (
        "dead_channels",
        "activations",
        None,
    )
    assert health["layers"] == [0, 1]
    for tag, row in zip(health["tags"], health["values"], strict=True):
        dead = [written[tag, step]["dead_fraction"] for step in health["step"]]
        assert row == pytest.approx(dead, abs=1e-6)
    blank = get(api, "health", measure="blank_channels", image="second")
    for tag, row in zip(blank["tags"], blank["values"], strict=True):
        assert tag.endswith("/second")
        expected = [written[tag, step]["blank_fraction"] for step in blank["step"]]
        assert row == pytest.approx(expected, abs=1e-6)
    change = get(api, "health", measure="change", name="my_maps")
    assert (change["tags"], change["pending"]) == (["my_maps/conv2/first"], 0)
    assert change["values"][0][0] is None
    assert 0 < change["values"][0][1] < 1


def test_metrics(api: Api, written: Written) -> None:
    metrics = get(api, "metrics")
    for name, values in metrics["metrics"].items():
        assert values == [written[MAP, step]["metrics"][name] for step in metrics["step"]]


def test_record_and_channel(api: Api, written: Written) -> None:
    for (tag, step), content in written.items():
        record = get(api, "record", tag=tag, step=step)["record"]
        assert (record["name"], record["version"]) == (content["technique"], 2)
        for field in ("layer", "statistics", "metrics", "value_range", "note", "scale"):
            if field in content:
                known = record[field]
                expected = content[field]
                assert known == expected or {k: known[k] for k in expected} == expected
    content = written[ACTIVATIONS[0], 0]
    place = content["grid"]["items"].index(1)
    channel = get(api, "channel", tag=ACTIVATIONS[0], item=1, last=0)
    assert channel["maximum"] == [content["statistics"]["maximum"][place]]


def test_pictures(api: Api, events: list[typing.Any], reader: EventReader) -> None:
    for event in events:
        if not isinstance(event, PictureEvent):
            continue
        png = reader.strings(event.offset, event.length, event.step, event.tag)[2]
        query = {"run": "keras_viz", "tag": event.tag, "step": event.step}
        assert api.get("picture", **query).data == png
        assert max(image_of(api.get("thumbnail", **query, size=16)).size) <= 16
    query = {"run": "keras_viz", "tag": ACTIVATIONS[0], "step": 1}
    assert image_of(api.get("cell", **query, item=1)).size == (14, 14)
    levels = image_of(api.get("levels", **query))
    assert levels.mode == "L"
    heat_map = image_of(api.get("heat_map", run="keras_viz", tag=MAP, step=1))
    assert np.asarray(heat_map).max() == 65535
    gif = image_of(api.get("export.gif", run="keras_viz", tag=MAP))
    assert gif.n_frames == 2  # type: ignore[attr-defined]
    assert api.get("export.zip", run="keras_viz", tag=MAP).data.startswith(b"PK")
