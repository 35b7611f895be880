import numpy as np
import pytest

from keras_viz_callbacks.maps.channels import statistics
from keras_viz_callbacks.render import colors, grid
from tensorboard_plugin.schema import (
    PALETTE_BLANK,
    PALETTE_GAP,
    PALETTE_LEVELS,
    PALETTE_NOT_FINITE,
)
from tests.helpers.event_logs import decode


def drawn(activation, *, scale="channel", cell_size=8, items=None):
    """Palette entries of a grid, and its layout."""
    items = range(activation.shape[-1]) if items is None else items
    cells = grid.layout(list(items), *activation.shape[:2], cell_size)
    picture = grid.draw_channels(
        activation, statistics(activation), cells, scale=scale, colormap="viridis"
    )
    image = decode(picture.data)
    assert image.mode == "P"
    assert image.size == (picture.width, picture.height)
    return np.asarray(image), cells


def cell(entries, cells, place):
    row, column = divmod(place, cells.columns)
    top = cells.gap + row * (cells.cell_height + cells.gap)
    left = cells.gap + column * (cells.cell_width + cells.gap)
    return entries[top : top + cells.cell_height, left : left + cells.cell_width]


@pytest.fixture
def activation():
    """2 × 4 maps of five channels: 0…7, 0…70, zeros, ones, and one with NaN."""
    ramp = np.arange(8, dtype=np.float32).reshape(2, 4)
    broken = ramp.copy()
    broken[0, 0] = np.nan
    return np.stack([ramp, 10 * ramp, 0 * ramp, 0 * ramp + 1, broken], axis=-1)


def test_cells_go_row_by_row_and_are_enlarged_by_an_integer(activation):
    entries, cells = drawn(activation)
    # Five maps twice as wide as high: 16 × 12 pixels are nearer to a square than 24 × 8.
    assert (cells.columns, cells.rows) == (2, 3)
    assert (cells.cell_height, cells.cell_width) == (4, 8)
    first = cell(entries, cells, 0)
    assert (first[:2, :2] == 0).all()
    assert (first[2:, 6:] == PALETTE_LEVELS - 1).all()
    assert (entries[: cells.gap] == PALETTE_GAP).all()
    assert (cell(entries, cells, 5) == PALETTE_GAP).all()


def test_each_channel_has_its_own_range_or_all_have_the_layers(activation):
    entries, cells = drawn(activation[..., :2])
    np.testing.assert_array_equal(cell(entries, cells, 0), cell(entries, cells, 1))
    entries, cells = drawn(activation[..., :2], scale="layer")
    assert cell(entries, cells, 0).max() == pytest.approx(
        (PALETTE_LEVELS - 1) / 10, abs=colors.STEP
    )
    assert cell(entries, cells, 1).max() == PALETTE_LEVELS - 1


def test_a_channel_of_zeros_is_blank_and_a_flat_one_is_not(activation):
    entries, cells = drawn(activation)
    assert (cell(entries, cells, 2) == PALETTE_BLANK).all()
    assert (cell(entries, cells, 3) == PALETTE_LEVELS // 2).all()


def test_what_is_not_finite_has_a_colour_of_its_own(activation):
    entries, cells = drawn(activation)
    broken = cell(entries, cells, 4)
    assert (broken[:2, :2] == PALETTE_NOT_FINITE).all()
    assert broken[-1, -1] == PALETTE_LEVELS - 1


def test_picked_channels_keep_their_order(activation):
    entries, cells = drawn(activation, items=[3, 0])
    assert cells.items == (3, 0)
    assert (cell(entries, cells, 0) == PALETTE_LEVELS // 2).all()


def test_a_large_map_is_averaged_down_to_the_cell():
    board = np.indices((100, 50)).sum(axis=0) % 2
    activation = board[..., None].astype(np.float32)
    entries, cells = drawn(activation, cell_size=10)
    assert (cells.cell_height, cells.cell_width) == (10, 5)
    assert (cell(entries, cells, 0) == PALETTE_LEVELS // 2).all()


def test_colours_are_those_of_the_colour_map():
    import matplotlib as mpl

    expected = np.round(np.array(mpl.colormaps["magma"](1.0)[:3]) * 255)
    np.testing.assert_allclose(colors.palette("magma")[PALETTE_LEVELS - 1], expected, atol=1)


def test_an_unknown_colour_map_is_an_error_with_the_nearest():
    with pytest.raises(ValueError, match=r"nearest are: 'viridis'.*colormap='viridiss'"):
        colors.palette("viridiss")


def test_patterns_keep_their_colours_and_dormant_ones_are_blank():
    patterns = np.zeros((3, 64, 64, 3), np.uint8)
    patterns[0] = (200, 10, 30)
    patterns[1, :, ::2] = (0, 160, 0)
    cells = grid.layout([5, 6, 7], 64, 64, 64)
    picture = grid.draw_patterns(patterns, [False, False, True], cells)
    shown = np.asarray(decode(picture.data)).astype(int)
    # A JPEG rings at edges, so the outermost pixels are left out.
    inner = [cell(shown, cells, place)[8:-8, 8:-8] for place in range(3)]
    assert np.abs(inner[0] - (200, 10, 30)).max() <= 3
    # Colours change from pixel to pixel, as brightness does.
    assert np.abs(inner[1] - patterns[1, 8:-8, 8:-8]).mean() < 6
    assert np.abs(inner[2] - colors.palette("viridis")[PALETTE_BLANK]).max() <= 3


def test_even_white_noise_is_true_to_a_third_of_its_contrast():
    noise = np.random.default_rng(0).normal(128, 51, (1, 64, 64, 3)).clip(0, 255)
    patterns = noise.astype(np.uint8)
    cells = grid.layout([0], 64, 64, 64)
    shown = np.asarray(decode(grid.draw_patterns(patterns, [False], cells).data))
    assert np.abs(cell(shown, cells, 0) - noise[0]).mean() < 51 / 3
