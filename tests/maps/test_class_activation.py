"""Class activation methods on arrays small enough to work the papers out by hand."""

import numpy as np
import pytest

from keras_viz_callbacks.maps import class_activation
from keras_viz_callbacks.maps.class_activation import class_activation_map
from tests.helpers import paper_formulas

# One image, a 1 × 2 map, 2 channels.
ACTIVATIONS = np.array([[[[1, 2], [3, 4]]]], np.float32)
GRADIENTS = np.array([[[[1, -2], [3, 0]]]], np.float32)


def test_grad_cam_by_hand():
    # Equation 1: the weights are the mean gradients, (1 + 3) / 2 = 2 and (-2 + 0) / 2 = -1.
    # Equation 2: 2 * 1 - 1 * 2 = 0 and 2 * 3 - 1 * 4 = 2.
    np.testing.assert_array_equal(class_activation_map(ACTIVATIONS, GRADIENTS), [[[0, 2]]])


def test_hires_cam_by_hand():
    # The sum over channels of gradient times activation: 1 - 4 = -3 and 9 + 0 = 9.
    found = class_activation_map(ACTIVATIONS, GRADIENTS, "hires_cam")
    np.testing.assert_array_equal(found, [[[0, 9]]])


def test_layer_cam_by_hand():
    # The same with positive gradients only: 1 + 0 = 1 and 9 + 0 = 9.
    found = class_activation_map(ACTIVATIONS, GRADIENTS, "layer_cam")
    np.testing.assert_array_equal(found, [[[1, 9]]])


def test_xgrad_cam_by_hand():
    # Weights: (1 * 1 + 3 * 3) / (1 + 3) = 2.5 and (2 * -2 + 4 * 0) / (2 + 4) = -2 / 3.
    # Maps: 2.5 * 1 - 2 / 3 * 2 = 7 / 6 and 2.5 * 3 - 2 / 3 * 4 = 29 / 6.
    found = class_activation_map(ACTIVATIONS, GRADIENTS, "xgrad_cam")
    np.testing.assert_allclose(found, [[[7 / 6, 29 / 6]]], rtol=1e-6)


def test_grad_cam_plus_plus_by_hand():
    # Equation 19, channel 0 (activations sum to 4): 1 / (2 + 4 * 1) = 1 / 6 and
    # 9 / (18 + 4 * 27) = 1 / 14; its weight (equation 10): 1 / 6 * 1 + 1 / 14 * 3 = 8 / 21.
    # Channel 1 has no positive gradient: its weight is 0.
    found = class_activation_map(ACTIVATIONS, GRADIENTS, "grad_cam_plus_plus")
    np.testing.assert_allclose(found, [[[8 / 21, 24 / 21]]], rtol=1e-6)


OF_GRADIENTS = [m.name for m in class_activation.METHODS.values() if m.tries is None]


@pytest.mark.parametrize("name", OF_GRADIENTS)
def test_without_activations_or_gradients_every_map_is_zero(name):
    zeros = np.zeros_like(ACTIVATIONS)
    assert not class_activation_map(zeros, GRADIENTS, name).any()
    assert not class_activation_map(ACTIVATIONS, zeros, name).any()


def test_every_method_has_an_independent_formula():
    assert set(paper_formulas.METHODS) == set(OF_GRADIENTS)
    # These run the network again: tests/agreement compares them.
    assert {*OF_GRADIENTS, *paper_formulas.TRIES} == set(class_activation.METHODS)


@pytest.mark.parametrize("name", OF_GRADIENTS)
def test_every_method_agrees_with_its_independent_formula(name):
    random = np.random.default_rng(0)
    activations = np.maximum(random.normal(size=(3, 4, 5, 6)), 0).astype(np.float32)
    gradients = random.normal(size=activations.shape).astype(np.float32)
    activations[0, ..., 0] = 0
    found = class_activation_map(activations, gradients, name)
    expected = paper_formulas.class_map(name, activations, gradients)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())
    assert (found > 0).any()


def test_relu_keeps_only_evidence_for_the_class():
    assert (class_activation_map(ACTIVATIONS, -GRADIENTS) == 0).all()


def test_images_do_not_touch_each_other():
    both = class_activation_map(
        np.concatenate([ACTIVATIONS, 5 * ACTIVATIONS]), np.concatenate([GRADIENTS, GRADIENTS])
    )
    np.testing.assert_array_equal(both[1], 5 * both[0])


def test_an_unknown_method_is_reported_with_the_known_ones():
    with pytest.raises(ValueError, match=r"one of 'grad_cam', .*Received: method='gradcam'"):
        class_activation_map(ACTIVATIONS, GRADIENTS, "gradcam")


def test_a_method_is_one_decorated_function():
    with class_activation.METHODS.restored():

        @class_activation.method
        def first_channel(activations, gradients):
            return activations[..., 0] - 2

        found = class_activation_map(ACTIVATIONS, GRADIENTS, "first_channel")
    np.testing.assert_array_equal(found, [[[0, 1]]])
