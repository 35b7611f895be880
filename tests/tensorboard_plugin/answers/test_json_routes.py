from __future__ import annotations

import dataclasses
import io
import json
import typing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema
from tests.helpers import synthetic_logs
from tests.helpers.tab_api import GRID, MAP, PREFIX, RUN, SPEC, Api, image_of

ApiOf = Callable[[typing.Any], Api]


def test_run(api: Api, log: synthetic_logs.Log) -> None:
    answer = api.json("run", run=RUN)
    epochs = list(range(SPEC.epochs))
    assert answer["steps"]["step"] == answer["steps"]["epoch"] == epochs
    assert answer["steps"]["batch"] == [(e + 1) * synthetic_logs.BATCHES for e in epochs]
    assert len(answer["steps"]["v"]) == len(answer["steps"]["wall_time"]) == len(epochs)
    layers = [synthetic_logs.layer_of(SPEC, i) for i in range(SPEC.layers)]
    assert answer["layers"] == [
        {
            "path": layer.path,
            "class_name": "Conv2D",
            "index": layer.index,
            "shape": list(layer.shape),
            "channels": layer.shape[-1],
        }
        for layer in layers
    ]
    label = log.pictures["images/image_1", 0].record.label
    assert label is not None
    assert answer["images"][1] == {
        "name": "image_1",
        "index": 1,
        "label": {"index": label.index, "name": label.name},
        "tag": "images/image_1",
        "step": 0,
        "v": answer["steps"]["v"][0],
    }
    assert {s["tag"] for s in answer["series"]} == set(log.tags)
    for series in answer["series"]:
        steps = answer["step_lists"][series["step_list"]]
        record = log.pictures[series["tag"], steps[-1]].record
        layer = None if series["layer"] is None else answer["layers"][series["layer"]]["path"]
        image = None if series["image"] is None else answer["images"][series["image"]]["name"]
        assert steps == log.steps(series["tag"])
        assert (layer, image) == (record.layer and record.layer.path, record.image_name)
        assert (series["width"], series["height"]) == (record.width, record.height)
        assert series["heat_map"] == (record.map_shape is not None)
        assert series["levels"] == (record.name == "activations")
        assert (series["name"], series["kind"], series["item"]) == (
            record.name,
            record.kind,
            record.item,
        )
        assert series["grid"] == (record.grid is not None)
    assert len(answer["step_lists"]) == 2
    order = [s["name"] for s in answer["series"]]
    assert list(dict.fromkeys(order)) == [name["name"] for name in answer["names"]]
    assert answer["measures"] == [
        {"measure": "dead_channels", "of": "layer", "names": ["activations"]},
        {"measure": "blank_channels", "of": "picture", "names": ["activations"]},
    ]
    assert answer["problems"] == []


def test_series(api: Api, log: synthetic_logs.Log) -> None:
    answer = api.json("series", run=RUN, name="grad_cam", layer="conv2d_4", first=1, last=5)
    assert [s["tag"] for s in answer["series"]] == ["grad_cam/conv2d_4/image_0", MAP]
    series = answer["series"][1]
    records = [log.pictures[MAP, step].record for step in range(1, 6)]
    assert series["step"] == [1, 2, 3, 4, 5]
    assert series["label"] == records[0].label.index  # type: ignore[union-attr]
    assert series["prediction"] == [r.prediction.index for r in records]  # type: ignore[union-attr]
    assert series["target"] == [r.target.index for r in records]  # type: ignore[union-attr]
    assert series["label_probability"] == pytest.approx(
        [r.label.probability for r in records],  # type: ignore[union-attr]
        abs=1e-6,
    )
    assert series["prediction_probability"] == pytest.approx(
        [r.prediction.probability for r in records],  # type: ignore[union-attr]
        abs=1e-6,
    )
    assert (series["measures"], series["layer_measures"]) == ({}, {})
    assert series["blank"] == [False] * 5
    assert all(synthetic_logs.CLASS_NAMES[int(i)] == name for i, name in answer["classes"].items())
    assert {str(c) for c in series["prediction"]} <= set(answer["classes"])

    several = api.client.get(
        f"{PREFIX}series", query_string=[("run", RUN), ("tag", GRID), ("tag", MAP)]
    ).get_json()
    assert [s["tag"] for s in several["series"]] == [GRID, MAP]
    assert several["series"][0]["layer_measures"]["dead_channels"] == pytest.approx(
        [log.pictures[GRID, s].dead for s in log.steps(GRID)], abs=1e-6
    )
    assert several["series"][0]["measures"]["blank_channels"] == pytest.approx(
        [log.pictures[GRID, s].record.measures["blank_channels"] for s in log.steps(GRID)],
        abs=1e-6,
    )
    assert several["series"][1]["blank"] == [
        log.pictures[MAP, s].record.blank for s in log.steps(MAP)
    ]


