"""Attributes are replaced past Keras' tracking, and put back however a context ends."""

import keras
import pytest

from keras_viz_callbacks.capture.replaced import replaced


def test_an_attribute_of_the_class_is_there_again():
    layer = keras.layers.Dense(1)
    call = layer.call
    with replaced(layer, "call", None):
        assert layer.call is None
    assert layer.call == call
    assert "call" not in vars(layer)


def test_an_attribute_of_the_instance_is_put_back_after_an_exception():
    layer = keras.layers.Dense(1, activation="relu")
    before = vars(layer)["activation"]

    def fail():
        with replaced(layer, "activation", abs):
            assert layer.activation is abs
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()
    assert vars(layer)["activation"] is before
