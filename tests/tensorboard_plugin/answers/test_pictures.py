from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tensorboard_plugin import schema
from tensorboard_plugin.answers import pictures
from tensorboard_plugin.log.log_errors import Damaged

GRID = schema.Grid(columns=2, rows=2, cell_width=3, cell_height=2, gap=1, items=(5, 6, 7))


def picture_of(grid: schema.Grid) -> Image.Image:
    """Each cell in a grey of its own: 50 for the first, 60 for the next, …; 0 between them."""
    height, width = grid.size
    pixels = np.zeros((height, width), np.uint8)
    for i in range(len(grid.items)):
        top, left = grid.corner(i)
        pixels[top : top + grid.cell_height, left : left + grid.cell_width] = 50 + 10 * i
    return Image.fromarray(pixels)


@pytest.mark.parametrize("place", range(3))
def test_a_cell_is_cut_out_of_its_grid(place: int) -> None:
    data = pictures.encode(picture_of(GRID))
    cell = np.asarray(pictures.decode(pictures.cell(data, GRID, place, None)))
    assert cell.tolist() == np.full((2, 3), 50 + 10 * place).tolist()
    assert pictures.decode(pictures.cell(data, GRID, place, 9)).size == (9, 6)


@pytest.mark.parametrize("place", [4, 9])
def test_a_grid_that_does_not_fit_is_damaged(place: int) -> None:
    with pytest.raises(Damaged, match="the grid in its record does not fit the picture"):
        pictures.cut(picture_of(GRID), GRID, place)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_damaged(data: bytes) -> None:
    with pytest.raises(Damaged, match="the picture can't be decoded"):
        pictures.decode(data)


def test_the_longer_side_is_made_small() -> None:
    image = Image.new("RGB", (40, 10), "red")
    small = pictures.shrink(image, 8)
    assert (small.size, small.getpixel((0, 0))) == ((8, 2), (255, 0, 0))
    assert pictures.shrink(image, 40).size == (40, 10)
    data = pictures.encode(image)
    assert pictures.thumbnail(data, 64) == data


def test_levels_are_there_for_a_palette_alone() -> None:
    grey = picture_of(GRID)
    assert pictures.levels(pictures.encode(grey)) is None
    palette = grey.convert("P")
    found = pictures.levels(pictures.encode(palette))
    assert found is not None
    assert np.array_equal(np.asarray(pictures.decode(found)), np.asarray(palette))


def test_eight_bits_round_sixteen() -> None:
    values = np.array([[0, 257, 257 * 128, 257 * 128 + 128, 257 * 128 + 129, 65535]], np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    found = np.asarray(pictures.decode(pictures.eight_bits(buffer.getvalue())))
    assert found.tolist() == [[0, 1, 128, 128, 129, 255]]


def test_the_difference_of_two_pictures_is_their_mean() -> None:
    black, white = Image.new("L", (4, 2)), Image.new("L", (4, 2), 255)
    assert pictures.difference(black, white) == 1
    assert pictures.difference(black, black) == 0
    white.paste(0, (0, 0, 1, 2))
    assert pictures.difference(black, white) == 0.75
    assert pictures.difference(black, Image.new("L", (2, 4))) is None
