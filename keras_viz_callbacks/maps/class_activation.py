"""Class activation methods: one function each, registered by its decorator.

Every method takes the activations ``A`` of a layer and the gradients ``∂y/∂A`` of the score
``y`` with respect to them, both ``(batch, *places, channels)``, where the places are height and
width for images, one axis for signals and three for volumes, and returns the map before its ReLU,
``(batch, *places)``. `class_activation_map` does everything else once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.maps.registry import Registry, title_of

Array = NDArray[np.float32]
Formula = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Method:
    """A class activation method.

    Attributes:
        name: Value of the argument ``method``.
        title: Name as its paper spells it.
        formula: From activations and gradients to the map before its ReLU; its docstring is the
            method's page in the guide.
    """

    name: str
    title: str
    formula: Formula


METHODS: Registry[Method] = Registry("method")
"""Every method by its name."""


@overload
def method(formula: Formula) -> Formula: ...
@overload
def method(formula: str) -> Callable[[Formula], Formula]: ...
def method(formula: Formula | str) -> Formula | Callable[[Formula], Formula]:
    """Registers a class activation method under its function's name.

    Used as ``@method("My-CAM")``, with the title that pictures and pages have, or as ``@method``.
    """
    if isinstance(formula, str):
        title = formula

        def register(function: Formula) -> Formula:
            METHODS[function.__name__] = Method(function.__name__, title, function)
            return function

        return register
    return method(title_of(formula.__name__))(formula)


def class_activation_map(activations: Array, gradients: Array, name: str = "grad_cam") -> Array:
    """The class activation map of each image, at the layer's resolution.

    Args:
        activations: ``(batch, *places, channels)``.
        gradients: Of the score with respect to them, of the same shape.
        name: One of `METHODS`.

    Returns:
        ``(batch, *places)``, zero or above (the papers' ReLU), not normalised.

    Raises:
        ValueError: There is no such method.
    """
    return np.maximum(METHODS.find(name).formula(activations, gradients), 0)


@method("Grad-CAM")
def grad_cam(activations: Array, gradients: Array) -> Array:
    """Channels weighted by their mean gradient.

    Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2.
    """
    return _combined(activations, gradients.mean(axis=_places(gradients)))


@method("HiResCAM")
def hires_cam(activations: Array, gradients: Array) -> Array:
    """Each activation weighted by its own gradient, so that the map shows what was computed.

    Draelos and Carin 2020, "Use HiResCAM instead of Grad-CAM", equation 3.
    """
    summed: Array = np.einsum("b...c,b...c->b...", activations, gradients)
    return summed


@method("LayerCAM")
def layer_cam(activations: Array, gradients: Array) -> Array:
    """Each activation weighted by its own gradient where that is positive; for early layers.

    Jiang et al. 2021, "LayerCAM", equations 7 to 9.
    """
    return hires_cam(activations, np.maximum(gradients, 0))


@method("XGrad-CAM")
def xgrad_cam(activations: Array, gradients: Array) -> Array:
    """Channels weighted by their gradients' mean, each gradient counting as its activation does.

    Fu et al. 2020, "Axiom-based Grad-CAM", equation 8. A channel whose activations sum to zero
    has no such mean and weighs nothing.
    """
    sums = activations.sum(axis=_places(activations))
    weighted = (activations * gradients).sum(axis=_places(activations))
    weights = np.divide(weighted, sums, out=np.zeros_like(sums), where=sums != 0)
    return _combined(activations, weights)


@method("Grad-CAM++")
def grad_cam_plus_plus(activations: Array, gradients: Array) -> Array:
    """Channels weighted by their positive gradients, so that several objects of a class count.

    Chattopadhyay et al. 2018, "Grad-CAM++", equations 10 and 19, where the differentiated score
    is the exponential of the logit: then its derivatives are powers of the logit's gradient
    times that exponential, which scales a whole map and is left out here.
    """
    squares = gradients**2
    sums = activations.sum(axis=_places(activations), keepdims=True)
    below = 2 * squares + sums * gradients * squares
    alphas = np.divide(squares, below, out=np.zeros_like(below), where=below != 0)
    weights = (alphas * np.maximum(gradients, 0)).sum(axis=_places(gradients))
    return _combined(activations, weights)


def _places(maps: Array) -> tuple[int, ...]:
    """The axes of places."""
    return tuple(range(1, maps.ndim - 1))


def _combined(activations: Array, weights: Array) -> Array:
    """The sum of the channels, each times its weight; weights ``(batch, channels)``."""
    combined: Array = np.einsum("b...c,bc->b...", activations, weights)
    return combined
