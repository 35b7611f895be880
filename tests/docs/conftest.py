"""The names that the code blocks of a page use without defining them."""

from __future__ import annotations

import pytest


@pytest.fixture
def prepared():
    """A small compiled model, data for it, and the names that the pages use."""
    import keras
    import numpy as np
    from keras import layers

    keras.utils.set_random_seed(0)
    names = [f"class {number}" for number in range(4)]
    model = keras.Sequential(
        [
            keras.Input((24, 24, 3)),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="block1_conv1"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="block3_conv1"),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv3"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(len(names), activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    random = np.random.default_rng(0)
    x, x_val = random.random((16, 24, 24, 3), np.float32), random.random((6, 24, 24, 3), np.float32)
    y, y_val = np.arange(16) % 4, np.arange(6) % 4
    return {
        "model": model,
        "x": x,
        "y": y,
        "x_val": x_val,
        "y_val": y_val,
        "names": names,
        "images": x_val[:4],
        "labels": y_val[:4],
    }
