"""Which of a model's inputs is the image, where its channels are, and what range it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.backend import Inputs
from keras_viz_callbacks.capture.layers import CONVOLUTIONS, layer_paths
from keras_viz_callbacks.capture.survey import Survey

SIZE = 64
"""Pixels of a side of the image where the model takes any number of them."""

_RANKS = 4, 5, 3
"""Ranks of images, volumes and signals, in the order in which they are looked for."""


@dataclass(frozen=True)
class ImageInput:
    """The image among a model's inputs, where a model has one.

    Attributes:
        shape: ``(height, width, channels)``; sides of any size are `SIZE`.
        place: Place of the image among all inputs in flat order.
        channels_first: Whether the model takes it with its channels before its places.
        structure: The declared inputs, nested as the model takes them.
    """

    shape: tuple[int, int, int]
    place: int
    channels_first: bool
    structure: Any

    def feed(self, images: Any) -> Any:
        """All of the model's inputs; those that are not the image are zeros, or empty texts.

        Args:
            images: Tensor ``(batch, height, width, channels)``.
        """
        if self.channels_first:
            images = keras.ops.transpose(images, (0, 3, 1, 2))
        number = keras.ops.shape(images)[0]
        filled = [
            images
            if place == self.place
            else _nothing((number, *(side or 1 for side in part.shape[1:])), part.dtype)
            for place, part in enumerate(keras.tree.flatten(self.structure))
        ]
        return keras.tree.pack_sequence_as(self.structure, filled)

    def sample(self) -> Inputs:
        """Inputs of one black image, in NumPy."""
        inputs = self.feed(np.zeros((1, *self.shape), np.float32))
        return keras.tree.map_structure(keras.ops.convert_to_numpy, inputs)


def image_input(model: keras.Model) -> ImageInput:
    """Finds the image among a model's declared inputs.

    Raises:
        ValueError: None or several of them are images, or the model was never built.
    """
    structure = declared_inputs(model)
    parts = keras.tree.flatten(structure)
    images = [place for place, part in enumerate(parts) if len(part.shape) == 4]
    if len(images) != 1:
        shapes = [("batch", *part.shape[1:]) for part in parts]
        received = ", ".join(map(str, shapes)).replace("'", "") or "unknown shape (call it first)"
        raise ValueError(
            "Filter patterns need a model with one input of shape (batch, "
            f"height, width, channels). Received: a model with inputs of shape {received}"
        )
    place = images[0]
    own = parts[place].shape[1:]
    channels_first = _is_channels_first(model)
    height, width, channels = (*own[1:], own[0]) if channels_first else own
    shape = height or SIZE, width or SIZE, channels or 3
    return ImageInput(shape, place, channels_first, structure)


def _nothing(shape: tuple[Any, ...], dtype: str) -> Any:
    """Zeros, or empty texts."""
    if dtype == "string":
        return keras.ops.broadcast_to(keras.ops.convert_to_tensor(np.array("")), shape)
    return keras.ops.zeros(shape, dtype)


def image_place(shapes: Sequence[tuple[int | None, ...]]) -> int | None:
    """Place of the input that people see: the first that holds images, volumes or signals.

    Args:
        shapes: Shape of each input, batch axis included.

    Returns:
        None where no input has a shape of one of them.
    """
    for rank in _RANKS:
        found = [place for place, shape in enumerate(shapes) if len(shape) == rank]
        if found:
            # A single channel or a colour looks more like an image than features do.
            few = [p for p in found if min(shapes[p][-1] or 0, shapes[p][1] or 0) <= 4]
            return (few or found)[0]
    return None


@dataclass(frozen=True)
class ImagePart:
    """The image among a batch of inputs.

    Attributes:
        place: Place of the image among all inputs in flat order.
        channel_axis: Axis of its channels; None for an image without a channel axis.
    """

    place: int
    channel_axis: int | None

    def of(self, inputs: Inputs) -> NDArray[Any]:
        """The images among inputs, ``(batch, *places, channels)``."""
        return self.channels_last(keras.tree.flatten(inputs)[self.place])

    def channels_last(self, images: NDArray[Any]) -> NDArray[Any]:
        """Images as the model takes them, as ``(batch, *places, channels)``."""
        if self.channel_axis is None:
            return images[..., None]
        return np.moveaxis(images, self.channel_axis, -1)

    def put(self, images: NDArray[Any], inputs: Inputs) -> Inputs:
        """The inputs with other images.

        Args:
            images: ``(batch, *places, channels)``.
            inputs: All inputs.
        """
        parts = keras.tree.flatten(inputs)
        axis = self.channel_axis
        parts[self.place] = images[..., 0] if axis is None else np.moveaxis(images, -1, axis)
        return keras.tree.pack_sequence_as(inputs, parts)


def image_part(inputs: Inputs, survey: Survey) -> ImagePart:
    """Finds the image among held-out inputs, which `held_out` has found to have one.

    Args:
        inputs: What the model takes.
        survey: Survey of the model.
    """
    shapes = [part.shape for part in keras.tree.flatten(inputs)]
    place = image_place(shapes)
    assert place is not None
    return ImagePart(place, survey.channel_axis_of(shapes[place]))


def channels_last(images: NDArray[Any], inputs: Inputs, survey: Survey) -> NDArray[Any]:
    """Held-out images as ``(batch, *places, channels)``.

    Args:
        images: What is displayed, as the user has it: with the channels last, first, or without
            a channel axis.
        inputs: What the model takes.
        survey: Survey of the model.
    """
    axis = survey.channel_axis_of(images.shape)
    if axis is None:
        return images[..., None]
    # What is displayed may have another format than what `preprocess` makes of it.
    is_input = any(images.shape == part.shape for part in keras.tree.flatten(inputs))
    return np.moveaxis(images, axis, -1) if is_input else images


def guess_value_range(survey: Survey) -> tuple[float, float]:
    """(0, 255) where the model rescales such inputs itself before its first convolution."""
    for call in survey.calls:
        if call.is_convolution:
            break
        is_rescaling = isinstance(call.layer, keras.layers.Rescaling)
        if is_rescaling and float(np.max(np.abs(call.layer.scale))) < 1 / 32:
            return 0.0, 255.0
    return 0.0, 1.0


def declared_inputs(model: keras.Model) -> Any:
    """A model's declared inputs, nested as it takes them; an empty list where none are known."""
    try:
        declared = model.inputs if isinstance(model, keras.Sequential) else model.input
        if keras.tree.flatten(declared):
            return declared[0] if isinstance(model, keras.Sequential) else declared
    except (AttributeError, ValueError, TypeError):
        pass
    # A subclassed model knows only what it was built with.
    shape = (model.get_build_config() or {}).get("input_shape")
    if isinstance(shape, (list, tuple)) and all(isinstance(s, int | None) for s in shape):
        return keras.KerasTensor(tuple(shape))
    return []  # or several, of which nothing more is known


def _is_channels_first(model: keras.Model) -> bool:
    """Whether the image has its channels first, as the first layer with a data format takes it."""
    for layer in layer_paths(model).values():
        if isinstance(layer, CONVOLUTIONS):
            return bool(layer.data_format == "channels_first")
    return bool(keras.config.image_data_format() == "channels_first")
