import numpy as np
import pytest

from keras_viz_callbacks.maps import measures
from keras_viz_callbacks.maps.measures import MEASURES, measure, measured, names_of

# Two images of 1 × 2 places and 4 channels: channel 0 is zero on both, 1 on the first,
# 2 on neither, 3 on the second.
ACTIVATIONS = np.array([[[[0, 0, 1, 0], [0, 0, 0, 2]]], [[[0, 3, 1, 0], [0, 0, 4, 0]]]], np.float32)


def test_a_channel_is_dead_only_if_no_image_activates_it():
    assert measured(ACTIVATIONS, "layer")["dead_channels"] == 0.25


@pytest.mark.parametrize("index", [0, 1])
def test_blank_channels_are_those_of_one_image(index):
    assert measured(ACTIVATIONS[index : index + 1], "picture")["blank_channels"] == 0.5


@pytest.mark.parametrize("places", [(6,), (2, 3), (2, 3, 2)])
def test_any_number_of_places(places):
    activations = np.ones((2, *places, 3), np.float32)
    activations[..., 1] = 0
    assert measures.dead_channels(activations) == pytest.approx(1 / 3)


def test_a_channel_may_have_its_only_other_value_at_the_end():
    activations = np.zeros((1, 100, 100, 3), np.float32)
    activations[0, -1, -1, 1] = -1
    activations[..., 2] = 1
    assert measures.blank_channels(activations) == pytest.approx(1 / 3)


def test_nan_is_no_zero():
    assert measures.dead_channels(ACTIVATIONS * np.nan) == 0


def test_a_registered_measure_is_measured_and_one_that_is_not_finite_is_none():
    before = names_of("layer"), names_of("picture")
    assert "dead_channels" in before[0]
    assert "blank_channels" in before[1]
    with MEASURES.restored():

        @measure(of="layer")
        def largest(activations):
            return activations.max()

        @measure(of="layer")
        def undefined(activations):
            return np.nan

        assert names_of("layer") == (*before[0], "largest", "undefined")
        assert names_of("picture") == before[1]
        found = measured(ACTIVATIONS, "layer")
        assert tuple(found) == names_of("layer")
        assert (found["largest"], found["undefined"]) == (4.0, None)
    assert (names_of("layer"), names_of("picture")) == before
