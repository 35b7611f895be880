"""The backend that runs agrees with the NumPy network, and so the three agree with each other.

Two backends that are each within 5e-5 of the same reference are within 1e-4 of one another.
"""

import numpy as np
import pytest

from keras_viz_callbacks import activation_maps, filter_patterns, grad_cam, saliency
from keras_viz_callbacks.patterns.settings import LEARNING_RATE, STEPS
from keras_viz_callbacks.patterns.transforms import MARGIN
from tests.helpers import numpy_network, paper_formulas
from tests.helpers.patterns import ascent, start_images

TOLERANCE = 5e-5
"""As a share of the largest value of a layer's activations, or of a map."""

CLASSES = [2, 1, 3, 1]


@pytest.fixture(scope="module")
def model():
    return numpy_network.keras_model()


@pytest.fixture(scope="module")
def images():
    return numpy_network.images()


def test_activations_agree(model, images):
    expected, _ = numpy_network.answers(images)
    found = activation_maps(model, images, list(numpy_network.SPATIAL))
    assert list(found) == list(numpy_network.SPATIAL)
    for path in numpy_network.SPATIAL:
        assert found[path].shape == expected[path].shape
        difference = np.abs(found[path] - expected[path]).max()
        assert difference < TOLERANCE * np.abs(expected[path]).max(), path


@pytest.mark.parametrize("method", paper_formulas.METHODS)
def test_class_maps_agree_at_every_layer(model, images, method):
    maps, _ = numpy_network.answers(images)
    gradients = numpy_network.gradients(images, CLASSES)
    for path in numpy_network.SPATIAL:
        expected = paper_formulas.class_map(method, maps[path], gradients[path])
        found = grad_cam(model, images, path, CLASSES, method)
        assert_maps_agree(found, expected, path)


@pytest.mark.parametrize("method", paper_formulas.TRIES)
@pytest.mark.parametrize("path", ["conv_a", "inner/relu", "conv_c"])
def test_methods_that_try_variants_agree(model, images, method, path):
    expected = paper_formulas.tried_class_map(method, path, images, CLASSES)
    # A batch size that neither the variants nor the images divide.
    found = grad_cam(model, images, path, CLASSES, method, batch_size=13)
    assert_maps_agree(found, expected, path)


@pytest.mark.parametrize("method", paper_formulas.ATTRIBUTIONS)
def test_pixel_attributions_agree(model, images, method):
    expected = paper_formulas.ATTRIBUTIONS[method](images, CLASSES)
    assert expected.min() < 0 < expected.max()
    for sum_channels in (False, True):
        wanted = expected.sum(axis=-1) if sum_channels else expected
        found = saliency(model, images, CLASSES, method, sum_channels=sum_channels)
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() < TOLERANCE * np.abs(wanted).max()


def test_the_predicted_class_is_explained(model, images):
    maps, _ = numpy_network.answers(images)
    predicted = maps["logits"].argmax(axis=-1)
    assert len(set(predicted)) > 1
    gradients = numpy_network.gradients(images, predicted)
    expected = paper_formulas.class_map("hires_cam", maps["conv_c"], gradients["conv_c"])
    assert_maps_agree(grad_cam(model, images, method="hires_cam"), expected, "conv_c")


def assert_maps_agree(found, expected, path):
    assert found.shape == expected.shape
    difference = np.abs(found - expected).max(axis=(1, 2))
    highest = expected.max(axis=(1, 2))
    assert (highest > 0).sum() > 1, "maps of zeros show nothing"
    # A map that is blank is so in both.
    assert (difference <= TOLERANCE * highest).all(), (path, difference / highest)


@pytest.mark.parametrize("path", ["conv_a", "inner/conv_b", "conv_c"])
def test_filter_patterns_agree_in_response_and_to_the_eye(model, path):
    filters = np.arange(6, dtype=np.int32)
    start = grey_with_noise(filters)
    images, response = paper_formulas.ascend(path, start, filters, STEPS, LEARNING_RATE)
    size = tuple(side - 2 * MARGIN for side in numpy_network.SHAPE[:2])
    own = ascent(model, path, filters, size=size)
    np.testing.assert_allclose(start_images(own), start, rtol=1e-6)
    np.testing.assert_allclose(own.run().response, response, rtol=1e-3, atol=1e-5)
    pictures = filter_patterns(model, path, 6, size=size)
    # Levels of 0 to 255, of which a picture spreads over about 50 to either side.
    differences = np.abs(
        pictures[:, None] - displayed(images[:, MARGIN:-MARGIN, MARGIN:-MARGIN])[None]
    ).mean(axis=(2, 3, 4))
    assert (differences.diagonal() < 1).all(), differences.diagonal()
    assert (differences[~np.eye(6, dtype=bool)] > 20).all()


def grey_with_noise(filters):
    """Noise of two percent on grey, for each filter by its index and the seed 0."""
    noise = [
        np.random.default_rng((0, index)).standard_normal(numpy_network.SHAPE, np.float32)
        for index in filters
    ]
    return 0.5 + 0.02 * np.clip(noise, -3, 3)


def displayed(images):
    """Pictures centred on grey, of a standard deviation of a fifth of the range, cut off."""
    levels = [(image - image.mean()) / image.std() * 0.2 + 0.5 for image in images]
    return np.clip(levels, 0, 1) * 255
