"""Pixel attribution methods: one function each, registered by its decorator.

Every method takes the image and a baseline that means "nothing", both
``(batch, *places, channels)``, and statistics of the gradients ``∂y/∂x`` of the score ``y`` with
respect to the image, at the points that the method chooses. It returns signed attributions
``(batch, *places, channels)``: positive where a larger value raises the score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.maps.registry import Registry

Array = NDArray[np.float32]

Points: TypeAlias = Callable[[Array, Array, int], Iterator[Array]]
"""From the image, the baseline and a seed to the images at which gradients are taken, each
``(batch, *places, channels)``."""


@dataclass(frozen=True)
class Gradients:
    """Statistics of the gradients over all points, each ``(batch, *places, channels)``.

    Attributes:
        mean: Mean of the gradients.
        mean_square: Mean of their squares.
    """

    mean: Array
    mean_square: Array


Formula = Callable[[Array, Array, Gradients], Array]


@dataclass(frozen=True)
class Attribution:
    """A pixel attribution method.

    Attributes:
        name: Value of the argument ``method``.
        title: Name as its paper spells it.
        points: Images at which the gradients are taken.
        formula: From image, baseline and gradients to the attributions; its docstring is the
            method's page in the guide.
    """

    name: str
    title: str
    points: Points
    formula: Formula


ATTRIBUTIONS: Registry[Attribution] = Registry("method")
"""Every method by its name."""


def attribution(title: str, points: Points) -> Callable[[Formula], Formula]:
    """Registers a pixel attribution method under its function's name.

    Args:
        title: Name as its paper spells it.
        points: Images at which the gradients are taken.
    """

    def register(formula: Formula) -> Formula:
        name = formula.__name__
        ATTRIBUTIONS[name] = Attribution(name, title, points, formula)
        return formula

    return register


def image_itself(image: Array, baseline: Array, seed: int) -> Iterator[Array]:
    """The image as it is."""
    yield image


@attribution("Gradient", points=image_itself)
def gradient(image: Array, baseline: Array, gradients: Gradients) -> Array:
    r"""How much the score rises if the value of a pixel rises.

    Equation:
        \[
        M^c = \frac{\partial y^c}{\partial x}
        \]

    Source:
        Simonyan et al. 2013, "Deep Inside Convolutional Networks: Visualising Image Classification
        Models and Saliency Maps", section 3, arXiv:1312.6034. The paper shows the largest magnitude
        over the colour channels; here the signed gradient is returned, and pictures show its sum
        over the channels.

    When not to believe it:
        - It shows the effect of a small change of a pixel, not how much the pixel contributes to
          the score.
        - It is noisy: the gradient of a deep network with ReLUs changes from pixel to pixel.
        - For a prediction that is certain, the gradient of the probability vanishes. The gradient
          of the logit, which is used here, is usually not zero.

    Example:
        ```python
        from keras_viz_callbacks import saliency

        signed = saliency(model, images)  # (batch, height, width)
        largest = abs(saliency(model, images, sum_channels=False)).max(axis=-1)  # as in the paper
        ```
    """
    return gradients.mean
