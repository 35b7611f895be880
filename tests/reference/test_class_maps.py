"""Our class maps and attributions, compared with pytorch-grad-cam and captum on the same model.

Raw maps are compared, at the layer's own size and with their own scale: each value to 1e-4 of the
map's maximum.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks import grad_cam, saliency
from keras_viz_callbacks.maps import class_activation
from keras_viz_callbacks.render.picture import resize
from tests.helpers import paper_formulas
from tests.helpers.backends import only_on
from tests.helpers.models import nested_model, subclassed_model

pytestmark = only_on("torch", "pytorch-grad-cam and captum take torch modules")

# These run the network again for each channel, and have tests of their own below.
TRIES = ("score_cam", "ablation_cam")
METHODS = tuple(
    name
    for name in class_activation.METHODS
    if name not in {*TRIES, *paper_formulas.NOT_IN_LIBRARIES}
)
SPATIAL = ("conv_a", "pool", "conv_b", "norm", "relu", "depthwise", "conv_c")
CLASSES = [0, 1, 2, 3, 1]

STEEP = 1e4
"""Factor of the logits that makes their gradients large beside pytorch-grad-cam's epsilons."""

data_formats = pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
methods = pytest.mark.parametrize("method", METHODS)


def convnet(data_format, steepness=STEEP):
    """A classifier of 12 × 16 images, and the same layers without the final softmax.

    The gradient differs from place to place at each layer of `SPATIAL`, and its means are of either
    sign.
    """
    keras.utils.set_random_seed(1)
    first = data_format == "channels_first"
    inputs = keras.Input((3, 12, 16) if first else (12, 16, 3))
    same = {"padding": "same", "data_format": data_format}
    x = layers.Conv2D(6, 3, activation="relu", name="conv_a", **same)(inputs)
    x = layers.MaxPooling2D(data_format=data_format, name="pool")(x)
    x = layers.Conv2D(8, 3, use_bias=False, name="conv_b", **same)(x)
    norm = layers.BatchNormalization(axis=1 if first else -1, name="norm")
    x = layers.ReLU(name="relu")(norm(x))
    x = layers.DepthwiseConv2D(3, activation="relu", name="depthwise", **same)(x)
    x = layers.Conv2D(10, 3, strides=2, activation="relu", name="conv_c", **same)(x)
    x = layers.Dense(16, activation="tanh")(layers.Flatten()(x))
    dense = layers.Dense(4, name="logits")
    logits = dense(x)
    random = np.random.default_rng(0)
    low, high = [0.5, -0.5, -0.5, 0.3], [1.5, 0.5, 0.5, 1.5]
    norm.set_weights([random.uniform(*ends, 8) for ends in zip(low, high, strict=True)])
    dense.set_weights([steepness * weights for weights in dense.get_weights()])
    return keras.Model(inputs, layers.Softmax()(logits)), keras.Model(inputs, logits)


def noise(model):
    return np.random.default_rng(2).random((5, *model.input_shape[1:]), np.float32)


def disagreement(found, expected):
    """Largest difference of two batches of maps, as a share of each expected map's maximum."""
    assert found.shape == expected.shape
    highest = expected.max(axis=(1, 2))
    assert (highest > 0).sum() > 1, "maps of zeros show nothing"
    # A blank map has to be blank in both, beside the others of the batch.
    scale = np.where(highest > 0, highest, 1e-3 * highest.max())
    return float((np.abs(found - expected).max(axis=(1, 2)) / scale).max())


@pytest.fixture
def with_epsilon():
    """Our Grad-CAM++ with pytorch-grad-cam's epsilon, which equation 19 does not have."""

    @class_activation.method
    def with_epsilon(activations, gradients):
        sums = activations.sum(axis=(1, 2), keepdims=True)
        alphas = gradients**2 / (2 * gradients**2 + sums * gradients**3 + 1e-6)
        weights = (alphas * np.maximum(gradients, 0)).sum(axis=(1, 2), keepdims=True)
        return (weights * activations).sum(axis=-1)

    yield "with_epsilon"
    del class_activation.METHODS["with_epsilon"]


