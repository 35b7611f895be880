import keras
import numpy as np
import pytest

from keras_viz_callbacks import filter_patterns
from keras_viz_callbacks.capture.selectors import select
from keras_viz_callbacks.capture.survey import survey
from keras_viz_callbacks.capture.tap import collect, tap
from tests.helpers.backends import by_backend, only_on
from tests.helpers.compiled_passes import compile_activations, compile_class_signals
from tests.helpers.model_state import assert_same_state, state_of
from tests.helpers.models import shared_model, small_model
from tests.helpers.resource_growth import count_calls


def test_the_model_is_as_it_was_after_a_pass(any_model, images):
    model, path = any_model
    before = state_of(model)
    survey(model, images)
    compile_activations(model, path, images).run(images)
    signals = compile_class_signals(model, path, images)
    signals.run(images, signals.plan.target.classes)
    filter_patterns(model, path, [0, 1], steps=2)
    assert_same_state(before, state_of(model))


def test_one_trace_surveys_the_model_and_makes_the_pass(images):
    model = small_model()
    calls = count_calls(model.get_layer("conv_a"))
    compile_activations(model, None, images)
    # Torch compiles nothing, and surveys with one image.
    assert calls() == by_backend(tensorflow=1, jax=1, torch=1)


def test_the_model_is_as_it_was_when_the_pass_raises(images):
    model = small_model()
    before = state_of(model)

    def fail(layer, call, *args, **kwargs):
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"), tap(model.layers, fail):
        model(images)
    assert_same_state(before, state_of(model))

    def bad_target(outputs):
        raise RuntimeError("bad target")

    with pytest.raises(RuntimeError, match="bad target"):
        compile_class_signals(model, None, images, bad_target)
    assert_same_state(before, state_of(model))
    assert model(images).shape == (6, 3)


def test_a_call_that_the_user_replaced_is_put_back(images):
    model = small_model()
    layer = model.get_layer("conv_a")
    own = layer.call
    object.__setattr__(layer, "call", own)
    with tap([layer], lambda layer, call, *args, **kwargs: call(*args, **kwargs)):
        model(images)
    assert vars(layer)["call"] is own


def test_a_pass_ends_at_the_last_wanted_layer(images):
    model = small_model()
    wanted = select(survey(model, images).calls, "conv_a")
    reached = []
    later = model.get_layer("conv_b")

    def note(layer, call, *args, **kwargs):
        reached.append(layer.name)
        return call(*args, **kwargs)

    with tap([later], note), collect(wanted, stop=True) as outputs:
        model(images)
    assert list(outputs) == ["conv_a"]
    assert reached == []


def test_a_layer_that_updates_a_variable_is_held_from_it(images):
    class Counting(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.count = self.add_weight(name="count", initializer="zeros", trainable=False)
            self.noise = keras.random.SeedGenerator(0)

        def call(self, x):
            self.count.assign_add(1.0)
            self.add_loss(keras.ops.mean(x))
            return x + keras.random.normal(keras.ops.shape(x), seed=self.noise)

    model = keras.Sequential([keras.Input((16, 16, 3)), Counting(), keras.layers.Conv2D(2, 3)])
    before = [keras.ops.convert_to_numpy(v) for v in model.variables]
    run = compile_activations(model, None, images).run
    run(images)
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(new))
    assert model.losses == []


def test_activations_are_what_a_sub_model_gives(images):
    model = small_model(functional=True)
    picked = ["conv_a", "pool", "conv_b"]
    ours = compile_activations(model, picked, images).run(images)
    outputs = [model.get_layer(name).output for name in ours]
    theirs = keras.Model(model.inputs, outputs).predict(images, verbose=0)
    for mine, other in zip(ours.values(), theirs, strict=True):
        assert mine.dtype == np.float32
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-6)


def test_both_calls_of_a_shared_layer_are_captured(images):
    model = shared_model()
    ours = compile_activations(model, "shared", images).run(images)
    shared = model.get_layer("shared")
    first = shared(images)
    for path, expected in [("shared", first), ("shared:1", shared(first))]:
        expected = keras.ops.convert_to_numpy(expected)
        np.testing.assert_allclose(ours[path], expected, atol=1e-6)


def test_another_number_of_images_is_traced_once_or_never(images):
    model = small_model()
    run = compile_activations(model, "conv_a", images).run
    traces = []

    def count(layer, call, *args, **kwargs):
        traces.append(layer.name)
        return call(*args, **kwargs)

    passes = []
    with tap([model.get_layer("conv_a")], count):
        for number in (6, 2, 6, 2):
            traces.clear()
            assert run(images[:number])["conv_a"].shape[0] == number
            passes.append(len(traces))
    # TensorFlow traces for any number of images at once, JAX for each number, and torch runs the
    # layer itself: one pass, and no second one for the shapes.
    assert passes == by_backend(tensorflow=[0, 0, 0, 0], jax=[0, 1, 0, 0], torch=[1, 1, 1, 1])


def test_a_rematerialized_layer_is_tapped(images):
    with keras.RematScope(mode="full"):
        conv = keras.layers.Conv2D(2, 3, name="remat")
    model = keras.Sequential([keras.Input((16, 16, 3)), conv])
    ours = compile_activations(model, "remat", images).run(images)
    np.testing.assert_allclose(ours["remat"], model.predict(images, verbose=0), atol=1e-6)


@only_on("torch", "no other backend lets a layer look at values and be PyTorch's own")
def test_a_layer_that_needs_data_and_one_of_pytorchs_own_are_seen(images):
    import torch

    class Looks(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2 if float(inputs.max()) > 0 else inputs

        def compute_output_shape(self, input_shape):
            return input_shape

    own = keras.layers.TorchModuleWrapper(torch.nn.Conv2d(3, 4, 3))
    move = keras.layers.Permute((3, 1, 2))
    model = keras.Sequential([move, own, Looks(), keras.layers.Flatten(), keras.layers.Dense(3)])
    model(images)
    before = state_of(model)
    ready = compile_class_signals(model, own, images, lambda outputs: outputs[:, 0])
    signals = ready.run(images, np.full(len(images), -1, np.int32))
    (gradient,) = signals["gradients"].values()
    assert np.abs(gradient).max() > 0
    assert_same_state(before, state_of(model))
