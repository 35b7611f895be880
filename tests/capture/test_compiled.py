"""Passes are compiled for held-out images, and their outputs become maps."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks.capture import passes
from keras_viz_callbacks.capture.compiled import as_maps, compiled
from keras_viz_callbacks.capture.held_out import held_out
from keras_viz_callbacks.capture.plan import plan_activations
from keras_viz_callbacks.capture.survey import survey
from tests.helpers.models import small_model


def test_the_plan_is_returned_with_the_pass(images):
    model = small_model()
    ready = compiled(passes.activations, model, held_out(images), plan_activations("pool"))
    assert [call.path for call in ready.plan.calls] == ["pool"]
    assert ready.run(images)["pool"].shape == (6, 8, 8, 4)


def test_images_that_the_model_fails_with_are_to_blame():
    class Fails(keras.Model):
        def call(self, x):
            raise RuntimeError("no such images")

        def build(self, input_shape):
            self.built = True

    model = Fails()
    model.build((None, 4, 4, 3))
    images = np.zeros((2, 4, 4, 3), np.float32)
    with pytest.raises(ValueError, match="`images` must fit the model: a forward pass") as raised:
        compiled(passes.activations, model, held_out(images), plan_activations(None))
    assert "(2, 4, 4, 3)" in str(raised.value)
    assert "no such images" in str(raised.value)


def test_what_is_wrong_with_the_plan_is_reported_as_it_is(images):
    with pytest.raises(ValueError, match="No layer of the model has the name"):
        compiled(passes.activations, small_model(), held_out(images), plan_activations("conv"))


def test_a_model_that_was_never_built_is_refused(images):
    model = keras.Sequential([layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match="`model` must be built before it can be observed"):
        compiled(passes.activations, model, held_out(images), plan_activations(None))


def test_channels_first_become_the_last():
    inputs = keras.Input((3, 8, 8))
    conv = layers.Conv2D(2, 3, data_format="channels_first", name="conv")
    x = layers.GlobalAveragePooling2D(data_format="channels_first")(conv(inputs))
    model = keras.Model(inputs, x)
    found = survey(model, np.zeros((1, 3, 8, 8), np.float32))
    (call,) = plan_activations("conv")(found).calls
    output = np.random.default_rng(0).random((4, 2, 6, 6), np.float32)
    maps = as_maps([call], {"conv": output})["conv"]
    np.testing.assert_array_equal(maps, output.transpose(0, 2, 3, 1))
