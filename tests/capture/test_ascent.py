import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks.capture.ascent import (
    MARGIN,
    Ascent,
    AscentSettings,
    guess_value_range,
    image_input,
    pick_filters,
    start_images,
)
from keras_viz_callbacks.capture.selectors import select
from keras_viz_callbacks.capture.survey import survey
from tests.helpers.models import compiled, small_model, subclassed_model


def ascent(model, layer, **settings):
    found = survey(model, image_input(model).sample())
    return Ascent(model, found, select(found.calls, layer)[0], AscentSettings(**settings))


def mean_response(model, layer, images, filters):
    """Each filter's mean response to its image, by a sub-model."""
    sub_model = keras.Model(model.inputs, model.get_layer(layer).output)
    answer = sub_model.predict(images, verbose=0)
    return answer.mean(axis=(1, 2))[np.arange(len(filters)), filters]


def test_responses_are_those_of_the_images_and_rise():
    model = small_model(functional=True)
    filters = np.array([4, 0, 2], np.int32)
    # 8 pixels and the margin around them: the model's own 16.
    start, signals = ascent(model, "conv_b", size=8).climb(filters)
    np.testing.assert_allclose(
        signals.start, mean_response(model, "conv_b", start, filters), atol=1e-5
    )
    np.testing.assert_allclose(
        signals.response, mean_response(model, "conv_b", signals.images, filters), rtol=1e-4
    )
    assert (signals.response > signals.start).all()


def test_one_step_by_hand():
    # A 1 × 1 convolution with weights (1, 0, -2): the gradient of its mean response is the same
    # at every pixel and proportional to the weights, of root mean square sqrt(5 / 3).
    conv = layers.Conv2D(1, 1, use_bias=False, name="conv")
    model = keras.Sequential([keras.Input((4, 4, 3)), conv])
    conv.set_weights([np.array([1, 0, -2], np.float32).reshape(1, 1, 3, 1)])
    start, signals = ascent(model, "conv", steps=1, learning_rate=0.5).climb(
        np.array([0], np.int32)
    )
    expected = start + 0.5 * np.array([1, 0, -2]) / np.sqrt(5 / 3)
    np.testing.assert_allclose(signals.images, expected, atol=1e-5)


def test_a_filter_climbs_the_same_way_alone_and_in_company():
    model = small_model()
    climb = ascent(model, "conv_b")
    _, together = climb.climb(np.arange(5, dtype=np.int32))
    _, alone = climb.climb(np.array([3], np.int32))
    np.testing.assert_allclose(alone.images[0], together.images[3], atol=1e-3)


def test_a_filter_that_sleeps_on_grey_is_woken():
    conv = layers.Conv2D(1, 3, activation="relu", name="conv")
    model = keras.Sequential([keras.Input((16, 16, 3)), conv])
    kernel = np.zeros((3, 3, 3, 1), np.float32)
    kernel[1, 0], kernel[1, 2] = 1, -1
    conv.set_weights([kernel, np.array([-1], np.float32)])
    _, signals = ascent(model, "conv").climb(np.array([0], np.int32))
    assert signals.start[0] == 0
    assert signals.response[0] > 0.1


def test_the_image_may_be_smaller_or_larger_than_the_models_input():
    model = small_model(functional=True)
    for size in (9, (12, 20), 40):
        climb = ascent(model, "conv_a", size=size)
        _, signals = climb.climb(np.array([0], np.int32))
        sides = (size, size) if isinstance(size, int) else size
        assert climb.cut(signals.images).shape == (1, *sides, 3)
    # The check of the input that was lifted for the passes is back.
    with pytest.raises(ValueError, match="expected shape"):
        model(np.zeros((1, 9, 9, 3), np.float32))


