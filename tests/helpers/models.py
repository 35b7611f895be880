"""Models that tests draw, small enough to train in a blink."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from examples import scenes


def small_model(*, functional: bool = False, classes: int = 3) -> keras.Model:
    """conv_a (16 × 16 × 4), pool, conv_b (8 × 8 × 5), pooling, softmax over the classes."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((16, 16, 3), name="image")
    stack = [
        layers.Conv2D(4, 3, padding="same", activation="relu", name="conv_a"),
        layers.MaxPooling2D(name="pool"),
        layers.BatchNormalization(name="norm"),
        layers.Conv2D(5, 3, padding="same", activation="relu", name="conv_b"),
        layers.GlobalAveragePooling2D(name="average"),
        layers.Dropout(0.2, name="dropout"),
        layers.Dense(classes, activation="softmax", name="classes"),
    ]
    if functional:
        x = inputs
        for layer in stack:
            x = layer(x)
        model = keras.Model(inputs, x)
    else:
        model = keras.Sequential([inputs, *stack])
    return compiled(model)


def six_images() -> np.ndarray:
    """For `small_model`, in [0, 1]."""
    return np.random.default_rng(0).random((6, 16, 16, 3), np.float32)


def six_labels() -> np.ndarray:
    """A class for each of `six_images`."""
    return np.array([0, 1, 2, 0, 1, 2])


def nested_model() -> keras.Model:
    """The same, two models deep: ``outer/inner/conv_a``, ``outer/inner/conv_b``."""
    keras.utils.set_random_seed(1)
    inner = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="conv_a"),
            layers.Conv2D(5, 3, strides=2, activation="relu", padding="same", name="conv_b"),
        ],
        name="inner",
    )
    image = keras.Input((16, 16, 3))
    outer = keras.Model(image, layers.BatchNormalization(name="norm")(inner(image)), name="outer")
    inputs = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(outer(inputs))
    return compiled(keras.Model(inputs, layers.Dense(3, activation="softmax")(x)))


def shared_model() -> keras.Model:
    """One convolution called twice in a row, ``shared``, of 3 channels."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((16, 16, 3))
    shared = layers.Conv2D(3, 3, padding="same", activation="relu", name="shared")
    x = layers.GlobalAveragePooling2D()(shared(shared(inputs)))
    return compiled(keras.Model(inputs, layers.Dense(3, activation="softmax")(x)))


class Block(layers.Layer):
    """A composite layer that keeps its convolutions in a list and a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.steps = [layers.Conv2D(4, 3, padding="same", activation="relu", name="conv_a")]
        self.named = {
            "b": layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="conv_b")
        }

    def call(self, x):
        return self.named["b"](self.steps[0](x))


class Subclassed(keras.Model):
    """A model with a softmax inside its own ``call``, which no layer's activation shows."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.block = Block(name="block")
        self.average = layers.GlobalAveragePooling2D()
        self.scores = layers.Dense(3, name="scores")

    def call(self, x, training=False):
        return keras.ops.softmax(self.scores(self.average(self.block(x))))


def subclassed_model() -> keras.Model:
    """A `Subclassed` model that has seen its first batch."""
    keras.utils.set_random_seed(1)
    model = compiled(Subclassed())
    model(np.zeros((1, 16, 16, 3), np.float32))
    return model


def compiled(model: keras.Model) -> keras.Model:
    """The model, ready to fit class indices."""
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained_scenes_model() -> tuple[keras.Model, scenes.Scenes]:
    """Four convolutions trained on 1,200 scenes, and 100 held-out ones."""
    keras.utils.set_random_seed(3)
    train = scenes.scenes(1200, seed=0)
    held_out = scenes.scenes(100, seed=1, split="validation")
    blocks = []
    for number, filters in enumerate((12, 24, 48)):
        blocks += [
            layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv_{number}"),
            layers.BatchNormalization(momentum=0.8),
            layers.ReLU(),
            layers.MaxPooling2D(),
        ]
    model = compiled(
        keras.Sequential(
            [
                keras.Input((96, 96, 3)),
                layers.AveragePooling2D(2, name="half"),
                *blocks,
                layers.Conv2D(64, 3, padding="same", activation="relu", name="conv_3"),
                layers.GlobalAveragePooling2D(),
                layers.Dense(10, activation="softmax", name="digit"),
            ]
        )
    )
    model.optimizer.learning_rate = 3e-3
    model.fit(train.images, train.labels, epochs=8, batch_size=32, verbose=0)
    return model, held_out
