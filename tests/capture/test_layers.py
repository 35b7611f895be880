"""Layers have paths."""

import keras
import numpy as np
from keras import layers

from keras_viz_callbacks.capture.layers import layer_paths
from keras_viz_callbacks.capture.survey import survey


def surveyed(model):
    return survey(model, np.zeros((1, 16, 16, 3), np.float32))


def paths(calls):
    return [call.path for call in calls]


def test_paths_run_from_the_model_down_to_the_layer(any_model):
    model, path = any_model
    assert layer_paths(model)[path].name == "conv_b"
    assert path in paths(surveyed(model).calls)


def test_siblings_of_one_name_are_told_apart():
    class Twins(keras.Model):
        def __init__(self):
            super().__init__()
            self.twins = [layers.Conv2D(2, 1, name="twin"), layers.Conv2D(3, 1, name="twin")]

        def call(self, x):
            return self.twins[1](self.twins[0](x))

    assert list(layer_paths(Twins())) == ["twin", "twin_1"]
