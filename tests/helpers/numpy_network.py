"""One small convnet twice: as a Keras model, and in plain NumPy with gradients worked out by hand.

The NumPy network shares nothing with Keras, a backend or this project. It computes in double
precision, so that it is the more exact of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

Array = NDArray[np.float64]
Backward = Callable[[Array], Array]
"""From the gradient with respect to an operation's output to that with respect to its input."""
Operation = Callable[[Array], tuple[Array, Backward]]

SHAPE = (20, 24, 3)
CLASSES = 4
NORM_EPSILON = 1e-3

SPATIAL = ("conv_a", "pool", "inner/conv_b", "inner/norm", "inner/relu", "depthwise", "conv_c")
"""The layers that have maps, by path."""


def weights() -> dict[str, list[NDArray[np.float32]]]:
    """The weights of each layer, in the order in which Keras takes them."""
    random = np.random.default_rng(7)

    def kernel(*shape: int) -> NDArray[np.float32]:
        scale = np.sqrt(2 / np.prod(shape[:-1]))
        return (scale * random.standard_normal(shape)).astype(np.float32)

    def vector(low: float, high: float, size: int) -> NDArray[np.float32]:
        return random.uniform(low, high, size).astype(np.float32)

    gamma, beta = vector(0.5, 1.5, 8), vector(-0.2, 0.5, 8)
    mean, variance = vector(-0.5, 0.5, 8), vector(0.3, 2, 8)
    # So that no class wins on each image.
    level = np.array([-0.27, -0.27, 0.24, 0.34], np.float32)
    return {
        "conv_a": [kernel(3, 3, 3, 6), vector(-0.1, 0.1, 6)],
        "conv_b": [kernel(3, 3, 6, 8)],
        "norm": [gamma, beta, mean, variance],
        "depthwise": [kernel(3, 3, 8, 1) / 3, vector(-0.1, 0.1, 8)],
        "conv_c": [kernel(3, 3, 8, 10), vector(-0.1, 0.1, 10)],
        "classes": [4 * kernel(5 * 6 * 10, CLASSES), level],
    }


def images() -> NDArray[np.float32]:
    """Four images of coloured squares with some noise, of values from 0 to 1."""
    random = np.random.default_rng(3)
    squares = np.kron(random.random((4, 5, 6, 3)), np.ones((1, 4, 4, 1)))
    return (0.9 * squares + 0.1 * random.random(squares.shape)).astype(np.float32)


def keras_model() -> keras.Model:
    """The network in Keras, on whatever backend runs."""
    # Zeros until the weights are set: JAX takes long to compile a random start.
    zeros: dict[str, Any] = {"kernel_initializer": "zeros"}
    same: dict[str, Any] = {"padding": "same", "activation": "relu"}
    inside = keras.Input((10, 12, 6))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv_b", **zeros)(inside)
    x = layers.BatchNormalization(epsilon=NORM_EPSILON, name="norm")(x)
    inner = keras.Model(inside, layers.ReLU(name="relu")(x), name="inner")

    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(6, 3, name="conv_a", **same, **zeros)(inputs)
    x = inner(layers.MaxPooling2D(name="pool")(x))
    x = layers.DepthwiseConv2D(3, depthwise_initializer="zeros", name="depthwise", **same)(x)
    x = layers.Conv2D(10, 3, strides=2, name="conv_c", **same, **zeros)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(CLASSES, activation="softmax", name="classes", **zeros)(x)
    model = keras.Model(inputs, x)
    for name, values in weights().items():
        owner = inner if name in ("conv_b", "norm") else model
        owner.get_layer(name).set_weights(values)
    return model


def operations() -> dict[str, list[Operation]]:
    """The network in NumPy: what each layer does, one thing after the other, up to the logits."""
    of = {name: [np.asarray(v, np.float64) for v in value] for name, value in weights().items()}
    each_channel = of["depthwise"][0][..., 0, None] * np.eye(8)  # (3, 3, 8, 8)
    return {
        "conv_a": [convolution(*of["conv_a"]), relu],
        "pool": [max_pooling],
        "inner/conv_b": [convolution(*of["conv_b"])],
        "inner/norm": [normalization(*of["norm"])],
        "inner/relu": [relu],
        "depthwise": [convolution(each_channel, of["depthwise"][1]), relu],
        "conv_c": [convolution(*of["conv_c"], stride=2), relu],
        "logits": [dense(*of["classes"])],
    }


