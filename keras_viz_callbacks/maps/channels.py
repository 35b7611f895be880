"""Statistics of a layer's channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Statistics:
    """Numbers of each channel, ``(channels,)``; of the finite values only.

    Attributes:
        minimum: Lowest value; NaN for a channel without a finite value.
        maximum: Highest value; NaN likewise.
        mean: Mean; NaN likewise.
        std: Standard deviation; NaN likewise.
        blank: Zero everywhere.
    """

    minimum: Array
    maximum: Array
    mean: Array
    std: Array
    blank: NDArray[np.bool_]


def statistics(activation: Array) -> Statistics:
    """Statistics of each channel of one image's activation ``(*places, channels)``."""
    flat = activation.reshape(-1, activation.shape[-1])
    finite = np.isfinite(flat)
    blank: NDArray[np.bool_] = np.logical_not(flat.any(axis=0))
    if finite.all():
        return Statistics(flat.min(0), flat.max(0), flat.mean(0), flat.std(0), blank)
    count = finite.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(finite, flat, 0).sum(axis=0) / count
        std = np.sqrt((np.where(finite, flat - mean, 0) ** 2).sum(axis=0) / count)
    none = count == 0
    lowest = np.where(none, np.nan, np.where(finite, flat, np.inf).min(axis=0))
    highest = np.where(none, np.nan, np.where(finite, flat, -np.inf).max(axis=0))
    numbers = [a.astype(np.float32) for a in (lowest, highest, mean, std)]
    return Statistics(numbers[0], numbers[1], numbers[2], numbers[3], blank)
