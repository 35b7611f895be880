import numpy as np
import pytest

from keras_viz_callbacks.maps.places import (
    LONGEST,
    as_pictures,
    map_slices,
    mosaic_of_slices,
    signals_as_pictures,
    slices_of,
)


def test_images_stay_as_they_are():
    images = np.zeros((2, 4, 5, 3), np.float32)
    assert as_pictures(images) is images
    assert signals_as_pictures(images) is images


def test_a_sequence_becomes_a_strip_with_its_steps_from_left_to_right():
    steps = np.arange(2 * 16 * 3, dtype=np.float32).reshape(2, 16, 3)
    strips = as_pictures(steps)
    assert strips.shape == (2, 2, 16, 3)
    for row in range(2):
        np.testing.assert_array_equal(strips[:, row], steps)


def test_the_channels_of_a_signal_are_rows():
    signal = np.array([[[1.0, 5.0], [2.0, 6.0], [3.0, 7.0], [4.0, 8.0]]], np.float32)
    picture = signals_as_pictures(signal)[0, ..., 0]
    np.testing.assert_array_equal(picture, [[1, 2, 3, 4], [5, 6, 7, 8]])


def test_of_a_long_signal_neighbours_are_averaged():
    signal = np.repeat([[[0.0], [1.0]]], 2 * LONGEST, axis=1).astype(np.float32)
    picture = signals_as_pictures(signal)
    assert picture.shape[2] == LONGEST
    np.testing.assert_array_equal(picture[0, 0, : LONGEST // 2, 0], 0)
    np.testing.assert_array_equal(picture[0, -1, LONGEST // 2 :, 0], 1)


@pytest.mark.parametrize(("depth", "slices"), [(1, 1), (5, 4), (8, 6), (9, 9), (200, 9)])
def test_the_slices_of_a_volume_fill_a_rectangle(depth, slices):
    assert slices_of(depth) == slices
    picture = as_pictures(np.zeros((1, depth, 2, 3, 1), np.float32))
    assert picture.shape[1] * picture.shape[2] == slices * 2 * 3


def test_slices_are_evenly_spread_row_by_row():
    depth = np.arange(8, dtype=np.float32)
    volume = np.broadcast_to(depth[None, :, None, None, None], (1, 8, 2, 2, 1))
    picture = as_pictures(volume)[0, ::2, ::2, 0]
    np.testing.assert_array_equal(picture, [[0, 2, 3], [4, 6, 7]])


def test_a_heat_map_is_read_between_its_own_slices():
    # Two slices of the layer, of values 0 and 1, lie at 1/4 and 3/4 of the volume's depth.
    heat_map = np.array([0, 1], np.float32)[:, None, None] * np.ones((2, 1, 1), np.float32)
    found = map_slices(heat_map, 4)[:, 0, 0]
    np.testing.assert_allclose(found, [0, 0.25, 0.75, 1])
    np.testing.assert_allclose(mosaic_of_slices(map_slices(heat_map, 4)), [[0, 0.25], [0.75, 1]])
