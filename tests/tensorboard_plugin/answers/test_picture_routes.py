from __future__ import annotations

import io
import typing
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tensorboard_plugin import schema
from tensorboard_plugin.answers import picture_routes
from tests.helpers import synthetic_logs
from tests.helpers.tab_api import GRID, MAP, PREFIX, RUN, SPEC, Api, image_of

ApiOf = Callable[[typing.Any], Api]


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


def test_bounds_of_exports(tmp_path: Path, api_of: ApiOf, monkeypatch: pytest.MonkeyPatch) -> None:

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
