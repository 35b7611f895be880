"""What each pass returns, against the model itself."""

import keras
import numpy as np
import pytest

from keras_viz_callbacks.capture import passes
from keras_viz_callbacks.capture.backend import backend
from keras_viz_callbacks.capture.compiled import compiled
from keras_viz_callbacks.capture.held_out import held_out
from keras_viz_callbacks.capture.passes import PlannedModel
from keras_viz_callbacks.capture.plan import plan_activations, plan_class_maps
from tests.helpers.backends import by_backend
from tests.helpers.models import small_model
from tests.helpers.resource_growth import count_calls


@pytest.fixture(scope="module")
def model():
    return small_model(functional=True)


def logits_of(model, images):
    dense = model.get_layer("classes")
    features = keras.Model(model.inputs, dense.input).predict(images, verbose=0)
    kernel, bias = dense.get_weights()
    return features @ kernel + bias


def class_pass(model, images, make, *examples, layers="conv_b"):
    held = held_out(images)
    planner = plan_class_maps(layers, None, len(held))
    classes = np.zeros(len(held), np.int32)
    return compiled(make, model, held, planner, classes, *examples)


def test_the_first_pass_makes_the_plan_and_later_ones_tap_no_more_than_it(model, images):
    planned = PlannedModel(model, plan_activations("conv_a"))
    assert planned.plan is None
    planned(images)
    assert [call.path for call in planned.plan.calls] == ["conv_a"]
    seen = []
    planned(images, lambda path, output: seen.append(path) or output)
    assert seen == ["conv_a"]


def test_a_pass_that_stops_does_not_reach_later_layers(images):
    model = small_model()
    planned = PlannedModel(model, plan_activations("conv_a"))
    planned(images)
    calls = count_calls(model.get_layer("conv_b"))
    forward = planned(images, stop=True)
    assert calls() == 0
    assert forward.returned is None
    assert list(forward.outputs) == ["conv_a"]


def test_scores_of_a_class_and_of_the_predicted_one(model, images):
    expected = logits_of(model, images)
    ready = class_pass(model, images, passes.scores)
    found = ready.run(images, np.full(6, 1, np.int32))
    np.testing.assert_allclose(found, expected[:, 1], atol=1e-5)
    found = ready.run(images, np.full(6, -1, np.int32))
    np.testing.assert_allclose(found, expected.max(axis=-1), atol=1e-5)


def test_scores_come_with_activations_and_the_classes_they_are_of(model, images):
    ready = class_pass(model, images, passes.activations_and_scores)
    found = ready.run(images, np.array([-1, 0, 1, 2, -1, 0], np.int32))
    expected = logits_of(model, images)
    classes = np.array([expected[0].argmax(), 0, 1, 2, expected[4].argmax(), 0])
    np.testing.assert_array_equal(found["classes"], classes)
    np.testing.assert_allclose(found["score"], expected[np.arange(6), classes], atol=1e-5)
    np.testing.assert_allclose(found["probabilities"], model.predict(images, verbose=0), atol=1e-6)
    inside = keras.Model(model.inputs, model.get_layer("conv_b").output)
    np.testing.assert_allclose(
        found["activations"]["conv_b"], inside.predict(images, verbose=0), atol=1e-6
    )


def test_channels_are_weighted_image_by_image(model, images):
    weights = np.random.default_rng(0).random((6, 5)).astype(np.float32)
    held = held_out(images)
    planner = plan_class_maps("conv_b", None, len(held))
    classes = np.full(6, 2, np.int32)
    plan = compiled(passes.scores, model, held, planner, classes).plan
    (call,) = plan.calls
    make = passes.scores_of_weighted_channels(passes.planned(model, plan), call)
    run = backend().compile(model, make, (images, classes, weights))
    inside = keras.Model(model.inputs, model.get_layer("conv_b").output)
    maps = inside.predict(images, verbose=0) * weights[:, None, None, :]
    kernel, bias = model.get_layer("classes").get_weights()
    expected = (maps.mean(axis=(1, 2)) @ kernel + bias)[:, 2]
    np.testing.assert_allclose(run(images, classes, weights), expected, atol=1e-5)


def test_the_gradient_with_respect_to_the_input_is_the_slope(model, images):
    ready = class_pass(model, images, lambda planned: passes.input_gradient(planned, 0))
    classes = np.full(6, 1, np.int32)
    gradient = ready.run(images, classes)["gradient"]
    scores = class_pass(model, images, passes.scores)
    random = np.random.default_rng(0)
    direction = random.standard_normal(images.shape).astype(np.float32) * 1e-3
    rise = scores.run(images + direction, classes) - scores.run(images - direction, classes)
    slope = (gradient * direction).sum(axis=(1, 2, 3))
    # Single precision, and ReLUs that open on the way.
    np.testing.assert_allclose(rise / 2, slope, rtol=0.05, atol=1e-5)


def test_a_class_pass_is_traced_once(images):
    model = small_model()
    calls = count_calls(model.get_layer("conv_a"))
    class_pass(model, images, passes.class_signals)
    # JAX traces shapes, then the derivative.
    assert calls() == by_backend(tensorflow=1, jax=2, torch=1)


def test_a_target_of_another_shape_is_refused(model, images):
    held = held_out(images)
    planner = plan_class_maps(None, lambda outputs: outputs, len(held))
    with pytest.raises(ValueError, match="`target` must map") as raised:
        compiled(passes.scores, model, held, planner, np.zeros(6, np.int32))
    assert str(raised.value).startswith(
        "`target` must map the model's outputs to one score for each image, of shape (batch,). "
        "Received: a function that returns shape ("
    )
