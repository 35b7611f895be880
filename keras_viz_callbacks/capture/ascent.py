"""Gradient ascent in input space: which image size and value range, which start, which filters."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.backend import Array, AscentSignals, Feed, Inputs, backend
from keras_viz_callbacks.capture.layers import CONVOLUTIONS, LayerCall, Survey, layer_paths

logger = logging.getLogger(__name__)

STEPS = 20
LEARNING_RATE = 0.12
SIZE = 64
"""Pixels of a pattern's longer side, unless the model's input is smaller."""

MARGIN = 4
"""Pixels that climb around a pattern and are cut off: filters answer to the zeros beyond the edge
too, and the bright lines that grow there would take the contrast from the rest."""

NOISE = 0.02
"""Spread of the noise on the grey start image, as a share of the value range."""


@dataclass(frozen=True)
class AscentSettings:
    """How patterns are made; see `keras_viz_callbacks.FilterPatterns` for each."""

    steps: int = STEPS
    learning_rate: float = LEARNING_RATE
    size: int | tuple[int, int] | None = None
    seed: int = 0
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: steps={self.steps!r}")
        if not self.learning_rate > 0:
            raise ValueError(
                f"`learning_rate` must be above 0. Received: learning_rate={self.learning_rate!r}"
            )
        sides = (self.size,) if isinstance(self.size, int) else self.size
        if sides is not None and (len(sides) not in (1, 2) or min(sides) < 1):
            raise ValueError(
                "`size` must be a number of pixels, a pair (height, width), or None. "
                f"Received: size={self.size!r}"
            )
        if self.value_range is not None:
            low, high = self.value_range
            if not low < high:
                raise ValueError(
                    "`value_range` must be (lowest, highest) of the model's input. "
                    f"Received: value_range={self.value_range!r}"
                )


class Ascent:
    """A compiled gradient ascent to the filters of one layer.

    Attributes:
        call: The layer's call.
        shape: Of the images that climb, ``(height, width, channels)``.
        value_range: Lowest and highest value of the model's input.

    Args:
        model: The model.
        survey: Of it.
        call: The layer.
        settings: Size, range, steps.

    Raises:
        ValueError: The model can't be run up to the layer on images of that size.
    """

    def __init__(
        self, model: keras.Model, survey: Survey, call: LayerCall, settings: AscentSettings
    ) -> None:
        self.call = call
        self.settings = settings
        self.value_range = settings.value_range or guess_value_range(survey)
        source = image_input(model)
        own = source.shape
        size = _size(settings.size, own)
        # Layers with positions of their own, say, take no other size than the model's.
        sizes = [(*size, MARGIN), (*size, 0)]
        if settings.size is None and size != own[:2]:
            sizes.append((*own[:2], 0))
        for height, width, margin in sizes:
            self.shape = (height + 2 * margin, width + 2 * margin, own[2])
            self._margin = margin
            try:
                self._climb = backend().compile_ascent(model, call, source.feed, self.shape)
                break
            except Exception as error:
                if (height, width, margin) != sizes[-1]:
                    continue
                raise ValueError(
                    f"`size` must be one that the model can take up to layer {call.path!r}. "
                    f"Received: size={settings.size!r}. The model said: {error}"
                ) from error

    def climb(self, filters: NDArray[np.int32]) -> tuple[Array, AscentSignals]:
        """The images that the ascent began with and what it came to, all filters as one batch."""
        low, high = self.value_range
        start = start_images(filters, self.shape, self.value_range, self.settings.seed)
        rate = self.settings.learning_rate * (high - low)
        return start, self._climb(start, filters, self.settings.steps, rate)

    def cut(self, images: Array) -> Array:
        """The images that climbed without their margin, ``(filter, height, width, channels)``."""
        height, width = (side - self._margin for side in images.shape[1:3])
        return images[:, self._margin : height, self._margin : width]


def start_images(
    filters: NDArray[np.int32],
    shape: tuple[int, int, int],
    value_range: tuple[float, float],
    seed: int,
) -> Array:
    """A grey, slightly noisy image for each filter.

    A filter's noise depends on its index and the seed alone, so that its pattern is the same
    whichever others climb beside it.

    Args:
        filters: Filter indices ``(filter,)``.
        shape: ``(height, width, channels)``.
        value_range: Lowest and highest value of the model's input.
        seed: Of the noise.

    Returns:
        ``(filter, height, width, channels)``, within the value range.
    """
    low, high = value_range
    noise = [
        np.random.default_rng((seed, int(index))).standard_normal(shape, np.float32)
        for index in filters
    ]
    return ((low + high) / 2 + (high - low) * NOISE * np.clip(noise, -3, 3)).astype(np.float32)


def pick_filters(call: LayerCall, filters: int | Sequence[int]) -> NDArray[np.int32]:
    """Filter indices of a layer.

    Args:
        call: The layer.
        filters: How many, from the first; or their indices.

    Raises:
        ValueError: An index is out of range, or there is none.
    """
    channels = call.channels or 0
    if isinstance(filters, (int, np.integer)):
        if filters < 1:
            raise ValueError(f"`filters` must be at least 1. Received: filters={filters!r}")
        return np.arange(min(int(filters), channels), dtype=np.int32)
    indices = np.asarray(list(filters))
    if not len(indices) or indices.dtype.kind not in "iu":
        raise ValueError(
            "`filters` must be a number of filters or a list of filter indices. "
            f"Received: filters={filters!r}"
        )
    return np.array([check_filter(call, int(i), "filters") for i in indices], np.int32)


def check_filter(call: LayerCall, index: int, argument: str) -> int:
    """The index, if the layer has that filter; a ValueError if not."""
    channels = call.channels or 0
    if not 0 <= index < channels:
        raise ValueError(
            f"`{argument}` must be below the number of filters of layer {call.path!r}, "
            f"{channels}, and not negative. Received: {argument}={index}"
        )
    return index


@dataclass(frozen=True)
class ImageInput:
    """The image among a model's inputs, in which patterns climb.

    Attributes:
        shape: ``(height, width, channels)``; sides that are free are `SIZE`.
        feed: From images ``(batch, height, width, channels)`` to all of the model's inputs; the
            others are zeros.
    """

    shape: tuple[int, int, int]
    feed: Feed

    def sample(self) -> Inputs:
        """Inputs of one grey image, in NumPy."""
        inputs = self.feed(np.zeros((1, *self.shape), np.float32))
        return keras.tree.map_structure(keras.ops.convert_to_numpy, inputs)


def image_input(model: keras.Model) -> ImageInput:
    """Finds the image among a model's inputs.

    Raises:
        ValueError: None or several of them are images, or the model was never built.
    """
    structure = _declared_inputs(model)
    parts = keras.tree.flatten(structure)
    images = [place for place, part in enumerate(parts) if len(part.shape) == 4]
    if len(images) != 1:
        shapes = [("batch", *part.shape[1:]) for part in parts]
        received = ", ".join(map(str, shapes)).replace("'", "") or "unknown shape (call it first)"
        raise ValueError(
            "Filter patterns climb in the input space of a model with one input of shape (batch, "
            f"height, width, channels). Received: a model with inputs of shape {received}"
        )
    place = images[0]
    own = parts[place].shape[1:]
    channels_first = _is_channels_first(model)
    height, width, channels = (*own[1:], own[0]) if channels_first else own

    def feed(images: Any) -> Any:
        if channels_first:
            images = keras.ops.transpose(images, (0, 3, 1, 2))
        number = keras.ops.shape(images)[0]
        filled = [
            images
            if at == place
            else keras.ops.zeros((number, *(side or 1 for side in part.shape[1:])), part.dtype)
            for at, part in enumerate(parts)
        ]
        return keras.tree.pack_sequence_as(structure, filled)

    return ImageInput((height or SIZE, width or SIZE, channels or 3), feed)


def _declared_inputs(model: keras.Model) -> Any:
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
    """Whether the image has its channels in front, as the first layer that says so takes it."""
    for layer in layer_paths(model).values():
        if isinstance(layer, CONVOLUTIONS):
            return bool(layer.data_format == "channels_first")
    return bool(keras.config.image_data_format() == "channels_first")


def guess_value_range(survey: Survey) -> tuple[float, float]:
    """(0, 255) where the model rescales such inputs itself before its first convolution."""
    for call in survey.calls:
        if call.is_convolution:
            break
        is_rescaling = isinstance(call.layer, keras.layers.Rescaling)
        if is_rescaling and float(np.max(np.abs(call.layer.scale))) < 1 / 32:
            return 0.0, 255.0
    return 0.0, 1.0


def _size(size: int | tuple[int, int] | None, own: tuple[int, int, int]) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    if size is not None:
        return size
    shrink = min(1.0, SIZE / max(own[:2]))
    return max(1, round(own[0] * shrink)), max(1, round(own[1] * shrink))
