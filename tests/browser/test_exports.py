"""Every download: what it is called, and what is in it."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import EPOCHS
from tests.helpers.event_logs import decode, rgb
from tests.helpers.real_logs import LAYERS

LAYER = "block1/conv_a"
TAG = f"activations/{LAYER}/image_1"
STEM = "run1-activations-block1_conv_a-image_1"


def download(tab, name):
    """File name and bytes that a link of the menu leads to."""
    if not tab.find(".exports .menu").is_visible():
        tab.find(".exports summary").click()
    with tab.page.expect_download() as started:
        tab.frame.get_by_role("link", name=re.compile(name.replace(" ", r"\s*"))).click()
    with open(started.value.path(), "rb") as file:
        return started.value.suggested_filename, file.read()


def unzip(data):
    """File name to bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def frames(data):
    """The pictures of an animation, RGB."""
    film = Image.open(io.BytesIO(data))
    assert film.info["loop"] == 0
    pictures = []
    for i in range(film.n_frames):
        film.seek(i)
        pictures.append(np.asarray(film.convert("RGB")))
    return pictures


@pytest.mark.parametrize("view", ["picture", "layers"])
def test_a_picture_is_downloaded_as_it_was_written(tab, log, view):
    tab.open(view=view, layer=LAYER, image="image_1", step=9)
    assert download(tab, "This picture PNG") == (f"{STEM}-step9.png", log.pictures[TAG, 9].png)
    tab.press("Escape")


def test_a_series_is_downloaded_as_film_and_as_files(tab, log):
    tab.open(view="picture", layer=LAYER, image="image_1", step=9)
    name, data = download(tab, "All epochs of it GIF")
    assert name == f"{STEM}.gif"
    film = frames(data)
    assert len(film) == EPOCHS
    for step in (0, EPOCHS - 1):
        written = np.asarray(decode(log.pictures[TAG, step].png).convert("RGBA")).astype(int)
        opaque = written[..., 3] == 255
        # The colours of a frame are at most 256.
        assert np.abs(film[step][opaque] - written[opaque][..., :3]).mean() < 4
    name, data = download(tab, "All epochs of it ZIP")
    assert name == f"{STEM}.zip"
    assert unzip(data) == {
        f"{STEM}-step{step}.png": log.pictures[TAG, step].png for step in range(EPOCHS)
    }
    tab.press("Escape")


def test_all_layers_are_downloaded_of_one_epoch_and_of_all(tab, log):
    tab.open(view="picture", layer=LAYER, image="image_1", step=9)

    def expected(steps):
        return {
            f"run1-activations-{path.replace('/', '_')}-image_1-step{step}.png": log.pictures[
                f"activations/{path}/image_1", step
            ].png
            for path in LAYERS
            for step in steps
        }

    name, data = download(tab, f"All {len(LAYERS)} layers, this epoch ZIP")
    assert name == "run1-pictures.zip"
    assert unzip(data) == expected([9])
    _, data = download(tab, f"All {len(LAYERS)} layers, all epochs ZIP")
    assert unzip(data) == expected(range(EPOCHS))
    tab.press("Escape")


def test_a_channel_is_downloaded_alone(tab, log):
    record = log.pictures[TAG, 9].record
    grid = record.grid
    item = grid.items[3]
    tab.open(view="channels", layer=LAYER, image="image_1", step=9, item=item)
    name, data = download(tab, f"Channel {item} PNG")
    assert name == f"{STEM}-channel{item}-step9.png"
    x = grid.gap + 3 % grid.columns * (grid.cell_width + grid.gap)
    y = grid.gap + 3 // grid.columns * (grid.cell_height + grid.gap)
    cell = rgb(log.pictures[TAG, 9].png)[y : y + grid.cell_height, x : x + grid.cell_width]
    assert np.array_equal(rgb(data), cell)
    name, data = download(tab, f"Channel {item}, all epochs GIF")
    assert name == f"{STEM}-channel{item}.gif"
    film = frames(data)
    assert len(film) == EPOCHS
    assert film[9].shape[0] >= grid.cell_height
    tab.press("Escape")
