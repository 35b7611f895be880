"""Signals and volumes as pictures: strips and slices, so that everything else draws in two axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

STRIP = 8
"""How many times longer than high the strip of a sequence is."""

LONGEST = 1024
"""Steps of a signal that are drawn apart; of a longer one neighbours are averaged."""

_MOSAICS = (1, 2, 3, 4, 6, 9)
"""Numbers of slices that fill a rectangle."""


def as_pictures(maps: NDArray[Any]) -> NDArray[Any]:
    """Maps of any number of place axes as ``(batch, height, width, channels)``.

    Args:
        maps: ``(batch, *places, channels)``. A sequence becomes a strip, a volume up to nine of
            its slices side by side, evenly spread over its depth; images stay as they are.
    """
    if maps.ndim == 3:
        rows = max(1, maps.shape[1] // STRIP)
        return np.repeat(maps[:, None], rows, axis=1)
    if maps.ndim == 5:
        slices = np.floor(_centres(slices_of(maps.shape[1]), maps.shape[1]))
        return _mosaic(maps[:, slices.astype(int)])
    return maps


def signals_as_pictures(images: NDArray[Any]) -> NDArray[Any]:
    """Held-out images of any number of place axes as ``(batch, height, width, channels)``.

    Args:
        images: ``(batch, *places, channels)``. The channels of a signal become rows of a strip.
    """
    if images.ndim != 3:
        return as_pictures(images)
    number, steps, channels = images.shape
    if steps > LONGEST:
        width = steps // math.ceil(steps / LONGEST)
        edges = np.linspace(0, steps, width, endpoint=False).astype(int)
        sums = np.add.reduceat(images.astype(np.float64), edges, axis=1)
        images = (sums / np.diff(edges, append=steps)[:, None]).astype(np.float32)
        steps = width
    rows = max(1, steps // (STRIP // 2) // channels)
    strips: NDArray[Any] = np.repeat(np.moveaxis(images, -1, 1), rows, axis=1)[..., None]
    return strips.reshape(number, rows * channels, steps, 1)


def slices_of(depth: int) -> int:
    """How many slices of a volume are drawn."""
    return max(number for number in _MOSAICS if number <= depth)


def map_slices(heat_map: Array, slices: int) -> Array:
    """A class activation map of a volume at the depths of the volume's drawn slices.

    Args:
        heat_map: ``(depth, height, width)`` at the layer's resolution.
        slices: How many slices are drawn.

    Returns:
        ``(slice, height, width)``, linear between the layer's own slices.
    """
    depth = len(heat_map)
    centres = np.clip(_centres(slices, depth) - 0.5, 0, depth - 1)
    below = np.floor(centres).astype(int)
    above = np.minimum(below + 1, depth - 1)
    share = (centres - below).astype(np.float32)[:, None, None]
    mixed: Array = heat_map[below] * (1 - share) + heat_map[above] * share
    return mixed


def mosaic_of_slices(slices: NDArray[Any]) -> NDArray[Any]:
    """Slices ``(slice, height, width)`` side by side, as `as_pictures` lays them out."""
    picture: NDArray[Any] = _mosaic(slices[None, ..., None])[0, ..., 0]
    return picture


def _mosaic(slices: NDArray[Any]) -> NDArray[Any]:
    number, depth, height, width, channels = slices.shape
    rows = math.isqrt(depth)
    columns = depth // rows
    laid = slices.reshape(number, rows, columns, height, width, channels)
    return np.moveaxis(laid, 3, 2).reshape(number, rows * height, columns * width, channels)


def _centres(parts: int, whole: int) -> NDArray[np.float64]:
    """The middle of each of some equal parts of an axis."""
    return (np.arange(parts) + 0.5) * whole / parts
