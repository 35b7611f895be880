"""The network: the quickstart's four blocks, two more convolutions, a channel for each value."""

from __future__ import annotations

import math

import keras
from keras import layers
from scenes import SIZE
from yolo.grid import VALUES
from yolo.loss import detection_loss


def detector(batches: int) -> keras.Model:
    """A model compiled for this number of batches; the learning rate falls to zero at the last.

    Four poolings make a grid of 6 × 6 cells of 96 × 96 pixels. The last convolution, ``cells``,
    takes each cell separately.
    """
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3))], name="detector")
    for number, filters in enumerate((16, 32, 64, 96, 128, 128), start=1):
        model.add(
            layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{number}")
        )
        if number <= 4:
            model.add(layers.MaxPooling2D())
        model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.Conv2D(VALUES, 1, name="cells"))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, batches, warmup_target=2e-3, warmup_steps=math.ceil(batches / 20)
    )
    model.compile(keras.optimizers.Adam(rate), detection_loss)
    return model
