import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks.capture.layers import layer_paths
from keras_viz_callbacks.patterns.ascent import first_state, next_state
from keras_viz_callbacks.patterns.objectives import Objective, Score, Term, channel
from keras_viz_callbacks.patterns.transforms import Transform
from tests.helpers.model_state import assert_same_state, state_of
from tests.helpers.models import small_model
from tests.helpers.patterns import ascent, ascent_to, start_images
from tests.helpers.resource_growth import count_calls


def mean_response(model, layer, images, filters):
    """Each filter's mean response to its image, by a sub-model."""
    sub_model = keras.Model(model.inputs, model.get_layer(layer).output)
    answer = sub_model.predict(images, verbose=0)
    return answer.mean(axis=(1, 2))[np.arange(len(filters)), filters]


def linear_model(weights=(1, 0, -2)):
    """A 1 × 1 convolution with one filter of these weights."""
    conv = layers.Conv2D(1, 1, use_bias=False, name="conv")
    model = keras.Sequential([keras.Input((4, 4, len(weights))), conv])
    conv.set_weights([np.array(weights, np.float32).reshape(1, 1, -1, 1)])
    return model


def test_responses_are_those_of_the_images_and_rise():
    model = small_model(functional=True)
    filters = [4, 0, 2]
    # 8 pixels and the margin around them: the model's own 16.
    own = ascent(model, "conv_b", filters, size=8)
    result = own.run()
    np.testing.assert_allclose(
        result.start, mean_response(model, "conv_b", start_images(own), filters), atol=1e-5
    )
    np.testing.assert_allclose(
        result.response, mean_response(model, "conv_b", result.images, filters), rtol=1e-4
    )
    assert (result.response > result.start).all()
    assert result.improved.all()


def test_one_step_by_hand():
    # The gradient of the mean response is the same at every pixel and proportional to the weights,
    # of root mean square sqrt(5 / 3).
    own = ascent(linear_model(), "conv", [0], steps=1, learning_rate=0.5)
    expected = start_images(own) + 0.5 * np.array([1, 0, -2]) / np.sqrt(5 / 3)
    np.testing.assert_allclose(own.run().images, expected, atol=1e-5)


def test_a_step_is_a_share_of_the_value_range():
    settings = {"steps": 1, "learning_rate": 0.5, "value_range": (-1, 3)}
    own = ascent(linear_model(), "conv", [0], **settings)
    start = start_images(own)
    assert abs(start.mean() - 1) < 0.1
    expected = start + 4 * 0.5 * np.array([1, 0, -2]) / np.sqrt(5 / 3)
    np.testing.assert_allclose(own.run().images, expected, atol=1e-5)


def test_the_first_step_is_halved_until_one_raises_the_score():
    # One parameter x with the score 1 - |x|, from x = -0.1 with steps of 1: to 0.9, back and to
    # 0.4, back and to 0.15, back and to 0.025; then double steps along the gradient, up to 1.
    def score(x):
        return Score(np.array([1 - abs(x)]), np.array([1 - abs(x)]))

    state = first_state(keras.ops.convert_to_tensor([[-0.1]]), 1.0)
    seen = []
    for _ in range(6):
        x = float(keras.ops.convert_to_numpy(state.parameters)[0, 0])
        seen.append(x)
        gradient = keras.ops.convert_to_tensor([[-np.sign(x)]], "float32")
        found = Score(*(keras.ops.convert_to_tensor(v, "float32") for v in score(x)))
        state = next_state(state, found, gradient, 1.0)
    np.testing.assert_allclose(seen, [-0.1, 0.9, 0.4, 0.15, 0.025, -0.225], atol=1e-6)
    assert float(keras.ops.convert_to_numpy(state.best_parameters)[0, 0]) == pytest.approx(0.025)
    assert float(keras.ops.convert_to_numpy(state.best_score)[0]) == pytest.approx(0.975)
    assert float(keras.ops.convert_to_numpy(state.start_response)[0]) == pytest.approx(0.9)


def test_a_filter_gives_the_same_pattern_alone_and_among_others():
    model = small_model()
    together = ascent(model, "conv_b", 5).run()
    alone = ascent(model, "conv_b", [3]).run()
    np.testing.assert_allclose(alone.images[0], together.images[3], atol=1e-3)


def test_a_filter_whose_relu_is_shut_on_grey_is_opened():
    conv = layers.Conv2D(1, 3, activation="relu", name="conv")
    model = keras.Sequential([keras.Input((16, 16, 3)), conv])
    kernel = np.zeros((3, 3, 3, 1), np.float32)
    kernel[1, 0], kernel[1, 2] = 1, -1
    conv.set_weights([kernel, np.array([-1], np.float32)])
    result = ascent(model, "conv", [0]).run()
    assert result.start[0] == 0
    assert result.response[0] > 0.1


