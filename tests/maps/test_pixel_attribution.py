"""Pixel attribution methods on arrays small enough to work the papers out by hand."""

import numpy as np

from keras_viz_callbacks.maps.pixel_attribution import ATTRIBUTIONS, Gradients
from tests.helpers import paper_formulas

# One image of 1 × 2 pixels and one channel.
IMAGE = np.array([[[[2], [3]]]], np.float32)
GRADIENT = np.array([[[[0.5], [-1]]]], np.float32)


def test_the_gradient_is_taken_at_the_image_and_returned_with_its_sign():
    method = ATTRIBUTIONS.find("gradient")
    (point,) = method.points(IMAGE, 0 * IMAGE, 0)
    np.testing.assert_array_equal(point, IMAGE)
    found = method.formula(IMAGE, 0 * IMAGE, Gradients(GRADIENT, GRADIENT**2))
    np.testing.assert_array_equal(found, GRADIENT)


def test_every_method_has_an_independent_formula():
    # tests/agreement compares them.
    assert set(paper_formulas.ATTRIBUTIONS) == set(ATTRIBUTIONS)
