import re

import keras
import numpy as np
import pytest

from keras_viz_callbacks.patterns.parametrisations import (
    PARAMETRISATIONS,
    Parametrisation,
    parametrisation,
)
from keras_viz_callbacks.patterns.settings import AscentSettings
from tests.helpers.models import small_model
from tests.helpers.patterns import ascent, start_images


@pytest.fixture(params=list(PARAMETRISATIONS))
def name(request):
    return request.param


def start_of(name, shape, items, seed=0):
    made = PARAMETRISATIONS.find(name)(shape)
    start = made.start(seed, np.array(items, np.int32))
    return start, keras.ops.convert_to_numpy(made.image(keras.ops.convert_to_tensor(start)))


def test_start_images_are_grey_slightly_noisy_and_belong_to_item_and_seed(name):
    parameters, images = start_of(name, (8, 12, 3), [7, 1])
    assert parameters.dtype == np.float32
    assert images.shape == (2, 8, 12, 3)
    assert abs(images.mean() - 0.5) < 2 / 255
    assert 1 / 255 < images.std() < 8 / 255
    np.testing.assert_array_equal(parameters[1], start_of(name, (8, 12, 3), [1])[0][0])
    assert (images[0] != images[1]).any()
    assert (images[0] != start_of(name, (8, 12, 3), [7], seed=1)[1][0]).any()


def test_pixels_start_with_noise_of_two_percent():
    _, images = start_of("pixels", (64, 64, 3), [0])
    assert images.std() == pytest.approx(0.02, rel=0.05)
    noise = np.random.default_rng((0, 0)).standard_normal((64, 64, 3), np.float32)
    np.testing.assert_allclose(images[0], 0.5 + 0.02 * np.clip(noise, -3, 3), rtol=1e-6)


def test_every_parametrisation_raises_the_response(name):
    result = ascent(small_model(), "conv_b", 3, parametrisation=name).run()
    assert (result.response > result.start).all()


def test_a_registered_class_is_a_value_of_the_argument():
    with PARAMETRISATIONS.restored():

        @parametrisation("one_colour")
        class OneColour(Parametrisation):
            """The same colour everywhere."""

            def start(self, seed, items):
                return np.full((len(items), self.shape[-1]), 0.5, np.float32)

            def image(self, parameters):
                shape = (-1, *self.shape)
                return keras.ops.broadcast_to(
                    parameters[:, None, None], (keras.ops.shape(parameters)[0], *shape[1:])
                )

        own = ascent(small_model(), "conv_a", 2, parametrisation="one_colour", steps=3)
        np.testing.assert_array_equal(start_images(own), np.full((2, 24, 24, 3), 0.5))
        result = own.run()
        assert result.parameters.shape == (2, 3)
        np.testing.assert_array_equal(np.ptp(result.images, axis=(1, 2)), np.zeros((2, 3)))
        assert result.improved.all()


def test_an_unknown_name_is_refused():
    names = ", ".join(map(repr, PARAMETRISATIONS))
    with pytest.raises(
        ValueError,
        match=re.escape(
            f"`parametrisation` must be one of {names}. Received: parametrisation='fourier'"
        ),
    ):
        AscentSettings(parametrisation="fourier")
