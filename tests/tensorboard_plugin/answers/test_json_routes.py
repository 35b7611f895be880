"""Holds the routes to HTTP_API.md."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import typing
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tensorboard.plugins import base_plugin

import tensorboard_plugin
from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema
from tensorboard_plugin.answers import json_bodies
from tensorboard_plugin.plugin import KerasVizPlugin
from tests.helpers import synthetic_logs
from tests.tensorboard_plugin.conftest import PREFIX, SPEC, Api

ApiOf = Callable[[typing.Any], Api]

RUN = "run1/keras_viz"
GRID = "activations/conv2d_1/image_1"
MAP = "grad_cam/conv2d_4/image_1"
HTTP_API = (Path(tensorboard_plugin.__file__).parent / "HTTP_API.md").read_text()


def image_of(response: typing.Any) -> Image.Image:
    assert response.status_code == 200, response.data
    return Image.open(io.BytesIO(response.data))


def test_the_contract_names_every_route() -> None:
    documented = set(re.findall(r"^\| \[`([\w.]+)`\]", HTTP_API, re.MULTILINE))
    plugin = KerasVizPlugin(base_plugin.TBContext(logdir=None))
    routes = {route.lstrip("/") for route in plugin.get_plugin_apps()}
    assert routes == documented | {"static/*", "static/index.js"}
    for route in documented:
        assert f"## `{route}`" in HTTP_API


def test_runs(api: Api, log: synthetic_logs.Log, log_dir: str) -> None:
    answer = api.json("runs")
    (run,) = answer["runs"]
    size = Path(log.path).stat().st_size
    steps = [step for _, step in log.pictures]
    assert answer["version"] == json_bodies.API_VERSION
    assert answer["log_directories"] == [log_dir]
    assert answer["indexing"] == run.pop("indexing") == {"done": size, "total": size}
    assert run.pop("token") in answer["token"]
    assert run.pop("last_wall_time") > 1.7e9
    assert run == {
        "run": RUN,
        "name": "run1",
        "training": 1,
        "pictures": len(log.pictures),
        "steps": len(set(steps)),
        "first_step": min(steps),
        "last_step": max(steps),
        "techniques": ["activations", "filters", "grad_cam", "images"],
        "problems": 0,
    }


def test_runs_are_in_the_order_in_which_people_count(tmp_path: Path, api_of: ApiOf) -> None:
    for name in ("run10", "run2", "a/run1", "Run3"):
        (tmp_path / name / "keras_viz").mkdir(parents=True)
    (tmp_path / "run2" / "keras_viz-2").mkdir()
    found = [(r["name"], r["training"]) for r in api_of(tmp_path).json("runs")["runs"]]
    assert found == [("Run3", 1), ("a/run1", 1), ("run2", 1), ("run2", 2), ("run10", 1)]


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
        kinds = {"activations": "grid", "filters": "grid", "grad_cam": "map", "images": "image"}
        assert series["kind"] == kinds[record.name]
    assert len(answer["step_lists"]) == 2
    order = [s["technique"] for s in answer["series"]]
    assert list(dict.fromkeys(order)) == answer["techniques"]
    assert answer["problems"] == []


def test_series(api: Api, log: synthetic_logs.Log) -> None:
    answer = api.json("series", run=RUN, technique="grad_cam", layer="conv2d_4", first=1, last=5)
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
    assert series["dead_fraction"] is None
    assert series["blank"] == [False] * 5
    assert all(synthetic_logs.CLASS_NAMES[int(i)] == name for i, name in answer["classes"].items())
    assert {str(c) for c in series["prediction"]} <= set(answer["classes"])

    several = api.client.get(
        f"{PREFIX}series", query_string=[("run", RUN), ("tag", GRID), ("tag", MAP)]
    ).get_json()
    assert [s["tag"] for s in several["series"]] == [GRID, MAP]
    assert several["series"][0]["dead_fraction"] == pytest.approx(
        [log.pictures[GRID, s].dead for s in log.steps(GRID)], abs=1e-6
    )
    assert several["series"][1]["blank"] == [
        log.pictures[MAP, s].record.blank for s in log.steps(MAP)
    ]


def test_health_of_dead_channels(api: Api, log: synthetic_logs.Log) -> None:
    run = api.json("run", run=RUN)
    answer = api.json("health", run=RUN, first=2, every=3)
    assert (answer["measure"], answer["technique"], answer["image"]) == (
        "dead",
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


def test_health_of_change_compares_with_the_capture_before(
    api: Api, log: synthetic_logs.Log
) -> None:
    while True:
        answer = api.json("health", run=RUN, measure="change", image="image_1", every=5)
        if not answer["pending"]:
            break
    assert answer["step"] == [0, 5, 10]
    for tag, row in zip(answer["tags"], answer["values"], strict=True):
        grey = [
            [
                np.asarray(
                    Image.open(io.BytesIO(log.pictures[tag, s].png)).convert("L"), np.float64
                )
                for s in (step - 1, step)
            ]
            for step in (5, 10)
        ]
        assert row[0] is None
        assert row[1:] == pytest.approx([np.abs(b - a).mean() / 255 for a, b in grey], abs=1e-4)
        assert row[1] > 0


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


def test_every_picture_is_served_as_it_was_written(api: Api, log: synthetic_logs.Log) -> None:
    for (tag, step), written in log.pictures.items():
        response = api.get("picture", run=RUN, tag=tag, step=step)
        assert response.data == written.png
        assert response.content_type == "image/png"


def test_download_is_named(api: Api) -> None:
    response = api.get("picture", run=RUN, tag=GRID, step=3, download=1)
    name = "run1-activations-conv2d_1-image_1-step3.png"
    assert response.headers["Content-Disposition"] == (
        f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    )
    assert "Content-Disposition" not in api.get("picture", run=RUN, tag=GRID, step=3).headers


def test_thumbnail(api: Api, log: synthetic_logs.Log) -> None:
    original = Image.open(io.BytesIO(log.pictures[GRID, 3].png))
    assert max(original.size) > 16
    small = image_of(api.get("thumbnail", run=RUN, tag=GRID, step=3, size=16))
    assert max(small.size) == 16
    assert small.format == "PNG"
    over_white = [
        np.asarray(Image.alpha_composite(Image.new("RGBA", i.size, "white"), i), float)
        for i in (original.convert("RGBA"), small.convert("RGBA"))
    ]
    assert over_white[0].mean() == pytest.approx(over_white[1].mean(), rel=0.03)
    whole = api.get("thumbnail", run=RUN, tag=GRID, step=3, size=512)
    assert whole.data == log.pictures[GRID, 3].png


def test_cell(api: Api, log: synthetic_logs.Log) -> None:
    written = log.pictures[GRID, 3]
    grid = written.record.grid
    assert grid is not None
    pixels = np.asarray(Image.open(io.BytesIO(written.png)))
    for place, item in enumerate(grid.items):
        row, column = divmod(place, grid.columns)
        y = grid.gap + row * (grid.cell_height + grid.gap)
        x = grid.gap + column * (grid.cell_width + grid.gap)
        expected = pixels[y : y + grid.cell_height, x : x + grid.cell_width]
        cell = image_of(api.get("cell", run=RUN, tag=GRID, step=3, item=item))
        assert np.array_equal(np.asarray(cell), expected)
    assert not np.any(expected == schema.PALETTE_GAP)
    large = image_of(
        api.get("cell", run=RUN, tag=GRID, step=3, item=item, size=3 * grid.cell_width)
    )
    assert np.array_equal(np.asarray(large)[1::3, 1::3], expected)


def test_a_filter_is_asked_for_by_its_number(api: Api, log: synthetic_logs.Log) -> None:
    tag = "filters/conv2d_2"
    grid = log.pictures[tag, 0].record.grid
    assert grid is not None
    assert grid.items != tuple(range(len(grid.items)))
    pixels = np.asarray(Image.open(io.BytesIO(log.pictures[tag, 0].png)))
    cell = image_of(api.get("cell", run=RUN, tag=tag, step=0, item=grid.items[1]))
    x = 2 * grid.gap + grid.cell_width
    expected = pixels[grid.gap : grid.gap + grid.cell_height, x : x + grid.cell_width]
    assert np.array_equal(np.asarray(cell), expected)


def test_levels_are_palette_entries(api: Api, log: synthetic_logs.Log) -> None:
    original = Image.open(io.BytesIO(log.pictures[GRID, 3].png))
    levels = image_of(api.get("levels", run=RUN, tag=GRID, step=3))
    assert levels.mode == "L"
    assert np.array_equal(np.asarray(levels), np.asarray(original))


def test_heat_map(api: Api, log: synthetic_logs.Log) -> None:
    written = log.pictures[MAP, 3]
    response = api.get("heat_map", run=RUN, tag=MAP, step=3)
    assert response.data == written.heat_map
    deep = np.asarray(image_of(response), float)
    assert deep.shape == written.record.map_shape
    eight = image_of(api.get("heat_map", run=RUN, tag=MAP, step=3, bits=8))
    assert eight.mode == "L"
    assert np.abs(np.asarray(eight, float) - deep / 257).max() <= 0.5


def test_gif(api: Api, log: synthetic_logs.Log) -> None:
    response = api.get("export.gif", run=RUN, tag=GRID, first=2, duration=300)
    gif = image_of(response)
    steps = log.steps(GRID)[2:]
    assert gif.n_frames == len(steps)  # type: ignore[attr-defined]
    assert (gif.info["duration"], gif.info["loop"]) == (300, 0)
    for place, step in enumerate(steps):
        gif.seek(place)
        original = Image.open(io.BytesIO(log.pictures[GRID, step].png)).convert("RGBA")
        expected = Image.alpha_composite(Image.new("RGBA", original.size, "white"), original)
        difference = np.asarray(gif.convert("RGB"), float) - np.asarray(expected)[..., :3]
        assert np.abs(difference).mean() < 4
    assert 'filename="run1-activations-conv2d_1-image_1.gif"' in str(response.headers)
    cell = image_of(api.get("export.gif", run=RUN, tag=GRID, item=1, size=64))
    assert max(cell.size) == 64


def test_zip(api: Api, log: synthetic_logs.Log) -> None:
    response = api.client.get(
        f"{PREFIX}export.zip",
        query_string=[("run", RUN), ("tag", GRID), ("tag", MAP), ("every", 2)],
    )
    archive = zipfile.ZipFile(io.BytesIO(response.data))
    assert archive.testzip() is None
    expected = {
        f"run1-{t.replace('/', '-')}-step{s}.png": log.pictures[t, s].png
        for t in (GRID, MAP)
        for s in log.steps(t)[::2]
    }
    assert {name: archive.read(name) for name in archive.namelist()} == expected


def test_a_picture_with_its_stamp_is_fetched_once(api: Api) -> None:
    stamp = api.json("run", run=RUN)["steps"]["v"][3]
    query = {"run": RUN, "tag": MAP, "step": 3}
    for route in ("picture", "thumbnail", "heat_map", "record"):
        with_stamp = api.get(route, **query, v=stamp)
        assert with_stamp.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        for other in ({}, {"v": "old"}):
            response = api.get(route, **query, **other)
            assert response.headers["Cache-Control"] == "no-cache"
            assert response.data == with_stamp.data


def test_unchanged_answers_are_304(api: Api) -> None:
    for route, query in (("runs", {}), ("run", {"run": RUN}), ("metrics", {"run": RUN})):
        first = api.get(route, **query)
        assert first.headers["Cache-Control"] == "no-cache"
        again = api.get(route, headers={"If-None-Match": first.headers["ETag"]}, **query)
        assert (again.status_code, again.data) == (304, b"")


def test_json_is_gzipped_when_accepted(api: Api) -> None:
    plain = api.get("run", run=RUN)
    packed = api.get("run", run=RUN, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 3


BAD = [
    ("run", {}, 400, "bad_parameter", "run"),
    ("run", {"run": ""}, 400, "bad_parameter", "run"),
    ("run", {"run": ["a", "b"]}, 400, "bad_parameter", "run"),
    ("run", {"run": "../.."}, 404, "unknown_run", "run"),
    ("metrics", {"run": RUN, "first": "x"}, 400, "bad_parameter", "first"),
    ("metrics", {"run": RUN, "first": 5, "last": 4}, 400, "bad_parameter", "first"),
    ("series", {"run": RUN}, 400, "bad_parameter", "technique"),
    ("series", {"run": RUN, "technique": "x"}, 404, "unknown_technique", "technique"),
    (
        "series",
        {"run": RUN, "technique": "filters", "layer": "x"},
        404,
        "unknown_layer",
        "layer",
    ),
    ("series", {"run": RUN, "tag": [*map(str, range(300))]}, 400, "bad_parameter", "tag"),
    ("health", {"run": RUN, "measure": "x"}, 400, "bad_parameter", "measure"),
    ("health", {"run": RUN, "image": "x"}, 404, "unknown_image", "image"),
    ("health", {"run": RUN, "every": 0}, 400, "bad_parameter", "every"),
    ("picture", {"run": RUN, "step": 0}, 400, "bad_parameter", "tag"),
    ("picture", {"run": RUN, "tag": GRID}, 400, "bad_parameter", "step"),
    ("picture", {"run": RUN, "tag": "x", "step": 0}, 404, "unknown_tag", "tag"),
    ("picture", {"run": RUN, "tag": GRID, "step": 99}, 404, "unknown_step", "step"),
    ("picture", {"run": RUN, "tag": GRID, "step": "1e3"}, 400, "bad_parameter", "step"),
    ("thumbnail", {"run": RUN, "tag": GRID, "step": 0, "size": 7}, 400, "bad_parameter", "size"),
    ("thumbnail", {"run": RUN, "tag": GRID, "step": 0, "size": 513}, 400, "bad_parameter", "size"),
    ("cell", {"run": RUN, "tag": GRID, "step": 0}, 400, "bad_parameter", "item"),
    ("cell", {"run": RUN, "tag": GRID, "step": 0, "item": 99}, 404, "unknown_item", "item"),
    ("cell", {"run": RUN, "tag": MAP, "step": 0, "item": 0}, 404, "no_grid", "tag"),
    ("levels", {"run": RUN, "tag": MAP, "step": 0}, 404, "no_levels", "tag"),
    ("heat_map", {"run": RUN, "tag": GRID, "step": 0}, 404, "no_heat_map", "tag"),
    ("heat_map", {"run": RUN, "tag": MAP, "step": 0, "bits": 1}, 400, "bad_parameter", "bits"),
    ("channel", {"run": RUN, "tag": GRID, "item": 99}, 404, "unknown_item", "item"),
    ("export.gif", {"run": RUN, "tag": GRID, "first": 50}, 404, "unknown_step", "last"),
    ("export.gif", {"run": RUN, "tag": GRID, "duration": 1}, 400, "bad_parameter", "duration"),
    ("export.gif", {"run": RUN, "tag": MAP, "item": 0}, 404, "no_grid", "tag"),
    ("export.zip", {"run": RUN}, 400, "bad_parameter", "tag"),
    ("static/none.js", {}, 404, "not_found", None),
    ("static/../plugin.py", {}, 404, "not_found", None),
    ("static/%2e%2e/plugin.py", {}, 404, "not_found", None),
    ("static/..%2f..%2fsetup.cfg", {}, 404, "not_found", None),
    ("static//etc/passwd", {}, 404, "not_found", None),
    ("static/a%00.js", {}, 404, "not_found", None),
]  # fmt: skip


@pytest.mark.parametrize(("route", "query", "status", "code", "parameter"), BAD)
def test_errors_have_one_shape(
    api: Api,
    route: str,
    query: dict[str, typing.Any],
    status: int,
    code: str,
    parameter: str | None,
) -> None:
    response = api.get(route, **query)
    assert response.status_code == status
    (error,) = response.get_json().values()
    if code == "unknown_step" and route == "export.gif":
        parameter = "first"
    assert (error["code"], error["parameter"]) == (code, parameter)
    assert len(error["message"]) > 20
    assert response.headers["Cache-Control"] == "no-store"
    assert f"`{code}`" in HTTP_API


def test_an_error_says_parameter_rule_received_and_way_out(api: Api) -> None:
    error = api.get("thumbnail", run=RUN, tag=GRID, step=0, size="banana").get_json()["error"]
    assert error["message"] == (
        "`size` must be a whole number from 8 to 512. Received: size=banana. "
        "Leave it out for the default."
    )


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_only_get(api: Api, method: str) -> None:
    response = getattr(api.client, method)(f"{PREFIX}runs")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert response.get_json()["error"]["code"] == "method_not_allowed"
    head = api.client.head(f"{PREFIX}runs")
    assert (head.status_code, head.data) == (200, b"")


values = st.sampled_from([RUN, GRID, MAP, "0", "3", "11", "-1", "8", "filters", "image_0", "1"])
anything = values | st.text(st.characters(codec="utf-8"), max_size=5)
NAMES_OF_PARAMETERS = """
    run tag step v size item bits first last every measure technique layer image duration download