def test_metrics(api: Api) -> None:
    answer = api.json("metrics", run=RUN, last=3)
    assert answer["step"] == [0, 1, 2, 3]
    assert list(answer["metrics"]) == list(synthetic_logs.metrics_of(0))
    for name, values in answer["metrics"].items():
        assert values == [synthetic_logs.metrics_of(e)[name] for e in range(4)]
    assert answer["metrics"]["val_loss"][1] is None


def test_record(api: Api, log: synthetic_logs.Log) -> None:
    written = log.pictures[MAP, 11]
    answer = api.json("record", run=RUN, tag=MAP, step=11)
    expected = json.loads(json.dumps(dataclasses.asdict(written.record)))
    assert answer["record"] == expected
    assert answer["heat_map"] is True
    assert answer["picture"] == {"bytes": len(written.png), "content_type": "image/png"}
    assert answer["file_name"] == "run1-grad_cam-conv2d_4-image_1-step11.png"


def test_channel(api: Api, log: synthetic_logs.Log) -> None:
    answer = api.json("channel", run=RUN, tag=GRID, item=2, first=1)
    steps = log.steps(GRID)[1:]
    assert answer["step"] == steps
    for name in ("minimum", "maximum", "mean", "std"):
        assert answer[name] == [
            getattr(log.pictures[GRID, s].record.statistics, name)[2] for s in steps
        ]
    assert answer["start"] is None


def test_the_picture_of_a_damaged_record_is_shown(tmp_path: Path, api_of: ApiOf) -> None:
    log = synthetic_logs.write(str(tmp_path), synthetic_logs.Spec(epochs=2))
    path = Path(log.path)
    tag, step = "grad_cam/conv2d_1/image_0", 1
    written = log.pictures[tag, step]
    assert written.heat_map is not None
    damaged = bytearray(path.read_bytes())
    damaged[damaged.rindex(written.heat_map) + 20] ^= 1
    path.write_bytes(damaged)
    api = api_of(tmp_path)
    api.settled()
    found = api.json("record", run="keras_viz", tag=tag, step=step)
    assert (found["record"], found["heat_map"]) == (None, False)
    assert api.get("picture", run="keras_viz", tag=tag, step=step).data == written.png
    assert api.get("heat_map", run="keras_viz", tag=tag, step=step).status_code == 410
    assert api.json("runs")["runs"][0]["problems"] == 0, "it has not been read before"


def test_an_empty_log_is_no_error(tmp_path: Path, api_of: ApiOf) -> None:
    answer = api_of(tmp_path / "none").json("runs")
    assert (answer["runs"], answer["indexing"]) == ([], {"done": 0, "total": 0})
    (tmp_path / "keras_viz").mkdir()
    api = api_of(tmp_path)
    (run,) = api.json("runs")["runs"]
    assert (run["run"], run["pictures"], run["first_step"]) == ("keras_viz", 0, None)
    assert api.json("run", run="keras_viz")["series"] == []
    assert api.json("health", run="keras_viz")["values"] == []
    assert api.json("metrics", run="keras_viz")["step"] == []


def test_evidence_in_the_pixels_of_the_input_has_no_layer(tmp_path: Path, api_of: ApiOf) -> None:
    tag = "saliency/image_0"
    record = schema.Record(
        "saliency",
        tag,
        2,
        1,
        kind="evidence",
        title="Gradient × input",
        image_name="image_0",
        image_index=0,
        value_range=(-2.0, 2.0),
        map_shape=(1, 2),
    )
    heat_map, picture = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.array([[0, 65535]], np.uint16)).save(heat_map, "PNG")
    Image.new("RGB", (2, 1)).save(picture, "PNG")
    file = event_file.EventFile(str(tmp_path / "keras_viz"))
    file.write(
        4,
        [
            summaries.record(record, heat_map.getvalue()),
            summaries.image(tag, picture.getvalue(), 2, 1),
        ],
    )
    file.close()
    api = api_of(tmp_path)
    api.settled()
    query = {"run": "keras_viz", "tag": tag, "step": 4}
    run = api.json("run", run="keras_viz")
    assert run["names"] == [
        {"name": "saliency", "kind": "evidence", "title": "Gradient × input", "item": None}
    ]
    assert run["layers"] == run["measures"] == []
    (series,) = run["series"]
    assert (series["layer"], series["image"], series["kind"]) == (None, 0, "evidence")
    assert (series["heat_map"], series["grid"], series["item"]) == (True, False, None)
    assert api.json("series", run="keras_viz", name="saliency")["series"][0]["tag"] == tag
    assert api.json("record", **query)["record"]["value_range"] == [-2.0, 2.0]
    assert api.get("heat_map", **query).data == heat_map.getvalue()
    eight = image_of(api.get("heat_map", **query, bits=8))
    assert np.asarray(eight).tolist() == [[0, 255]]
    health = api.json("health", run="keras_viz", name="saliency", measure="change")
    assert (health["layers"], health["values"]) == ([], [])
    assert (
        api.get("picture", **query, download=1)
        .headers["Content-Disposition"]
        .startswith('attachment; filename="saliency-image_0-step4.png"')
    )
