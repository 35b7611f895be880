import numpy as np

from keras_viz_callbacks.patterns.transforms import MARGIN, Transform, margin
from tests.helpers.models import small_model
from tests.helpers.patterns import ascent


def test_a_transform_without_choices_changes_nothing():
    unchanged = Transform()
    choices = unchanged.draw(np.random.default_rng(0), 3, (4, 4, 3))
    assert len(choices) == 3
    images = np.ones((1, 4, 4, 3))
    assert unchanged.apply(images, choices[0]) is images


def test_margins_add_up_and_are_cut_off():
    own = ascent(small_model(), "conv_a", 2, size=8, transforms=(margin(), margin(3)))
    assert own.margin == MARGIN + 3
    assert own.shape == (22, 22, 3)
    images = np.arange(2 * 22 * 22 * 3).reshape(2, 22, 22, 3)
    np.testing.assert_array_equal(own.without_margin(images), images[:, 7:-7, 7:-7])


def test_no_margin_leaves_the_images_as_they_are():
    own = ascent(small_model(), "conv_a", 2, size=8, transforms=())
    assert own.shape == (8, 8, 3)
    images = np.zeros((2, 8, 8, 3))
    assert own.without_margin(images).shape == images.shape
