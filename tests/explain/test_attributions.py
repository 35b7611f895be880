"""Attributions: gradients at every point of a method, in the layout of the image."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks import saliency
from keras_viz_callbacks.maps import pixel_attribution
from keras_viz_callbacks.maps.pixel_attribution import ATTRIBUTIONS
from tests.helpers.model_state import assert_same_state, state_of
from tests.helpers.models import small_model


def test_mean_and_mean_square_of_the_gradients_are_gathered():
    inputs = keras.Input((2, 2, 1))
    # y = sum of x³: the gradient is 3 x².
    cube = layers.Lambda(lambda x: keras.ops.sum(x**3, axis=(1, 2)))
    model = keras.Model(inputs, cube(inputs))
    image = np.full((1, 2, 2, 1), 2, np.float32)
    with ATTRIBUTIONS.restored():

        def scaled(image, baseline, seed):
            yield from (baseline, image / 2, image)

        @pixel_attribution.attribution("Spread", points=scaled)
        def spread(image, baseline, gradients):
            assert not baseline.any()
            return gradients.mean_square - gradients.mean**2

        found = saliency(model, image, lambda outputs: outputs[:, 0], "spread")
    # 0, 3 and 12: a mean of 5, a mean square of 51.
    np.testing.assert_allclose(found, np.full((1, 2, 2), 51 - 25), rtol=1e-5)


def test_the_class_of_the_image_is_explained_at_all_points(images):
    model = small_model()
    with ATTRIBUTIONS.restored():

        def far(image, baseline, seed):
            yield image
            yield baseline

        @pixel_attribution.attribution("Far", points=far)
        def at_far(image, baseline, gradients):
            return gradients.mean

        found = saliency(model, images, None, "at_far")
        predicted = model.predict(images, verbose=0).argmax(axis=-1)
        named = saliency(model, images, predicted.tolist(), "at_far")
    np.testing.assert_allclose(found, named, atol=1e-7)


def test_channels_first_images_have_attributions_with_the_channels_last():
    inputs = keras.Input((3, 6, 6))
    conv = layers.Conv2D(4, 3, data_format="channels_first", activation="relu")
    x = layers.Dense(2)(layers.Flatten()(conv(inputs)))
    model = keras.Model(inputs, x)
    images = np.random.default_rng(0).random((2, 3, 6, 6), np.float32)
    found = saliency(model, images, 1, sum_channels=False)
    assert found.shape == (2, 6, 6, 3)
    assert np.abs(found).max() > 0


def test_an_image_without_a_channel_axis():
    model = keras.Sequential(
        [
            keras.Input((6, 6)),
            layers.Reshape((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    images = np.random.default_rng(0).random((2, 6, 6), np.float32)
    assert saliency(model, images, 0).shape == (2, 6, 6)


def test_integer_images_have_gradients_too():
    inputs = keras.Input((4, 4, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Flatten()(layers.Conv2D(2, 3)(x))
    model = keras.Model(inputs, layers.Dense(2)(x))
    images = np.random.default_rng(0).integers(0, 255, (2, 4, 4, 3)).astype(np.uint8)
    assert np.abs(saliency(model, images, 0)).max() > 0


def test_the_model_is_as_it_was(images):
    model = small_model()
    before = state_of(model)
    saliency(model, images)
    assert_same_state(before, state_of(model))


def test_an_unknown_method_is_refused(images):
    with pytest.raises(ValueError, match="`method` must be one of 'gradient'"):
        saliency(small_model(), images, method="grad")