def test_every_method_is_compared_or_has_a_reason_not_to_be(libraries):
    assert set(METHODS) == set(libraries.GRAD_CAM)
    reasons = paper_formulas.NOT_IN_LIBRARIES
    assert {*METHODS, *TRIES, *reasons} == set(class_activation.METHODS)
    assert all(reasons.values())


@data_formats
@methods
def test_every_method_agrees_with_pytorch_grad_cam_at_every_layer(libraries, data_format, method):
    model, logits = convnet(data_format)
    images = noise(model)
    for name in SPATIAL:
        layer = logits.get_layer(name)
        expected = libraries.grad_cam_map(method, logits, layer, images, CLASSES, data_format)
        found = grad_cam(model, images, name, CLASSES, method)
        assert disagreement(found, expected) < 1e-4, name
    # The same score, where nothing has to be left out for it.
    found = grad_cam(logits, images, name, CLASSES, method)
    assert disagreement(found, expected) < 1e-4


@data_formats
def test_grad_cam_and_hires_cam_agree_with_captum_at_every_layer(libraries, data_format):
    model, logits = convnet(data_format, steepness=1)
    images = noise(model)
    for name in SPATIAL:
        layer = logits.get_layer(name)
        expected = libraries.captum_hires_cam(logits, layer, images, CLASSES, data_format)
        found = grad_cam(model, images, name, CLASSES, "hires_cam")
        assert disagreement(found, expected) < 1e-4, name
        scores = logits
        if data_format == "channels_last":
            scores = libraries.ChannelsFirst(logits, layer)
            layer = scores.turned
        expected = libraries.captum_grad_cam(scores, layer, images, CLASSES)
        found = grad_cam(model, images, name, CLASSES)
        assert disagreement(found, expected) < 1e-4, name


def test_score_cam_agrees_with_pytorch_grad_cam_where_no_map_is_enlarged(libraries):
    # It enlarges masks from corner to corner, and not with half-pixel centres; its logits have to
    # be small, or one channel gets all of the weight.
    model, logits = convnet("channels_first", steepness=3)
    images = noise(model)
    layer = logits.get_layer("conv_a")
    expected = libraries.score_cam_map(logits, layer, images, CLASSES)
    found = grad_cam(model, images, "conv_a", CLASSES, "score_cam")
    assert disagreement(found, expected) < 1e-4
    other = libraries.score_cam_map(logits, layer, images, [(index + 1) % 4 for index in CLASSES])
    assert disagreement(found, other) > 1e-3


@data_formats
def test_ablation_cam_agrees_with_captums_feature_ablation_at_every_layer(libraries, data_format):
    model, logits = convnet(data_format, steepness=1)
    images = noise(model)
    scores = logits.predict(images, verbose=0)[np.arange(len(CLASSES)), CLASSES]
    for name in SPATIAL:
        layer = logits.get_layer(name)
        summed = libraries.captum_ablations(logits, layer, images, CLASSES, data_format)
        # The paper divides by the score; ours does by its magnitude.
        expected = np.maximum(summed / np.abs(scores)[:, None, None], 0)
        found = grad_cam(model, images, name, CLASSES, "ablation_cam")
        assert disagreement(found, expected) < 1e-4, name


@data_formats
def test_the_gradient_agrees_with_captums_saliency(libraries, data_format):
    model, logits = convnet(data_format, steepness=1)
    images = noise(model)
    expected = libraries.captum_saliency(logits, images, CLASSES)
    if data_format == "channels_first":
        expected = np.moveaxis(expected, 1, -1)
    found = saliency(model, images, CLASSES, sum_channels=False)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@methods
def test_a_trained_model_agrees_on_the_class_that_each_predicts(
    libraries, scenes_model, with_epsilon, method
):
    model, held_out = scenes_model
    images = held_out.images[:6]
    logits = libraries.Logits(model)
    own, limit = method, 1e-4
    if method == "grad_cam_plus_plus":
        # Its weights have poles, and near to one the rounding of a gradient grows.
        own, limit = with_epsilon, 1e-3
    for name in ("conv_0", "conv_1", "conv_2", "conv_3"):
        expected = libraries.grad_cam_map(method, logits, model.get_layer(name), images, None)
        found = grad_cam(model, images, name, method=own)
        assert disagreement(found, expected) < limit, name


