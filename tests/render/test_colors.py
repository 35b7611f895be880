"""Colours of values, by hand."""

import numpy as np
import pytest

from keras_viz_callbacks.render import colors
from tensorboard_plugin.schema import (
    PALETTE_BLANK,
    PALETTE_GAP,
    PALETTE_LEVELS,
    PALETTE_NOT_FINITE,
)


def test_a_palette_has_the_colour_map_and_then_the_special_colours():
    palette = colors.palette("gray")
    assert palette.shape == (256, 3)
    ramp = np.round(np.linspace(0, 255, PALETTE_LEVELS))[:, None]
    np.testing.assert_allclose(palette[:PALETTE_LEVELS].astype(int) - ramp, 0, atol=2)
    assert palette[PALETTE_NOT_FINITE].tolist() == [255, 0, 160]
    assert palette[PALETTE_BLANK].tolist() == [136, 136, 140]
    assert palette[PALETTE_GAP].tolist() == [255, 255, 255]
    special = {PALETTE_NOT_FINITE, PALETTE_BLANK, PALETTE_GAP}
    assert special == set(range(PALETTE_LEVELS, 256)), "no entry has two meanings"


def test_every_second_entry_is_used():
    entries = colors.levels(np.linspace(-1, 3, 1000, dtype=np.float32), -1, 3)
    assert sorted(set(entries.tolist())) == list(range(0, PALETTE_LEVELS, colors.STEP))
    assert (np.diff(entries.astype(int)) >= 0).all()


def test_low_has_the_first_colour_high_the_last_and_values_outside_the_nearest():
    values = np.array([-5, 2, 4, 6, 9], np.float32)
    assert colors.levels(values, 2, 6).tolist() == [0, 0, 126, 252, 252]


def test_ranges_may_be_given_for_each_channel():
    values = np.array([[0, 1], [0, 10]], np.float32)
    low, high = np.zeros((2, 1), np.float32), np.array([[1], [10]], np.float32)
    assert colors.levels(values, low, high).tolist() == [[0, 252], [0, 252]]


def test_a_range_of_one_value_has_the_colour_in_the_middle():
    assert colors.levels(np.full(3, 7, np.float32), 7, 7).tolist() == [126] * 3


def test_values_that_are_not_finite_have_an_entry_of_their_own():
    values = np.array([np.nan, np.inf, -np.inf, 1], np.float32)
    expected = [PALETTE_NOT_FINITE] * 3 + [252]
    assert colors.levels(values, 0, 1).tolist() == expected


def test_the_values_themselves_are_not_changed():
    values = np.array([0, 1], np.float32)
    colors.levels(values, 0, 4)
    assert values.tolist() == [0, 1]


def test_an_unknown_map_is_an_error_with_the_nearest_names():
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared whole
        colors.palette("turbos")
    assert str(raised.value) == (
        "`colormap` must be the name of a matplotlib colour map. The nearest are: 'turbo', "
        "'turbo_r'. Received: colormap='turbos'"
    )
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared whole
        colors.palette("123456")
    assert str(raised.value) == (
        "`colormap` must be the name of a matplotlib colour map. Received: colormap='123456'"
    )
