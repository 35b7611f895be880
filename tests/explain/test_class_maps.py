"""Class maps: what a capture holds, and what is left for another thread."""

import threading

import keras
import numpy as np
import pytest

from keras_viz_callbacks import grad_cam
from keras_viz_callbacks.capture.held_out import held_out
from keras_viz_callbacks.explain.class_maps import ClassMaps
from keras_viz_callbacks.maps import class_activation
from keras_viz_callbacks.maps.class_activation import METHODS
from keras_viz_callbacks.maps.variants import Tries
from tests.helpers.model_state import assert_same_state, state_of
from tests.helpers.models import small_model


@pytest.mark.parametrize("method", METHODS)
def test_a_capture_is_finished_on_another_thread_and_changes_nothing(images, method):
    model = small_model()
    question = ClassMaps(model, held_out(images), layers=["conv_a", "conv_b"], method=method)
    before = state_of(model)
    captured = question.capture()
    assert_same_state(before, state_of(model))
    assert captured.probabilities.shape == (6, 3)
    np.testing.assert_array_equal(captured.classes, captured.probabilities.argmax(axis=-1))
    assert captured.shapes == {"conv_a": (16, 16, 4), "conv_b": (8, 8, 5)}
    maps = []
    thread = threading.Thread(target=lambda: maps.append(captured.finish("conv_b")))
    thread.start()
    thread.join()
    np.testing.assert_allclose(
        maps[0], grad_cam(model, images, "conv_b", method=method), rtol=1e-4, atol=1e-6
    )


def test_a_method_of_ones_own_may_try_variants(images):
    model = small_model()

    def halves(activations, places):
        """Each half of the image by itself."""
        for half in (slice(None, places[0] // 2), slice(places[0] // 2, None)):
            mask = np.zeros((len(activations), *places), np.float32)
            mask[:, half] = 1
            yield mask

    with METHODS.restored():

        @class_activation.method("Halves", tries=Tries("image", halves))
        def by_halves(activations, scores):
            assert scores.tried.shape == (6, 2)
            maps = np.repeat(scores.tried, activations.shape[1] // 2, axis=1)[..., None]
            return np.broadcast_to(maps, activations.shape[:-1])

        found = grad_cam(model, images, "conv_b", target=1, method="by_halves")
    top, bottom = images.copy(), images.copy()
    top[:, 8:], bottom[:, :8] = 0, 0
    dense = model.get_layer("classes")
    kernel, bias = dense.get_weights()
    features = keras.Model(model.inputs, dense.input)
    for rows, half in ((slice(0, 4), top), (slice(4, 8), bottom)):
        scores = (features.predict(half, verbose=0) @ kernel + bias)[:, 1]
        expected = np.maximum(scores, 0)[:, None, None]
        np.testing.assert_allclose(
            found[:, rows], np.broadcast_to(expected, found[:, rows].shape), atol=1e-5
        )


def test_an_unknown_method_is_refused(images):
    with pytest.raises(ValueError, match="Received: method='cam'"):
        ClassMaps(small_model(), held_out(images), method="cam")
