"""Transforms: what happens to an image between the parametrisation and the model.

Whatever a transform chooses at random is drawn for all steps beforehand, in NumPy, and comes into
the compiled ascent as data. So no random state is touched, and nothing is traced twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.backend import Tensor

Shape: TypeAlias = tuple[int, int, int]

MARGIN = 4
"""Pixels of the margin around a picture: filters also respond to the zeros beyond the edge of an
image, and the bright lines that grow there would take the contrast from the rest."""


def _nothing(rng: np.random.Generator, steps: int, shape: Shape) -> NDArray[np.float32]:
    return np.zeros((steps, 0), np.float32)


def _unchanged(images: Tensor, choice: Tensor) -> Tensor:
    return images


@dataclass(frozen=True)
class Transform:
    """What happens to an image before the model takes it.

    Attributes:
        margin: Pixels on each side of the picture that the ascent changes too, and that are cut
            off.
        draw: ``(rng, steps, shape) -> choices``: what differs from step to step, in NumPy,
            ``(steps, …)``, for images of a shape ``(height, width, channels)``.
        apply: ``(images, choice) -> images``, in `keras.ops`: the images of a step. Pictures, and
            the scores after the last step, are without it.
    """

    margin: int = 0
    draw: Callable[[np.random.Generator, int, Shape], NDArray[Any]] = _nothing
    apply: Callable[[Tensor, Tensor], Tensor] = _unchanged


def margin(pixels: int = MARGIN) -> Transform:
    """A margin around the picture that is cut off."""
    return Transform(margin=pixels)
