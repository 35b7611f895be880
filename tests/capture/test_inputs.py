import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks.capture.inputs import (
    channels_last,
    guess_value_range,
    image_input,
    image_place,
)
from keras_viz_callbacks.capture.survey import survey
from tests.helpers.models import compiled


@pytest.mark.parametrize(
    ("rescaling", "expected"),
    [
        (layers.Rescaling(1 / 255), (0, 255)),
        (layers.Rescaling(1 / 127.5, offset=-1), (0, 255)),
        (layers.Rescaling(2.0, offset=-1), (0, 1)),
        (layers.Dropout(0.1), (0, 1)),
    ],
)
def test_the_value_range_follows_the_models_own_rescaling(rescaling, expected):
    model = keras.Sequential([keras.Input((8, 8, 3)), rescaling, layers.Conv2D(2, 3)])
    found = survey(model, np.zeros((1, 8, 8, 3), np.float32))
    assert guess_value_range(found) == expected


def test_a_model_without_an_image_input_says_so():
    model = compiled(keras.Sequential([keras.Input((5,)), layers.Dense(2)]))
    with pytest.raises(ValueError, match="one input of shape"):
        image_input(model)


@pytest.mark.parametrize(
    ("shapes", "place"),
    [
        ([(4, 8, 8, 3)], 0),
        ([(4, 7), (4, 8, 8, 3)], 1),
        ([(4, 8, 8, 64), (4, 8, 8, 3)], 1),
        ([(4, 3, 8, 8)], 0),
        ([(4, 6, 8, 8, 1), (4, 9, 2)], 0),
        ([(4, 28, 28)], 0),
        ([(None, None, None, 3)], 0),
        ([(4, 7), (4,)], None),
    ],
)
def test_the_image_is_told_among_the_inputs_by_its_shape(shapes, place):
    assert image_place(shapes) == place


def test_an_image_without_a_channel_axis_gets_one():
    images = np.random.default_rng(0).random((2, 8, 8), np.float32)
    model = keras.Sequential([keras.Input((8, 8)), layers.Reshape((8, 8, 1)), layers.Conv2D(2, 3)])
    found = channels_last(images, images, survey(model, images))
    np.testing.assert_array_equal(found, images[..., None])


def test_a_signal_keeps_its_channels():
    signals = np.random.default_rng(0).random((2, 8, 3), np.float32)
    model = keras.Sequential([keras.Input((8, 3)), layers.Conv1D(2, 3)])
    found = channels_last(signals, signals, survey(model, signals))
    np.testing.assert_array_equal(found, signals)


def test_images_with_channels_first_get_them_last_but_not_those_that_are_only_displayed():
    inputs = np.random.default_rng(0).random((2, 3, 8, 8), np.float32)
    conv = layers.Conv2D(2, 3, data_format="channels_first")
    model = keras.Sequential([keras.Input((3, 8, 8)), conv])
    found = survey(model, inputs)
    moved = np.moveaxis(inputs, 1, -1)
    np.testing.assert_array_equal(channels_last(inputs, inputs, found), moved)
    # What is displayed was turned by `preprocess`.
    assert channels_last(moved, inputs, found) is moved


def test_all_inputs_are_fed_and_those_that_are_no_image_are_zeros():
    image, size = keras.Input((8, 8, 3), name="image"), keras.Input((2,), name="size")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image))
    model = keras.Model({"size": size, "image": image}, layers.Concatenate()([x, size]))
    found = image_input(model)
    assert found.shape == (8, 8, 3)
    assert not found.channels_first
    sample = found.sample()
    assert sample["image"].shape == (1, 8, 8, 3)
    np.testing.assert_array_equal(sample["size"], np.zeros((1, 2)))