@methods
def test_layers_of_nested_models_agree(libraries, method):
    model = nested_model()
    dense = model.layers[-1]
    dense.set_weights([STEEP * weights for weights in dense.get_weights()])
    images = noise(model)
    inner = model.get_layer("outer").get_layer("inner")
    for name in ("conv_a", "conv_b"):
        expected = libraries.grad_cam_map(
            method, libraries.Logits(model), inner.get_layer(name), images, [0, 1, 2, 0, 1]
        )
        found = grad_cam(model, images, f"outer/inner/{name}", [0, 1, 2, 0, 1], method)
        assert disagreement(found, expected) < 1e-4, name


@methods
def test_a_score_of_the_users_own_agrees_on_a_subclassed_model(libraries, with_epsilon, method):
    # Without a target of its own, a library explains what the model returns: the probability.
    model = subclassed_model()
    images = np.random.default_rng(2).random((5, 16, 16, 3), np.float32)
    conv = model.block.steps[0]
    expected = libraries.grad_cam_map(method, model, conv, images, [2] * 5)
    own = with_epsilon if method == "grad_cam_plus_plus" else method
    found = grad_cam(model, images, "block/conv_a", lambda outputs: outputs[:, 2], own)
    assert disagreement(found, expected) < 1e-4


def test_grad_cam_plus_plus_differs_by_their_epsilon_alone(libraries, with_epsilon):
    model, logits = convnet("channels_last", steepness=1)
    images = noise(model)
    for name in SPATIAL:
        layer = logits.get_layer(name)
        expected = libraries.grad_cam_map("grad_cam_plus_plus", logits, layer, images, CLASSES)
        found = grad_cam(model, images, name, CLASSES, with_epsilon)
        assert disagreement(found, expected) < 1e-4, name
        ours = grad_cam(model, images, name, CLASSES, "grad_cam_plus_plus")
        assert disagreement(ours, expected) > 1e-4, name


@methods
def test_pictures_agree_once_both_are_stretched_alike(libraries, method):
    # pytorch-grad-cam stretches a map from its minimum to its maximum, resizes it with OpenCV and
    # stretches it again. We divide by the maximum, so that what is not zero does not look so.
    model, logits = convnet("channels_first")
    images = noise(model)
    for name in ("conv_a", "conv_b", "conv_c"):
        layer = logits.get_layer(name)
        expected = libraries.grad_cam_picture(method, logits, layer, images, CLASSES)
        maps = grad_cam(model, images, name, CLASSES, method)
        resized = np.stack([resize(one, 12, 16) for one in stretched(maps)])
        assert disagreement(stretched(resized), expected) < 1e-4, name


def stretched(maps):
    """Maps from 0 at their minimum to 1 at their maximum."""
    maps = maps - maps.min(axis=(1, 2), keepdims=True)
    highest = maps.max(axis=(1, 2), keepdims=True)
    return np.divide(maps, highest, out=np.zeros_like(maps), where=highest > 0)


def test_another_class_or_method_or_layout_disagrees(libraries):
    model, logits = convnet("channels_last")
    images = noise(model)
    layer = logits.get_layer("conv_b")
    for method in METHODS:
        found = grad_cam(model, images, "conv_b", CLASSES, method)
        for other in METHODS:
            expected = libraries.grad_cam_map(other, logits, layer, images, CLASSES)
            assert (disagreement(found, expected) > 0.05) == (other != method), (method, other)
        next_class = [(index + 1) % 4 for index in CLASSES]
        expected = libraries.grad_cam_map(method, logits, layer, images, next_class)
        assert disagreement(found, expected) > 0.1, method
    unturned = libraries.captum_grad_cam(logits, layer, images, CLASSES)
    assert unturned.shape != grad_cam(model, images, "conv_b", CLASSES).shape
