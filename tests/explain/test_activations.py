"""Activations are captured again and again by one compiled pass."""

import keras
import numpy as np

from keras_viz_callbacks.capture.held_out import held_out
from keras_viz_callbacks.explain.activations import Activations
from tests.helpers.models import small_model


def test_each_capture_has_the_activations_of_the_weights_as_they_are(images):
    model = small_model(functional=True)
    question = Activations(model, held_out(images), ["conv_a", "conv_b"])
    assert [call.path for call in question.plan.calls] == ["conv_a", "conv_b"]
    inside = keras.Model(model.inputs, model.get_layer("conv_b").output)
    for factor in (1, 2):
        model.set_weights([factor * weight for weight in model.get_weights()])
        found = question.capture()
        assert list(found) == ["conv_a", "conv_b"]
        expected = inside.predict(images, verbose=0)
        np.testing.assert_allclose(found["conv_b"], expected, rtol=1e-5, atol=1e-6)
