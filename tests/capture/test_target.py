import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks.capture.plan import select_for_class_maps
from keras_viz_callbacks.capture.survey import survey


def model_that_ends_in_a_convolution(pooling):
    """Two convolutions of maps, then one on what pooling leaves, as MobileNet classifies."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, name="first"),
            layers.Conv2D(4, 3, name="second"),
            pooling,
            layers.Conv2D(5, 1, name="classifies"),
            layers.GlobalAveragePooling2D(),
        ]
    )


def picked(model, selector=None):
    found = survey(model, np.zeros((1, 8, 8, 3), np.float32))
    return [call.path for call in select_for_class_maps(found, selector)]


def test_the_last_convolution_of_maps_is_explained():
    pooled = model_that_ends_in_a_convolution(layers.GlobalAveragePooling2D(keepdims=True))
    assert picked(pooled) == ["second"]
    assert picked(pooled, "classifies") == ["classifies"]
    assert picked(model_that_ends_in_a_convolution(layers.MaxPooling2D())) == ["classifies"]


@pytest.mark.parametrize("size", [1, 3])
def test_a_model_of_nothing_but_pixels_keeps_its_last_convolution(size):
    model = keras.Sequential(
        [keras.Input((size, size, 3)), layers.Conv2D(2, size, name="only"), layers.Flatten()]
    )
    found = survey(model, np.zeros((1, size, size, 3), np.float32))
    assert [call.path for call in select_for_class_maps(found, None)] == ["only"]