def run(steps: Sequence[Operation], x: Array) -> tuple[Array, Backward]:
    """Operations in a row, as one."""
    backwards = []
    for step in steps:
        x, backward = step(x)
        backwards.append(backward)

    def back(gradient: Array) -> Array:
        for backward in reversed(backwards):
            gradient = backward(gradient)
        return gradient

    return x, back


def answers(images: Array | NDArray[np.float32]) -> tuple[dict[str, Array], dict[str, Backward]]:
    """What each layer answers, ``(batch, height, width, channels)``, and the way back."""
    found, backwards = {}, {}
    x = images.astype(np.float64)
    for path, steps in operations().items():
        x, backwards[path] = run(steps, x)
        found[path] = x
    return found, backwards


def gradients(images: Array | NDArray[np.float32], classes: Sequence[int]) -> dict[str, Array]:
    """Of each image's logit of its class with respect to what each layer answers."""
    _, backwards = answers(images)
    gradient = np.eye(CLASSES)[list(classes)]
    found = {}
    for path, backward in reversed(backwards.items()):
        found[path] = gradient
        gradient = backward(gradient)
    return found


def input_gradient(images: Array | NDArray[np.float32], classes: Sequence[int]) -> Array:
    """Gradient of each image's logit of its class with respect to the image."""
    first = next(iter(operations()))
    return answers(images)[1][first](gradients(images, classes)[first])


def logits_from(path: str, maps: Array) -> Array:
    """The logits that the rest of the network makes of what a layer outputs."""
    table = operations()
    paths = list(table)
    above = [step for other in paths[paths.index(path) + 1 :] for step in table[other]]
    return run(above, maps)[0]


def convolution(kernel: Array, bias: Array | float = 0.0, stride: int = 1) -> Operation:
    """Keras' ``padding="same"``: where the padding is odd, the larger part comes last.

    Args:
        kernel: ``(size, size, channels, filters)``.
        bias: ``(filters,)``.
        stride: In both directions.
    """
    size = kernel.shape[0]

    def forward(x: Array) -> tuple[Array, Backward]:
        sides = [-(-side // stride) for side in x.shape[1:3]]
        missing = [
            max((out - 1) * stride + size - side, 0)
            for out, side in zip(sides, x.shape[1:3], strict=True)
        ]
        (top, bottom), (left, right) = ((m // 2, m - m // 2) for m in missing)
        padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))

        def seen(array: Array, i: int, j: int) -> Array:
            """What the kernel's entry ``i, j`` sees of each place, as a view."""
            rows = slice(i, i + stride * (sides[0] - 1) + 1, stride)
            columns = slice(j, j + stride * (sides[1] - 1) + 1, stride)
            return array[:, rows, columns]

        entries = list(np.ndindex(size, size))
        y = bias + sum(seen(padded, *entry) @ kernel[entry] for entry in entries)

        def back(gradient: Array) -> Array:
            spread = np.zeros_like(padded)
            for entry in entries:
                seen(spread, *entry)[...] += gradient @ kernel[entry].T
            return spread[:, top : top + x.shape[1], left : left + x.shape[2]]

        return y, back

    return forward


def relu(x: Array) -> tuple[Array, Backward]:
    return np.maximum(x, 0), lambda gradient: gradient * (x > 0)


def max_pooling(x: Array) -> tuple[Array, Backward]:
    """Two by two, the gradient going to the first of the largest."""
    batch, height, width, channels = x.shape
    cells = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    cells = cells.transpose(0, 1, 3, 5, 2, 4).reshape(-1, 4)
    largest = cells.argmax(axis=1)

    def back(gradient: Array) -> Array:
        spread = np.zeros_like(cells)
        spread[np.arange(len(cells)), largest] = gradient.reshape(-1)
        spread = spread.reshape(batch, height // 2, width // 2, channels, 2, 2)
        return spread.transpose(0, 1, 4, 2, 5, 3).reshape(x.shape)

    return cells.max(axis=1).reshape(batch, height // 2, width // 2, channels), back


def normalization(gamma: Array, beta: Array, mean: Array, variance: Array) -> Operation:
    """Batch normalization when it does not train."""
    scale = gamma / np.sqrt(variance + NORM_EPSILON)
    return lambda x: ((x - mean) * scale + beta, lambda gradient: gradient * scale)


def dense(kernel: Array, bias: Array) -> Operation:
    """Behind a flattening of the maps."""

    def forward(x: Array) -> tuple[Array, Backward]:
        y = x.reshape(len(x), -1) @ kernel + bias
        return y, lambda gradient: (gradient @ kernel.T).reshape(x.shape)

    return forward
