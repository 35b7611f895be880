"""Class activation methods: one function each, registered by its decorator.

Every method takes the activations ``A`` of a layer and the gradients ``∂y/∂A`` of the score
``y`` with respect to them, both ``(batch, height, width, channels)``, and returns the map before
its ReLU, ``(batch, height, width)``. `class_activation_map` does everything else once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Method = Callable[[Array, Array], Array]

METHODS: dict[str, Method] = {}
"""Every method by its name."""

_SPATIAL = (1, 2)


def method(function: Method) -> Method:
    """Registers a class activation method under its function's name."""
    METHODS[function.__name__] = function
    return function


def class_activation_map(activations: Array, gradients: Array, name: str = "grad_cam") -> Array:
    """The class activation map of each image, at the layer's resolution.

    Args:
        activations: ``(batch, height, width, channels)``.
        gradients: Of the score with respect to them, of the same shape.
        name: One of `METHODS`.

    Returns:
        ``(batch, height, width)``, zero or above (the papers' ReLU), not normalised.

    Raises:
        ValueError: There is no such method.
    """
    return np.maximum(find(name)(activations, gradients), 0)


def find(name: str) -> Method:
    """The method of this name.

    Raises:
        ValueError: There is none.
    """
    if name not in METHODS:
        raise ValueError(
            f"`method` must be one of {', '.join(map(repr, METHODS))}. Received: method={name!r}"
        )
    return METHODS[name]


@method
def grad_cam(activations: Array, gradients: Array) -> Array:
    """Channels weighted by their mean gradient.

    Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2.
    """
    weights = gradients.mean(axis=_SPATIAL)
    weighted: Array = np.einsum("bhwc,bc->bhw", activations, weights)
    return weighted