def test_a_layer_behind_a_fixed_size_takes_the_models_own():
    inputs = keras.Input((96, 96, 1))
    x = layers.Dense(64)(layers.Flatten()(inputs))
    x = layers.Conv2D(2, 3, name="late")(layers.Reshape((8, 8, 1))(x))
    model = keras.Model(inputs, x)
    climb = ascent(model, "late")
    assert climb.shape == (96, 96, 1)
    assert climb.cut(np.zeros((1, 96, 96, 1), np.float32)).shape == (1, 96, 96, 1)
    assert ascent(model, "late", size=96).shape == (96, 96, 1)
    with pytest.raises(ValueError, match=r"`size` must be one that the model can take.*size=32"):
        ascent(model, "late", size=32)


def test_a_large_input_is_bounded_and_keeps_its_proportions():
    model = keras.Sequential([keras.Input((120, 240, 3)), layers.Conv2D(2, 3, name="conv")])
    assert ascent(model, "conv").shape == (32 + 2 * MARGIN, 64 + 2 * MARGIN, 3)


def test_a_subclassed_model_climbs_in_the_shape_it_was_built_with():
    assert ascent(subclassed_model(), "conv_b").shape == (16 + 2 * MARGIN, 16 + 2 * MARGIN, 3)


def test_what_the_padding_draws_at_the_edge_is_cut_off():
    # Brightness against what is beside it: on a flat image only the zeros beyond the edge differ.
    conv = layers.Conv2D(1, 3, padding="same", use_bias=False, name="conv")
    model = keras.Sequential([keras.Input((40, 40, 1)), conv])
    kernel = np.array([[-1, -1, -1], [-1, 8.5, -1], [-1, -1, -1]], np.float32)
    conv.set_weights([kernel.reshape(3, 3, 1, 1)])
    climb = ascent(model, "conv")
    _, signals = climb.climb(np.array([0], np.int32))
    whole, shown = signals.images[0, ..., 0], climb.cut(signals.images)[0, ..., 0]
    edge = np.concatenate([whole[0], whole[-1], whole[:, 0], whole[:, -1]])
    assert edge.min() > shown.max() + 1
    assert shown.std() < 0.03  # the noise of the start


def test_start_images_are_grey_slightly_noisy_and_belong_to_filter_and_seed():
    filters = np.array([7, 1], np.int32)
    images = start_images(filters, (8, 8, 3), (0, 255), seed=0)
    assert abs(images.mean() - 127.5) < 2
    assert 2 < images.std() < 8
    np.testing.assert_array_equal(images[1], start_images(filters[1:], (8, 8, 3), (0, 255), 0)[0])
    assert (images[0] != images[1]).any()
    assert (images[0] != start_images(filters, (8, 8, 3), (0, 255), seed=1)[0]).any()


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


def test_filters_are_a_number_or_a_list():
    model = small_model()
    call = select(survey(model, np.zeros((1, 16, 16, 3), np.float32)).calls, "conv_a")[0]
    np.testing.assert_array_equal(pick_filters(call, 2), [0, 1])
    np.testing.assert_array_equal(pick_filters(call, 99), [0, 1, 2, 3])
    np.testing.assert_array_equal(pick_filters(call, [3, 1]), [3, 1])
    with pytest.raises(ValueError, match=r"`filters` must be below .*'conv_a', 4, .*filters=4"):
        pick_filters(call, [0, 4])
    for wrong in (0, [], ["a"]):
        with pytest.raises(ValueError, match="`filters` must be"):
            pick_filters(call, wrong)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "`steps` must be at least 1. Received: steps=0"),
        ({"learning_rate": 0}, "`learning_rate` must be above 0"),
        ({"size": 0}, "`size` must be a number of pixels, a pair"),
        ({"size": (1, 2, 3)}, "`size` must be a number of pixels, a pair"),
        ({"value_range": (1, 1)}, r"`value_range` must be \(lowest, highest\)"),
    ],
)
def test_wrong_settings_say_so(settings, message):
    with pytest.raises(ValueError, match=message):
        AscentSettings(**settings)


def test_a_model_without_an_image_input_says_so():
    model = compiled(keras.Sequential([keras.Input((5,)), layers.Dense(2)]))
    with pytest.raises(ValueError, match="one input of shape"):
        image_input(model)
