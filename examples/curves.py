"""Loss and accuracy as curves in TensorBoard, for recipes that run on every backend."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import keras


def curves(log_dir: Path) -> list[keras.callbacks.Callback]:
    """Keras' own callback, or none: it needs TensorFlow to write, on JAX and torch too.

    Without TensorFlow the tab still shows loss and metrics beside each picture.
    """
    if importlib.util.find_spec("tensorflow") is None:
        return []
    return [keras.callbacks.TensorBoard(log_dir)]
