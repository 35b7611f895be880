"""Class activation methods: one function each, registered by its decorator.

Every method takes the activations ``A`` of a layer and the gradients ``∂y/∂A`` of the score
``y`` with respect to them, both ``(batch, *places, channels)``, where the places are height and
width for images, one axis for signals and three for volumes, and returns the map before its ReLU,
``(batch, *places)``. `class_activation_map` does everything else once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.maps.registry import Registry, title_of
from keras_viz_callbacks.maps.variants import TriedScores, Tries

Array = NDArray[np.float32]
Formula = Callable[[Array, Any], Array]
"""From activations and the method's evidence, gradients or `TriedScores`, to the map before its
ReLU."""


@dataclass(frozen=True)
class Method:
    """A class activation method.

    Attributes:
        name: Value of the argument ``method``.
        title: Name as its paper spells it.
        formula: From activations and evidence to the map before its ReLU; its docstring is the
            method's page in the guide.
        tries: Variants whose scores are the evidence; None where gradients are.
    """

    name: str
    title: str
    formula: Formula
    tries: Tries | None = None


METHODS: Registry[Method] = Registry("method")
"""Every method by its name."""


@overload
def method(formula: Formula) -> Formula: ...
@overload
def method(formula: str, *, tries: Tries | None = None) -> Callable[[Formula], Formula]: ...
def method(
    formula: Formula | str, *, tries: Tries | None = None
) -> Formula | Callable[[Formula], Formula]:
    """Registers a class activation method under its function's name.

    Used as ``@method("My-CAM")``, with the title that pictures and pages have, or as ``@method``.

    Args:
        formula: The function; or the title of the function that is decorated.
        tries: Variants whose scores the function takes; gradients if None.
    """
    if isinstance(formula, str):
        title = formula

        def register(function: Formula) -> Formula:
            name = function.__name__
            METHODS[name] = Method(name, title, function, tries)
            return function

        return register
    return method(title_of(formula.__name__))(formula)


def class_activation_map(
    activations: Array, evidence: Array | TriedScores, name: str = "grad_cam"
) -> Array:
    """The class activation map of each image, at the layer's resolution.

    Args:
        activations: ``(batch, *places, channels)``.
        evidence: Gradients of the score with respect to them, of the same shape; or the scores
            of the variants that the method tries.
        name: One of `METHODS`.

    Returns:
        ``(batch, *places)``, zero or above (the papers' ReLU), not normalised.

    Raises:
        ValueError: There is no such method.
    """
    return np.maximum(METHODS.find(name).formula(activations, evidence), 0)


@method("Grad-CAM")
def grad_cam(activations: Array, gradients: Array) -> Array:
    """Channels weighted by their mean gradient.

    Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2.
    """
    return combined(activations, gradients.mean(axis=_places(gradients)))


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
    return combined(activations, weights)


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
    return combined(activations, weights)


def _places(maps: Array) -> tuple[int, ...]:
    """The axes of places."""
    return tuple(range(1, maps.ndim - 1))


def combined(activations: Array, weights: Array) -> Array:
    """The sum of the channels, each times its weight; weights ``(batch, channels)``."""
    summed: Array = np.einsum("b...c,bc->b...", activations, weights)
    return summed
