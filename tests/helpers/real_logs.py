"""Logs that a real `fit` wrote, for the browser tests; `synthetic_logs` makes up its pictures."""

from __future__ import annotations

import keras
import numpy as np
from curves import curves
from keras import layers

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from tensorboard_plugin import schema
from tests.helpers import synthetic_logs
from tests.helpers.event_logs import Log
from tests.helpers.models import compiled

SIZE = 32
IMAGES = 3
CLASS_NAMES = ("disk", "square", "cross")
# In network order, which is not that of the alphabet.
LAYERS = ("stem", "block1/conv_b", "block1/conv_a", "block2/conv", "head")
CLASS_MAPS = LAYERS[-2:]
DEAD_LAYER = "block2/conv"
DEAD = 2  # channels of that layer whose output is always zero


def fit(log_dir: str, *, epochs: int, seed: int) -> synthetic_logs.Log:
    """Trains for a few seconds, with the callbacks and, if it can, Keras' own; what they wrote."""
    keras.utils.set_random_seed(seed)
    images, labels = shapes(96, seed)
    held_out, held_out_labels = shapes(IMAGES, seed + 100)
    shown = {"labels": held_out_labels, "class_names": CLASS_NAMES, "on_error": "raise"}
    model().fit(
        images,
        labels,
        batch_size=16,
        epochs=epochs,
        validation_data=(held_out, held_out_labels),
        verbose=0,
        callbacks=[
            *curves(log_dir),
            ActivationGrid(log_dir, held_out, cell_size=32, **shown),
            FilterPatterns(log_dir, filters=4, steps=4, cell_size=48, on_error="raise"),
            GradCAM(log_dir, held_out, layers=CLASS_MAPS, **shown),
        ],
    )
    return read(log_dir)


def model() -> keras.Model:
    """Five convolutions, three of them in two nested models, for `shapes`."""

    def convolution(name: str, filters: int, dead: int = 0) -> layers.Layer:
        never = keras.initializers.Constant(np.array([-99.0] * dead + [0.0] * (filters - dead)))
        return layers.Conv2D(
            filters, 3, padding="same", activation="relu", bias_initializer=never, name=name
        )

    block1 = [convolution("conv_b", 8), convolution("conv_a", 8), layers.MaxPooling2D()]
    block2 = [convolution("conv", 12, DEAD), layers.MaxPooling2D()]
    result = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            convolution("stem", 6),
            layers.MaxPooling2D(),
            keras.Sequential([keras.Input((SIZE // 2, SIZE // 2, 6)), *block1], name="block1"),
            keras.Sequential([keras.Input((SIZE // 4, SIZE // 4, 8)), *block2], name="block2"),
            convolution("head", 16),
            layers.GlobalAveragePooling2D(),
            layers.Dense(len(CLASS_NAMES), activation="softmax"),
        ]
    )
    compiled(result).optimizer.learning_rate = 4e-3
    return result


def shapes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright disk, square or cross over a dark ramp; and the class of each, in turn."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASS_NAMES)
    images = np.empty((count, SIZE, SIZE, 3), np.float32)
    for image, label in zip(images, labels, strict=True):
        y, x = np.mgrid[0:SIZE, 0:SIZE] - random.integers(11, SIZE - 11, (2, 1, 1))
        y, x = np.abs(y), np.abs(x)
        inside = (
            np.hypot(x, y) < 8,
            np.maximum(x, y) < 7,
            (np.minimum(x, y) < 3) & (np.maximum(x, y) < 9),
        )[label][..., None]
        ramp = np.linspace(0, 0.3, SIZE)[:, None, None] * random.uniform(0, 1, 3)
        image[:] = np.where(inside, random.uniform(0.6, 1, 3), ramp)
    return images, labels


def read(log_dir: str) -> synthetic_logs.Log:
    """What is in the log of one training, by TensorBoard's own parser."""
    found = Log(log_dir)
    assert [path.parent.name for path in found.files] == [schema.RUN_NAME]
    (path,) = found.files
    result = synthetic_logs.Log(str(path.parent), str(path))
    for (run, tag, step), record in found.records.items():
        key = (run, tag, step)
        dead = found.layer_measure(record.name, "dead_channels", step, run)
        path = "" if record.layer is None else record.layer.path
        result.pictures[tag, step] = synthetic_logs.Written(
            step, found.pictures[key], record, found.heat_maps.get(key), dead.get(path)
        )
    return result
