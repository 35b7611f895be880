"""Variants to try: what a perturbation method changes, and the scores that come of it.

Variants are made one after another, in NumPy, so that a method with thousands of them needs the
memory of a few.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

MakeVariants: TypeAlias = Callable[[Array, tuple[int, ...]], Iterator[Array]]
"""From the activations of a layer ``(batch, *places, channels)`` and the places of the image to the
variants."""


@dataclass(frozen=True)
class Tries:
    """What a method tries.

    Attributes:
        of: ``"image"``: each variant is a mask ``(batch, *places of the image)`` that the image is
            multiplied by. ``"layer"``: each variant is a weight ``(batch, channels)`` that the
            channels of the layer's output are multiplied by.
        variants: Makes them.
    """

    of: Literal["image", "layer"]
    variants: MakeVariants


@dataclass(frozen=True)
class TriedScores:
    """Scores of the explained class.

    Attributes:
        original: Score of each image as it is, ``(batch,)``.
        tried: Score of each image in each variant, ``(batch, variants)``.
    """

    original: Array
    tried: Array


def channel_masks(activations: Array, places: tuple[int, ...]) -> Iterator[Array]:
    """One mask of the image for each channel: its map, enlarged, from 0 at its minimum to 1.

    A channel of one value has no places to tell apart, and its mask is zero.
    """
    axes = tuple(range(1, activations.ndim - 1))
    for channel in range(activations.shape[-1]):
        maps = activations[..., channel]
        for axis, size in zip(axes, places, strict=True):
            maps = resized(maps, axis, size)
        low = maps.min(axis=axes, keepdims=True)
        span = maps.max(axis=axes, keepdims=True) - low
        yield np.divide(maps - low, span, out=np.zeros_like(maps), where=span > 0)


def one_channel_out(activations: Array, places: tuple[int, ...]) -> Iterator[Array]:
    """For each channel the weights that set it to zero and leave the others as they are."""
    number, channels = len(activations), activations.shape[-1]
    for channel in range(channels):
        weights = np.ones((number, channels), np.float32)
        weights[:, channel] = 0
        yield weights


def resized(maps: Array, axis: int, size: int) -> Array:
    """Maps resized linearly along one axis, pixels being areas (half-pixel centres)."""
    matrix = _interpolation(maps.shape[axis], size)
    along = np.tensordot(maps, matrix, axes=(axis, 1))
    return np.ascontiguousarray(np.moveaxis(along, -1, axis), np.float32)


@functools.lru_cache(maxsize=64)
def _interpolation(before: int, after: int) -> Array:
    """Matrix ``(after, before)`` of the weights of linear interpolation."""
    centres = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    low = np.floor(centres).astype(int)
    high = np.minimum(low + 1, before - 1)
    share = centres - low
    matrix = np.zeros((after, before), np.float32)
    np.add.at(matrix, (np.arange(after), low), 1 - share)
    np.add.at(matrix, (np.arange(after), high), share)
    return matrix
