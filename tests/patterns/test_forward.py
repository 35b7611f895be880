import re

import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks.patterns.transforms import MARGIN
from tests.helpers.models import small_model, subclassed_model
from tests.helpers.patterns import ascent


def late_model():
    """A model whose convolution comes after layers of a fixed size, 96 × 96."""
    inputs = keras.Input((96, 96, 1))
    x = layers.Dense(64)(layers.Flatten()(inputs))
    x = layers.Conv2D(2, 3, name="late")(layers.Reshape((8, 8, 1))(x))
    return keras.Model(inputs, x)


def test_the_image_may_be_smaller_or_larger_than_the_models_input():
    model = small_model(functional=True)
    for size in (9, (12, 20), 40):
        own = ascent(model, "conv_a", [0], size=size)
        sides = (size, size) if isinstance(size, int) else size
        assert own.without_margin(own.run().images).shape == (1, *sides, 3)
    # The check of the input that was lifted for the passes is back.
    with pytest.raises(ValueError, match="expected shape"):
        model(np.zeros((1, 9, 9, 3), np.float32))


def test_a_layer_after_a_fixed_size_takes_the_models_own():
    own = ascent(late_model(), "late", [0])
    assert own.shape == (96, 96, 1)
    assert own.without_margin(np.zeros((1, 96, 96, 1), np.float32)).shape == (1, 96, 96, 1)
    assert ascent(late_model(), "late", [0], size=96).shape == (96, 96, 1)


def test_a_size_that_the_model_cannot_take_is_refused_with_the_models_own_words():
    with pytest.raises(ValueError, match=r"`size` must be one that the model can take") as error:
        ascent(late_model(), "late", [0], size=32)
    cause = error.value.__cause__
    assert str(error.value) == (
        "`size` must be one that the model can take up to layer 'late'. "
        f"Received: size=32. The model said: {cause}"
    )
    # The size that was asked for, without the margin.
    assert "1024" in str(cause) or re.search(r"\b32\b", str(cause))


def test_a_large_input_is_bounded_and_keeps_its_proportions():
    model = keras.Sequential([keras.Input((120, 240, 3)), layers.Conv2D(2, 3, name="conv")])
    assert ascent(model, "conv", [0]).shape == (32 + 2 * MARGIN, 64 + 2 * MARGIN, 3)


def test_a_subclassed_model_gets_images_of_the_shape_it_was_built_with():
    assert ascent(subclassed_model(), "conv_b", [0]).shape == (16 + 2 * MARGIN, 16 + 2 * MARGIN, 3)
