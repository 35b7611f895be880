"""Objectives, on tiny arrays with their numbers worked out by hand."""

import re

import keras
import numpy as np
import pytest

from keras_viz_callbacks.capture.survey import survey
from keras_viz_callbacks.patterns.objectives import (
    ForwardPass,
    LayerOutput,
    Objective,
    Score,
    Term,
    channel,
    pick_filters,
    resolve_objective,
)
from tests.helpers.models import shared_model, small_model


@pytest.fixture
def found():
    return survey(small_model(), np.zeros((1, 16, 16, 3), np.float32))


def call_of(found, name):
    return next(call for call in found.calls if call.path == name)


def output_of(call, before):
    """What a layer with a ReLU computes."""
    before = np.asarray(before, np.float32)
    return LayerOutput(call, *map(keras.ops.convert_to_tensor, (before, np.maximum(before, 0))))


def in_numpy(score):
    return [keras.ops.convert_to_numpy(values) for values in score]


# Two images, maps of 1 × 2 places, four channels as `conv_a` has.
BEFORE = [
    [[[1, -1, 0, 5], [3, -3, 0, -5]]],
    [[[2, -2, 0, np.inf], [4, 6, 0, np.inf]]],
]


def test_the_score_of_a_channel_is_its_mean_response(found):
    resolved = resolve_objective(channel("conv_a", [0, 1]), found)
    outputs = {"conv_a": output_of(resolved.call, BEFORE)}
    images = keras.ops.zeros((2, 1, 2, 3))
    response, raised, scale = in_numpy(resolved.score(images, outputs, resolved.term_items))
    # The gradient of the sum over the two places.
    assert scale == 2
    # Channel 0 of the first image: 1 and 3. Channel 1 of the second: 0 (-2 before its ReLU) and 6.
    np.testing.assert_allclose(response, [2, 3])
    # A tenth of what the ReLU shuts out counts for what is raised.
    np.testing.assert_allclose(raised, [2, (6 - 0.2) / 2])


def test_a_weighted_sum_is_that_of_its_terms(found):
    objective = 2 * channel("conv_a", [0, 1]) + channel("conv_a", [1]) * 0.5
    resolved = resolve_objective(objective, found)
    np.testing.assert_array_equal(resolved.term_items, [[0, 1], [1, 1]])
    outputs = {"conv_a": output_of(resolved.call, BEFORE)}
    images = keras.ops.zeros((2, 1, 2, 3))
    response, raised, _ = in_numpy(resolved.score(images, outputs, resolved.term_items))
    np.testing.assert_allclose(response, [2 * 2 + 0.5 * 0, 2 * 3 + 0.5 * 3])
    np.testing.assert_allclose(raised, [2 * 2 + 0.5 * -0.2, 2.5 * 2.9])


def test_a_score_may_be_a_tensor_of_the_images(found):
    brightness = Objective((Term((), lambda seen: keras.ops.mean(seen.images, (1, 2, 3))),))
    resolved = resolve_objective(channel("conv_a", 2) + -1.0 * brightness, found)
    assert [call.path for call in resolved.all_calls] == ["conv_a"]
    outputs = {"conv_a": output_of(resolved.call, np.zeros((2, 1, 2, 4)))}
    images = keras.ops.convert_to_tensor(np.array([[[[1.0, 2]]], [[[3, 5]]]], np.float32))
    score = resolved.score(images, outputs, resolved.term_items)
    for values in in_numpy(score)[:2]:
        np.testing.assert_allclose(values, [-1.5, -4])


def test_channels_and_places_of_an_output(found):
    output = output_of(call_of(found, "conv_a"), BEFORE)
    response, raised, _ = in_numpy(output.channels(np.array([3, 1], np.int32)))
    np.testing.assert_allclose(response, [[[5, 0]], [[0, 6]]])
    # A tenth of what the ReLU shuts out.
    np.testing.assert_allclose(raised, [[[5, -0.5]], [[-0.2, 6]]])
    assert float(output.number_of_places) == 2


