"""Which axes of a layer's output are places and which are channels.

Every signal that leaves `capture` is ``(batch, *places, channels)``: one place axis for
convolutions in one dimension, two for images, three for volumes and sequences of images. The
tokens of an image model are a sequence of places of a grid and are laid out as that grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

Shape = tuple[int | None, ...]

TokensToGrid: TypeAlias = "tuple[int, int] | Callable[[Array], Array] | None"
"""Grid of a layer's last ``height × width`` tokens; or a function from ``(batch, tokens,
features)`` to ``(batch, height, width, features)``; None lays out squares."""


@dataclass(frozen=True)
class Layout:
    """How the output of a layer becomes maps.

    Attributes:
        places: Size of each axis of places, sizes that are not known being None.
        channels: Number of channels.
        to_maps: From the output in NumPy to ``(batch, *places, channels)``.
        channel_axis: Of the output, batch axis counted.
    """

    places: Shape
    channels: int | None
    to_maps: Callable[[Array], Array] = field(repr=False, default=lambda output: output)
    channel_axis: int = -1


def layout_of(
    shape: Shape | None, *, channels_first: bool, are_tokens: bool, tokens_to_grid: TokensToGrid
) -> Layout | None:
    """The layout of an output, or None where it has no maps.

    Args:
        shape: Of the output, without the batch axis; None where it is not one tensor.
        channels_first: Whether its channels come before its places.
        are_tokens: An output ``(batch, tokens, features)`` holds the tokens of an image.
        tokens_to_grid: The user's word on how to lay them out.

    Raises:
        ValueError: That word does not fit any of the model's layers.
    """
    if shape is None or not 2 <= len(shape) <= 4:
        return None
    if len(shape) == 2 and are_tokens:
        return _grid_of_tokens(shape, tokens_to_grid)
    if channels_first:
        return Layout(shape[1:], shape[0], _channels_last, channel_axis=1)
    return Layout(shape[:-1], shape[-1])


def check_tokens_to_grid(tokens_to_grid: Any) -> None:
    """Raises a ValueError where this is no `TokensToGrid`."""
    if tokens_to_grid is None or callable(tokens_to_grid):
        return
    try:
        height, width = tokens_to_grid
        fits = int(height) == height >= 1 and int(width) == width >= 1
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(
            "`tokens_to_grid` must be (height, width), a function from (batch, tokens, features) "
            "to (batch, height, width, features), or None. "
            f"Received: tokens_to_grid={tokens_to_grid!r}"
        )


def _grid_of_tokens(shape: Shape, tokens_to_grid: TokensToGrid) -> Layout | None:
    tokens, features = shape
    if tokens is None:
        return None
    if callable(tokens_to_grid):
        function = tokens_to_grid
        probe = np.zeros((1, tokens, features or 1), np.float32)
        try:
            maps = np.asarray(function(probe))
        except ValueError:
            return None  # of other tokens than it is for
        if maps.ndim != 4 or len(maps) != 1:
            raise ValueError(
                "`tokens_to_grid` must return an array of shape (batch, height, width, features). "
                f"Received: a function that returns {maps.shape} for {probe.shape}"
            )
        return Layout(maps.shape[1:3], maps.shape[-1], lambda output: np.asarray(function(output)))
    if tokens_to_grid is not None:
        height, width = tokens_to_grid
        # What comes before the places, such as class tokens, is left out.
        return _laid_out(height, width, features) if height * width <= tokens else None
    for count in (tokens, tokens - 1):
        side = math.isqrt(max(count, 0))
        # One token is no grid: it is a class token, or a pooled image.
        if side > 1 and side * side == count:
            return _laid_out(side, side, features)
    return None


def _laid_out(height: int, width: int, features: int | None) -> Layout:
    def to_maps(output: Array) -> Array:
        places = output[:, output.shape[1] - height * width :]
        return places.reshape(len(output), height, width, output.shape[-1])

    return Layout((height, width), features, to_maps)


def _channels_last(output: Array) -> Array:
    return np.moveaxis(output, 1, -1)