"""
names = st.sampled_from(NAMES_OF_PARAMETERS.split())
ROUTES = sorted(set(re.findall(r"^\| \[`([\w.]+)`\]", HTTP_API, re.MULTILINE)))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ROUTES), st.lists(st.tuples(names, anything), max_size=4), st.booleans())
def test_no_parameters_make_the_server_fail(
    api: Api, route: str, query: list[tuple[str, str]], complete: bool
) -> None:
    base = [("run", RUN), ("tag", GRID), ("step", "3"), ("item", "1")]
    given_names = {name for name, _ in query}
    if complete:
        query = [pair for pair in base if pair[0] not in given_names] + query
    response = api.client.get(PREFIX + route, query_string=query)
    assert response.status_code in (200, 400, 404)
    if response.status_code != 200:
        assert set(response.get_json()["error"]) == {"code", "parameter", "message"}


def test_bounds_of_exports(tmp_path: Path, api_of: ApiOf, monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorboard_plugin.answers import picture_routes

    synthetic_logs.write(
        str(tmp_path), synthetic_logs.Spec(epochs=9, layers=1, images=1, channels=2, cell=4, size=8)
    )
    api = api_of(tmp_path)
    monkeypatch.setattr(picture_routes, "USUAL_FRAMES", 4)
    monkeypatch.setattr(picture_routes, "MOST_FRAMES", 5)
    monkeypatch.setattr(picture_routes, "MOST_ZIPPED", 5)
    query = {"run": "keras_viz", "tag": "filters/conv2d_0"}
    assert image_of(api.get("export.gif", **query)).n_frames == 3  # type: ignore[attr-defined]
    error = api.get("export.gif", **query, every=1).get_json()["error"]
    assert "every=2" in error["message"]
    assert api.get("export.gif", **query, every=2).status_code == 200
    assert api.get("export.zip", **query).get_json()["error"]["parameter"] == "every"


def test_damaged_pictures_are_said_and_left_out(tmp_path: Path, api_of: ApiOf) -> None:
    log = synthetic_logs.write(str(tmp_path), SPEC)
    data = bytearray(Path(log.path).read_bytes())
    data[data.index(log.pictures[GRID, 3].png) + 50] ^= 1
    Path(log.path).write_bytes(data)
    api = api_of(tmp_path)
    api.settled()
    query = {"run": "keras_viz", "tag": GRID}
    for route in ("picture", "thumbnail", "levels", "record"):
        response = api.get(route, **query, step=3)
        assert response.status_code == 410
        assert response.get_json()["error"]["code"] == "damaged"
        assert api.get(route, **query, step=4).status_code == 200
    archive = zipfile.ZipFile(io.BytesIO(api.get("export.zip", **query).data))
    assert "activations-conv2d_1-image_1-step3.png" not in archive.namelist()
    assert "step3" in archive.read("README.txt").decode()
    gif = image_of(api.get("export.gif", **query))
    assert gif.n_frames == SPEC.epochs - 1  # type: ignore[attr-defined]
    while (health := api.json("health", run="keras_viz", measure="change", image="image_1"))[
        "pending"
    ]:
        pass
    row = health["values"][health["tags"].index(GRID)]
    assert [step for step, value in enumerate(row) if value is None] == [0, 3, 4]


def test_a_file_deleted_under_it_is_gone_and_then_unknown(tmp_path: Path, api_of: ApiOf) -> None:
    log = synthetic_logs.write(str(tmp_path), SPEC)
    api = api_of(tmp_path)
    api.settled()
    Path(log.path).unlink()
    query = {"run": "keras_viz", "tag": GRID, "step": 3}
    assert api.get("picture", **query).get_json()["error"]["code"] == "gone"
    api.json("runs")
    assert api.get("picture", **query).get_json()["error"]["code"] == "unknown_tag"


NAMES = ["<img src=x onerror=alert(1)>", "a/b?c=d&e#f %", "日本語 \u202e", "'\"\n\t", "x" * 5000]


@pytest.mark.parametrize("name", NAMES)
def test_names_may_hold_anything(tmp_path: Path, api_of: ApiOf, name: str) -> None:
    spec = synthetic_logs.Spec(epochs=2, layers=1, images=1, channels=2, cell=4, size=8, name=name)
    log = synthetic_logs.write(str(tmp_path), spec)
    api = api_of(tmp_path)
    api.settled()
    run = api.json("run", run="keras_viz")
    assert [image["name"] for image in run["images"]] == [name]
    for tag in log.tags:
        response = api.get("picture", run="keras_viz", tag=tag, step=0, download=1)
        assert response.data == log.pictures[tag, 0].png
        stem = re.fullmatch(
            r'attachment; filename="([^"]*)";.*', response.headers["Content-Disposition"]
        )
        assert stem is not None
        assert re.fullmatch(r"[\w.+=-]{1,220}\.png", stem[1])


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
    assert api.json("runs")["runs"][0]["problems"] == 0, "nobody has looked at it before"


def test_numbers_that_json_has_not_become_null(
    tmp_path: Path, api_of: ApiOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = event_file.EventFile(str(tmp_path / "keras_viz"))
    content = (
        b'{"version":1,"technique":"t","tag":"t/a","width":1,"height":1,"dead_fraction":1e999,'
        b'"value_range":[-1e999,1e999],"metrics":{"loss":1e999},'
        b'"prediction":{"index":-3,"name":"x","probability":1e200},'
        b'"layer":{"path":"a","class_name":"A","index":0,"shape":[]}}'
    )
    monkeypatch.setattr(schema, "encode_record", lambda _: content)
    record = summaries.record(schema.Record("t", "t/a", 1, 1))._replace(record=None)
    file.write(0, [record, summaries.image("t/a", b"no picture", 1, 1)])
    file.close()
    api = api_of(tmp_path)
    api.settled()
    assert api.json("metrics", run="keras_viz")["metrics"] == {"loss": [None]}
    assert api.json("health", run="keras_viz")["values"] == [[None]]
    assert api.json("series", run="keras_viz", tag="t/a")["series"][0]["prediction"] is None
    record = api.json("record", run="keras_viz", tag="t/a", step=0)
    assert record["record"]["value_range"] == [None, None]
    assert record["picture"]["content_type"] == "application/octet-stream"
    assert api.get("thumbnail", run="keras_viz", tag="t/a", step=0).status_code == 410


def test_thumbnails_are_kept_up_to_so_many_bytes() -> None:
    from tensorboard_plugin.log.byte_cache import ByteCache

    cache = ByteCache(100)
    for key in range(50):
        assert cache.get(key, lambda: b"x" * 10) == b"x" * 10
    assert cache.size <= 100
    assert cache.get(49, lambda: b"made again") == b"x" * 10
    assert cache.get(0, lambda: b"made again") == b"made again"
    cache.get("large", lambda: b"x" * 1000)
    assert cache.size <= 100