def test_a_resolved_objective_names_items_and_calls_once(found):
    resolved = resolve_objective(channel("conv_b", [4, 0, 2]) + channel("conv_a", [1]), found)
    assert resolved.call.path == "conv_b"
    assert resolved.noun == "filter"
    np.testing.assert_array_equal(resolved.items, [4, 0, 2])
    assert [call.path for call in resolved.all_calls] == ["conv_a", "conv_b"]
    # The term with as many items as there are images names them.
    resolved = resolve_objective(channel("conv_a", [1]) + channel("conv_b", [4, 0, 2]), found)
    assert resolved.call.path == "conv_b"


def test_a_layer_may_be_given_as_a_call(found):
    call = call_of(found, "conv_b")
    assert resolve_objective(channel(call, 1), found).call is call


def test_terms_of_different_numbers_of_items_are_refused(found):
    with pytest.raises(
        ValueError,
        match=re.escape(
            "The terms of an objective must have as many items as each other, or one. "
            "Received: terms with 2 + 3 items"
        ),
    ):
        resolve_objective(channel("conv_a", 2) + channel("conv_b", 3), found)


def test_an_objective_without_a_layer_is_refused(found):
    with pytest.raises(
        ValueError,
        match=re.escape(
            "An objective must have a term over a layer, such as `channel(layer, filters)`. "
            "Received: an objective of 1 terms without any"
        ),
    ):
        resolve_objective(Objective((Term((), lambda seen: seen.images),)), found)


def test_a_layer_that_is_called_twice_is_refused():
    model = shared_model()
    found = survey(model, np.zeros((1, 16, 16, 3), np.float32))
    path = next(call.path for call in found.calls if call.call == 1).partition(":")[0]
    with pytest.raises(
        ValueError,
        match=re.escape(
            f"`layer` must pick one call of one layer. Received: layer={path!r}, which picks "
            f"'{path}', '{path}:1'"
        ),
    ):
        resolve_objective(channel(path, 1), found)


def test_only_numbers_and_objectives_combine():
    with pytest.raises(TypeError):
        channel("conv_a", 1) * "2"
    with pytest.raises(TypeError):
        channel("conv_a", 1) + 2


def test_filters_are_a_number_or_a_list(found):
    call = call_of(found, "conv_a")
    np.testing.assert_array_equal(pick_filters(call, 2), [0, 1])
    np.testing.assert_array_equal(pick_filters(call, 99), [0, 1, 2, 3])
    np.testing.assert_array_equal(pick_filters(call, [3, 1]), [3, 1])
    with pytest.raises(ValueError, match=r"`filters` must be below .*'conv_a', 4, .*filters=4"):
        pick_filters(call, [0, 4])
    for wrong in (0, [], ["a"]):
        with pytest.raises(ValueError, match="`filters` must be"):
            pick_filters(call, wrong)


def test_a_term_gets_what_it_asked_for(found):
    seen = []

    def score(forward):
        seen.append(forward)
        return Score(*[forward.outputs[1].after[:, 0, 0, 0]] * 2)

    term = Term(("conv_b", "conv_a"), score, lambda calls: np.array([7, 9]), "pair")
    resolved = resolve_objective(Objective((term,)), found)
    outputs = {
        name: output_of(call_of(found, name), np.full((2, 1, 1, 4), value))
        for name, value in (("conv_a", 1), ("conv_b", 2))
    }
    response, _, _ = in_numpy(resolved.score(keras.ops.zeros((2, 1, 1, 3)), outputs, [[7, 9]]))
    np.testing.assert_array_equal(response, [1, 1])
    (forward,) = seen
    assert isinstance(forward, ForwardPass)
    assert [output.call.path for output in forward.outputs] == ["conv_b", "conv_a"]
    assert resolved.noun == "pair"
    np.testing.assert_array_equal(resolved.items, [7, 9])
