"""A survey has every call of every layer, and what the outputs are."""

import keras
import numpy as np
from keras import layers

from keras_viz_callbacks.capture.survey import survey
from tests.helpers.models import nested_model, small_model, subclassed_model


def surveyed(model):
    return survey(model, np.zeros((1, 16, 16, 3), np.float32))


def paths(calls):
    return [call.path for call in calls]


def test_calls_are_in_network_order_with_their_shapes():
    found = {c.path: (c.index, c.shape) for c in surveyed(nested_model()).calls}
    assert list(found)[:5] == [
        "outer/inner/conv_a",
        "outer/inner/conv_b",
        "outer/inner",
        "outer/norm",
        "outer",
    ]
    assert found["outer/inner/conv_b"] == (1, (8, 8, 5))


def test_network_order_is_that_of_the_calls_not_of_creation():
    class Backwards(keras.Model):
        def __init__(self):
            super().__init__()
            self.second = layers.Conv2D(2, 1, name="second")
            self.first = layers.Conv2D(2, 1, name="first")

        def call(self, x):
            return self.second(self.first(x))

    model = Backwards()
    model(np.zeros((1, 16, 16, 3), np.float32))
    assert paths(surveyed(model).calls) == ["first", "second"]


def test_outputs_and_classes_are_known_without_a_run():
    (output,) = surveyed(subclassed_model()).outputs
    assert (output.classes, output.kind, output.has_logits) == (3, "softmax", True)
    assert [output.name for output in surveyed(small_model()).outputs] == ["classes"]
