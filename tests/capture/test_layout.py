"""Which axes of an output are places and which are channels."""

import re

import numpy as np
import pytest

from keras_viz_callbacks.capture.layout import check_tokens_to_grid, layout_of


def layout(shape, *, channels_first=False, are_tokens=True, tokens_to_grid=None):
    return layout_of(
        shape, channels_first=channels_first, are_tokens=are_tokens, tokens_to_grid=tokens_to_grid
    )


@pytest.mark.parametrize(
    ("shape", "places", "channels"),
    [
        ((8, 6, 3), (8, 6), 3),
        ((4, 8, 6, 3), (4, 8, 6), 3),
        ((None, None, 3), (None, None), 3),
    ],
)
def test_the_last_axis_is_the_channels(shape, places, channels):
    found = layout(shape)
    assert (found.places, found.channels, found.channel_axis) == (places, channels, -1)


def test_channels_first_are_moved_to_the_end():
    found = layout((3, 8, 6), channels_first=True)
    assert (found.places, found.channels, found.channel_axis) == ((8, 6), 3, 1)
    output = np.random.default_rng(0).random((2, 3, 8, 6), np.float32)
    np.testing.assert_array_equal(found.to_maps(output), np.moveaxis(output, 1, -1))


@pytest.mark.parametrize("shape", [None, (5,), (2, 2, 2, 2, 2)])
def test_what_has_no_places_has_no_layout(shape):
    assert layout(shape) is None


def test_a_sequence_that_is_no_image_is_a_signal():
    found = layout((16, 8), are_tokens=False)
    assert (found.places, found.channels) == ((16,), 8)


@pytest.mark.parametrize(("tokens", "side"), [(16, 4), (17, 4), (50, 7)])
def test_tokens_are_a_square_without_the_class_token(tokens, side):
    found = layout((tokens, 8))
    assert found.places == (side, side)
    output = np.arange(tokens * 8, dtype=np.float32).reshape(1, tokens, 8)
    grid = found.to_maps(output)
    assert grid.shape == (1, side, side, 8)
    np.testing.assert_array_equal(grid[0, -1, -1], output[0, -1])


@pytest.mark.parametrize("tokens", [1, 2, 18, None])
def test_tokens_that_are_no_square_have_no_layout(tokens):
    assert layout((tokens, 8)) is None


def test_tokens_are_laid_out_as_the_user_says():
    found = layout((9, 2), tokens_to_grid=(2, 4))
    output = np.arange(18, dtype=np.float32).reshape(1, 9, 2)
    np.testing.assert_array_equal(found.to_maps(output), output[:, 1:].reshape(1, 2, 4, 2))
    assert layout((7, 2), tokens_to_grid=(2, 4)) is None


def test_tokens_are_laid_out_by_a_function():
    found = layout((6, 2), tokens_to_grid=lambda output: output.reshape(len(output), 3, 2, 2))
    assert found.places == (3, 2)
    # A function that is for other tokens leaves these out.
    assert layout((5, 2), tokens_to_grid=lambda output: output.reshape(-1, 3, 2, 2)) is None


def test_a_function_that_returns_no_grid_is_refused():
    message = (
        "`tokens_to_grid` must return an array of shape (batch, height, width, features). "
        "Received: a function that returns (1, 6, 2) for (1, 6, 2)"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        layout((6, 2), tokens_to_grid=lambda output: output)


@pytest.mark.parametrize("wrong", [(2,), (2, 0), "square", 4])
def test_what_is_no_grid_is_refused_at_once(wrong):
    message = (
        "`tokens_to_grid` must be (height, width), a function from (batch, tokens, features) to "
        f"(batch, height, width, features), or None. Received: tokens_to_grid={wrong!r}"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        check_tokens_to_grid(wrong)
