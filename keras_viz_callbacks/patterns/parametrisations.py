"""Parametrisations: what the ascent changes, and the image that it makes.

Each is a class with two methods, registered by its decorator. Gradients with respect to other
parameters than pixels prefer other images: Olah et al. 2017, "Feature Visualization",
section "Preconditioning and Parameterization".
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.backend import Tensor
from keras_viz_callbacks.maps.registry import Registry

Array = NDArray[np.float32]

NOISE = 0.02
"""Standard deviation of the noise on the grey start image, as a share of the value range."""


@dataclass(frozen=True)
class Parametrisation(abc.ABC):
    """Images of one shape as parameters of any shape.

    An image has values from 0 to 1, the lowest and the highest that the model takes; the ascent
    may leave that range.

    Attributes:
        shape: Shape of the image, ``(height, width, channels)``.
    """

    shape: tuple[int, int, int]

    @abc.abstractmethod
    def start(self, seed: int, items: NDArray[np.int32]) -> Array:
        """The parameters that the ascent starts with, in NumPy.

        Those of an item depend on its number and the seed alone, so that its pattern is the same
        whichever other items are in the batch.

        Args:
            seed: Seed of all that is random.
            items: Number of each item, such as a filter's index, ``(item,)``.

        Returns:
            ``(item, …)``.
        """

    @abc.abstractmethod
    def image(self, parameters: Tensor) -> Tensor:
        """The images that parameters stand for, in functions of `keras.ops`.

        Args:
            parameters: ``(item, …)``.

        Returns:
            ``(item, height, width, channels)``.
        """


PARAMETRISATIONS: Registry[type[Parametrisation]] = Registry("parametrisation")
"""Every parametrisation by its name."""

Class = TypeVar("Class", bound=type[Parametrisation])


def parametrisation(name: str) -> Callable[[Class], Class]:
    """Registers a parametrisation as a value of the argument ``parametrisation``."""

    def register(cls: Class) -> Class:
        PARAMETRISATIONS[name] = cls
        return cls

    return register


def noise(shape: tuple[int, ...], seed: int, items: NDArray[np.int32]) -> Array:
    """Standard normal noise, ``(item, *shape)``, for each item by its number and the seed."""
    return np.stack(
        [
            np.random.default_rng((seed, int(item))).standard_normal(shape, np.float32)
            for item in items
        ]
    )


@parametrisation("pixels")
class Pixels(Parametrisation):
    """The pixels themselves; the start is grey with a little noise.

    Erhan et al. 2009, "Visualizing higher-layer features of a deep network".
    """

    def start(self, seed: int, items: NDArray[np.int32]) -> Array:
        """See `Parametrisation.start`."""
        start: Array = 0.5 + NOISE * np.clip(noise(self.shape, seed, items), -3, 3)
        return start

    def image(self, parameters: Tensor) -> Tensor:
        """See `Parametrisation.image`."""
        return parameters
