"""Forms of held-out images that depend on the model: a folder, and a pair of images and labels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_viz_callbacks.capture.image_folder import read_images
from keras_viz_callbacks.capture.inputs import declared_inputs, image_input
from keras_viz_callbacks.capture.labels import label_array

SIDE = 224
"""Pixels of a side of a folder's images where the model takes any number of them."""


def depends_on_model(images: Any, labels: Any = None) -> bool:
    """Whether images can be gathered only when the model is known.

    Args:
        images: What the user gave as ``images``.
        labels: What the user gave as ``labels``.
    """
    if isinstance(images, (str, os.PathLike)):
        return True
    if labels is not None or not isinstance(images, tuple) or len(images) != 2:
        return False
    # Images and labels, or the batches of a model with several inputs.
    shapes = [tuple(part.shape) for part in keras.tree.flatten(images[0]) if _is_array(part)]
    number, *others = _label_shape(images[1])
    return len(others) <= 1 and any(len(shape) >= 3 and shape[0] == number for shape in shapes)


def as_model_takes(
    images: Any,
    labels: Any,
    model: keras.Model,
    *,
    class_names: Sequence[str] | None = None,
    max_images: int | None = None,
) -> tuple[Any, Any]:
    """Images and labels in forms that no longer depend on the model.

    Args:
        images: What the user gave as ``images``.
        labels: What the user gave as ``labels``.
        model: The model.
        class_names: Names of classes. Without ``labels``, the folders of these names in a folder
            of images are the classes.
        max_images: Read no more than that many images of a folder.

    Raises:
        ValueError: There is no such folder, no image in it, or the model takes other inputs.
    """
    if not depends_on_model(images, labels):
        return images, labels
    if not isinstance(images, (str, os.PathLike)):
        wanted, given = declared_inputs(model), images[0]
        is_pair = len(keras.tree.flatten(given)) == len(keras.tree.flatten(wanted))
        return (iter([(given, label_array(images[1]))]), None) if is_pair else (images, None)
    folder = Path(images)
    shape, channels_first = _image_shape(model, folder)
    found = read_images(
        folder,
        shape,
        max_images,
        labelled=labels is None and class_names is not None and _has_folders(folder),
        class_names=class_names,
    )
    pixels = {
        name: np.moveaxis(image, -1, 0) if channels_first else image
        for name, image in found.images.items()
    }
    # The layers of a model cast floats to their own type, but no integers.
    return (
        {name: image.astype(np.float32) for name, image in pixels.items()},
        found.labels if labels is None else labels,
    )


def _image_shape(model: keras.Model, folder: Path) -> tuple[tuple[int, int, int], bool]:
    """``(height, width, channels)`` of the model's input, and whether its channels come first."""
    declared = keras.tree.flatten(declared_inputs(model))
    if len(declared) == 1 and len(declared[0].shape) == 4:
        found = image_input(model)
        sides = declared[0].shape[2:] if found.channels_first else declared[0].shape[1:3]
        if found.shape[2] in (1, 3):
            return (sides[0] or SIDE, sides[1] or SIDE, found.shape[2]), found.channels_first
    raise ValueError(
        "`images` may be a folder where the model has one input of shape (batch, height, width, "
        f"channels), with 1 or 3 channels. Received: images={str(folder)!r}. Pass the model's "
        "inputs themselves."
    )


def _is_array(part: Any) -> bool:
    return isinstance(part, np.ndarray) or bool(keras.ops.is_tensor(part))


def _label_shape(labels: Any) -> tuple[int | None, ...]:
    """Shape of labels; that of nothing where they are no array."""
    if isinstance(labels, Mapping):
        return (None,)
    try:
        return label_array(labels).shape or (None,)
    except ValueError:
        return (None,)


def _has_folders(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_dir() for path in folder.iterdir())
