"""The networks and photographs that captures are measured on."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import layers
from skimage import data, transform

IMAGES = 4


class Workload(NamedTuple):
    """A network, and the images and layers that are measured.

    Attributes:
        name: Name in the table.
        model: Compiled model with random weights, which cost the same as trained ones.
        images: Held-out images, ``(4, side, side, 3)`` in [0, 1].
        convolutions: Names of its convolutions, in order.
        drawn: Names of those with filter patterns: early, middle, late.
    """

    name: str
    model: keras.Model
    images: np.ndarray
    convolutions: list[str]
    drawn: list[str]


def photographs(side: int) -> np.ndarray:
    """Four photographs of scikit-image, float32 ``(4, side, side, 3)`` in [0, 1]."""
    pictures = (data.chelsea(), data.astronaut(), data.coffee(), data.rocket())
    resized = [transform.resize(p, (side, side), anti_aliasing=True) for p in pictures]
    return np.stack(resized).astype(np.float32)


def vgg16() -> Workload:
    """VGG16 at 96 × 96 with a head of ten classes; 13 convolutions."""
    keras.utils.set_random_seed(0)
    backbone = keras.applications.VGG16(
        include_top=False, weights=None, input_shape=(96, 96, 3), pooling="avg"
    )
    scores = layers.Dense(10, activation="softmax")(backbone.output)
    return _workload("VGG16 at 96 × 96", keras.Model(backbone.input, scores), 96)


def lesson() -> Workload:
    """The lesson's convnet from scratch, four convolutions, at 150 × 150.

    It is a functional model: in a Sequential one each layer has several outputs, one for every
    layer that was added after it, and a sub-model of these would compute them all.
    """
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((150, 150, 3))
    for number, filters in enumerate((32, 64, 128, 128), start=1):
        x = layers.Conv2D(filters, 3, activation="relu", name=f"conv{number}")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dense(512, activation="relu")(layers.Flatten()(x))
    scores = layers.Dense(2, activation="softmax")(x)
    return _workload("four convolutions at 150 × 150", keras.Model(inputs, scores), 150)


WORKLOADS = {"vgg16": vgg16, "lesson": lesson}


def _workload(name: str, model: keras.Model, side: int) -> Workload:
    model.compile(keras.optimizers.SGD(1e-6), "sparse_categorical_crossentropy")
    found = [layer.name for layer in model.layers if isinstance(layer, layers.Conv2D)]
    drawn = [found[place] for place in (len(found) // 4, len(found) // 2, len(found) - 1)]
    return Workload(name, model, photographs(side), found, drawn)
