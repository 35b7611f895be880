import numpy as np
import pytest

from keras_viz_callbacks.render.picture import encode_heat_map, fitted, resize, to_rgb
from tests.helpers.event_logs import decode

RAMP = np.linspace(0, 1, 12, dtype=np.float32).reshape(1, 2, 2, 3)


@pytest.mark.parametrize(
    "images",
    [RAMP, RAMP * 2 - 1, RAMP * 255, np.round(RAMP * 255).astype(np.uint8), RAMP * 9000 - 4000],
    ids=["0 to 1", "-1 to 1", "0 to 255", "uint8", "any"],
)
def test_every_common_range_looks_the_same(images):
    np.testing.assert_allclose(to_rgb(images).astype(int), np.round(RAMP * 255), atol=1)


def test_grey_and_many_channels_become_rgb():
    assert to_rgb(RAMP[..., :1]).shape == (1, 2, 2, 3)
    assert to_rgb(np.concatenate([RAMP, RAMP], axis=-1)).shape == (1, 2, 2, 3)


def test_a_heat_map_survives_as_16_bit():
    heat_map = np.array([[0, 0.25], [0.5, 8]], np.float32)
    png, (low, highest) = encode_heat_map(heat_map)
    assert (low, highest) == (0, 8)
    back = np.asarray(decode(png)).astype(np.float32) / 65535 * highest
    np.testing.assert_allclose(back, heat_map, atol=8 / 65535)


@pytest.mark.parametrize(
    ("heat_map", "value_range"),
    [([[-2, 0], [1, 6]], (-2, 6)), ([[-2, -1]], (-2, 0)), ([[1, 6]], (0, 6))],
)
def test_both_ends_of_the_range_count(heat_map, value_range):
    heat_map = np.array(heat_map, np.float32)
    png, (low, high) = encode_heat_map(heat_map)
    assert (low, high) == value_range
    grey = np.asarray(decode(png)).astype(np.float32)
    np.testing.assert_allclose(low + (high - low) * grey / 65535, heat_map, atol=8 / 65535)


def test_a_heat_map_of_zeros_stays_zero():
    png, value_range = encode_heat_map(np.zeros((2, 3), np.float32))
    assert value_range == (0, 0)
    assert not np.asarray(decode(png)).any()


def test_maps_are_enlarged_bilinearly_with_half_pixel_centres():
    # Pixel centres of the result lie at -0.25, 0.25, 0.75, 1.25 of the source's pixels.
    enlarged = resize(np.array([[0, 4]], np.float32), 1, 4)
    np.testing.assert_allclose(enlarged, [[0, 1, 3, 4]])


def test_text_is_one_line_that_fits():
    assert fitted("seven", 100, (13, 11)) == ("seven", 13)
    assert fitted("a\nb\x00c", 100, (13, 11)) == ("a b c", 13)
    assert fitted("seven and eight", 100, (13, 11)) == ("seven and eight", 11)
    long, size = fitted("x" * 10_000, 100, (13, 11))
    assert size == 11
    assert long.endswith("…")
    assert len(long) < 30