def test_a_filter_without_a_gradient_stays_as_it_was():
    model = linear_model((0, 0, 0))
    own = ascent(model, "conv", [0])
    result = own.run()
    assert not result.improved[0]
    np.testing.assert_array_equal(result.images, start_images(own))


def test_another_ascent_may_start_where_one_ended():
    model = small_model()
    own = ascent(model, "conv_b", 3, steps=5)
    first = own.run()
    second = own.run(first.parameters)
    np.testing.assert_allclose(second.start, first.response, rtol=1e-4)
    assert (second.response >= second.start).all()
    assert second.response.sum() > first.response.sum()


def test_a_weighted_sum_is_raised_along_the_sum_of_the_gradients():
    # Two filters of a 1 × 1 convolution: the gradient of 2 a - 3 b has the direction 2 A - 3 B.
    conv = layers.Conv2D(2, 1, use_bias=False, name="conv")
    model = keras.Sequential([keras.Input((4, 4, 3)), conv])
    weights = np.array([[1, 0], [0, 1], [2, 1]], np.float32)
    conv.set_weights([weights.reshape(1, 1, 3, 2)])
    objective = 2 * channel("conv", [0]) + channel("conv", [1]) * -3
    own = ascent_to(model, objective, steps=1, learning_rate=0.5)
    direction = weights @ [2, -3]
    start = start_images(own)
    expected = start + 0.5 * direction / np.sqrt((direction**2).mean())
    result = own.run()
    np.testing.assert_allclose(result.images, expected, atol=1e-5)
    np.testing.assert_allclose(result.start, [(start @ direction).mean()], atol=1e-5)


def test_transforms_change_what_the_model_takes_in_each_step_and_no_picture():
    seen = []

    def draw(rng, steps, shape):
        seen.append((rng.random(), steps, shape))
        return np.array([1, 0, 0], np.float32)  # only in the first step there is a gradient

    shut = Transform(draw=draw, apply=lambda images, choice: choice * images)
    own = ascent(
        linear_model(), "conv", [0], steps=3, learning_rate=0.5, transforms=(shut,), seed=4
    )
    assert seen == [(np.random.default_rng((4, 0)).random(), 3, (4, 4, 3))]
    assert own.margin == 0
    expected = start_images(own) + 0.5 * np.array([1, 0, -2]) / np.sqrt(5 / 3)
    result = own.run()
    np.testing.assert_allclose(result.images, expected, atol=1e-5)
    np.testing.assert_allclose(
        result.response, (result.images @ [1, 0, -2]).mean((1, 2)), rtol=1e-5
    )


def test_what_the_padding_draws_at_the_edge_is_cut_off():
    # Brightness against what is beside it: on a flat image only the zeros beyond the edge differ.
    conv = layers.Conv2D(1, 3, padding="same", use_bias=False, name="conv")
    model = keras.Sequential([keras.Input((40, 40, 1)), conv])
    kernel = np.array([[-1, -1, -1], [-1, 8.5, -1], [-1, -1, -1]], np.float32)
    conv.set_weights([kernel.reshape(3, 3, 1, 1)])
    own = ascent(model, "conv", [0])
    result = own.run()
    whole, shown = result.images[0, ..., 0], own.without_margin(result.images)[0, ..., 0]
    edge = np.concatenate([whole[0], whole[-1], whole[:, 0], whole[:, -1]])
    assert edge.min() > shown.max() + 1
    assert shown.std() < 0.03  # the noise of the start


def test_the_model_is_as_it_was_and_is_not_traced_again(any_model):
    model, path = any_model
    before = state_of(model)
    own = ascent(model, path, 2, steps=2)
    own.run()
    calls = count_calls(layer_paths(model)[path])
    for _ in range(2):
        own.run()
    if keras.backend.backend() != "torch":
        assert calls() == 0
    assert_same_state(before, state_of(model))


def test_an_objective_may_need_several_layers_and_the_pass_ends_at_the_last():
    model = small_model(functional=True)
    objective = channel("conv_b", [1, 2]) + 0.5 * channel("conv_a", [0])
    own = ascent_to(model, objective, steps=3, size=8)
    calls = count_calls(model.layers[-1])
    result = own.run()
    assert calls() == 0
    found = [
        mean_response(model, "conv_b", result.images[i : i + 1], [filter])
        + 0.5 * mean_response(model, "conv_a", result.images[i : i + 1], [0])
        for i, filter in enumerate((1, 2))
    ]
    np.testing.assert_allclose(result.response, np.concatenate(found), rtol=1e-4)


def test_an_error_of_the_objective_is_reported_as_it_is():
    def broken(seen):
        raise TypeError("not a score")

    with pytest.raises(TypeError, match=r"^not a score"):
        ascent_to(small_model(), Objective((Term(("conv_a",), broken, noun="filter"),)))
