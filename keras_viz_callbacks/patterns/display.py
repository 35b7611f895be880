"""From the images of a gradient ascent to pictures, in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

CONTRAST = 0.2
"""Standard deviation of a displayed pattern, of a range of 1."""


def to_displayable(images: Array) -> NDArray[np.uint8]:
    """Patterns as pictures: each centred on grey and brought to the same contrast, then cut off.

    Chollet, "Deep Learning with Python", section "Visualizing convnet filters".

    Args:
        images: ``(filter, height, width, channels)``, of any range.

    Returns:
        uint8 of the same shape.
    """
    axes = (1, 2, 3)
    centred = images - images.mean(axis=axes, keepdims=True)
    std = centred.std(axis=axes, keepdims=True)
    scaled = np.divide(centred, std, out=np.zeros_like(centred), where=std > 0)
    levels: NDArray[np.float32] = np.round(np.clip(scaled * CONTRAST + 0.5, 0, 1) * 255)
    return levels.astype(np.uint8)
