"""Class activation methods: one function each, registered by its decorator.

The docstring of a method is also its page in the guide: `docs/method_pages.py` says which sections
it has.

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
    r"""Channels weighted by their mean gradient.

    Equation:
        \[
        \alpha_k^c = \frac{1}{Z} \sum_{ij} \frac{\partial y^c}{\partial A_{ij}^k}
        \qquad
        L^c = \max\Big(0, \sum_k \alpha_k^c A^k\Big)
        \]

        The weight of a channel is how much the score rises if the channel's output rises a little
        at every place.

    Source:
        Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
        Localization", equations 1 and 2, arXiv:1610.02391.

        The paper differentiates the score before the softmax, and this implementation does too.
        Other implementations differentiate the model's output, leave out the ReLU, or resize on
        another grid: their maps differ.

    When not to believe it:
        - The mean discards where the gradient is. If the gradient differs from place to place (with
          anything but a global average pooling after the layer), the map may be hot where nothing
          was used, and cold where something was. `hires_cam` keeps the places.
        - At early layers the mean gradient is close to noise. Choose late layers, or `layer_cam`.
        - If there are several objects of one class, it tends to show one of them, or a part.
        - A blank map can be correct: all that the layer found is evidence against the class.
        - It explains the predicted class, unless `target` says otherwise. For a wrong prediction
          that is the evidence for the wrong class.

    Example:
        ```python
        from keras_viz_callbacks import grad_cam

        predicted = grad_cam(model, images)  # (batch, height, width)
        third = grad_cam(model, images, target=2)
        own = grad_cam(model, images, "conv3", target=labels)
        ```
    """
    return combined(activations, gradients.mean(axis=_places(gradients)))


@method("HiResCAM")
def hires_cam(activations: Array, gradients: Array) -> Array:
    r"""Each activation weighted by its own gradient, place by place.

    Equation:
        \[
        L^c = \max\Big(0, \sum_k \frac{\partial y^c}{\partial A^k} \odot A^k\Big)
        \]

        The product is taken at each place; nothing is averaged, so that the map shows what was
        computed.

    Source:
        Draelos and Carin 2020, "Use HiResCAM instead of Grad-CAM for faithful explanations of
        convolutional neural networks", equation 3, arXiv:2011.08891.

        The paper's map keeps negative values; this one has a ReLU, as all class maps here do.

    When not to believe it:
        - The proof that the map shows exactly what was computed holds for a network in which one
          fully connected layer follows the explained layer. With more layers after it, the map is
          an approximation.
        - At early layers gradients are noisy from place to place, and nothing smooths them.
        - With a global average pooling after the layer it is the same map as that of `grad_cam`,
          and no better.

    Example:
        ```python
        from keras_viz_callbacks import GradCAM

        callback = GradCAM("logs/run1", images, method="hires_cam")  # tags begin with hires_cam/
        model.fit(x, y, epochs=1, callbacks=[callback])
        ```
    """
    summed: Array = np.einsum("b...c,b...c->b...", activations, gradients)
    return summed


@method("LayerCAM")
def layer_cam(activations: Array, gradients: Array) -> Array:
    r"""Each activation weighted by its own gradient where that is positive; also for early layers.

    Equation:
        \[
        w_{ij}^{kc} = \max\Big(0, \frac{\partial y^c}{\partial A_{ij}^k}\Big)
        \qquad
        L_{ij}^c = \max\Big(0, \sum_k w_{ij}^{kc} A_{ij}^k\Big)
        \]

    Source:
        Jiang et al. 2021, "LayerCAM: Exploring Hierarchical Class Activation Maps for
        Localization", equations 7 to 9, doi:10.1109/TIP.2021.3089943.

        The paper scales the maps of early layers with a hyperbolic tangent before it fuses several
        maps. A single map does not need this, and it is left out.

    When not to believe it:
        - Places with evidence for the class stay, and places with evidence against it are dropped:
          what is hot for one class may be hot for the others too. Compare two targets.
        - At early layers it shows the edges of whatever is in the image, since activations are
          strong there. A network that has learned nothing gives a similar picture.
        - It is hardly ever blank. That is a property of the formula, not evidence.

    Example:
        ```python
        from keras_viz_callbacks import grad_cam

        one = grad_cam(model, images, "conv3", target=0, method="layer_cam")
        other = grad_cam(model, images, "conv3", target=1, method="layer_cam")
        print(f"largest difference of two classes: {abs(one - other).max():.3g} of {one.max():.3g}")
        ```
    """
    return hires_cam(activations, np.maximum(gradients, 0))


@method("XGrad-CAM")
def xgrad_cam(activations: Array, gradients: Array) -> Array:
    r"""Channels weighted by the mean of their gradients, in which strong activations count more.

    Equation:
        \[
        \alpha_k^c = \sum_{ij} \frac{A_{ij}^k}{\sum_{ab} A_{ab}^k}
        \frac{\partial y^c}{\partial A_{ij}^k}
        \qquad
        L^c = \max\Big(0, \sum_k \alpha_k^c A^k\Big)
        \]

        Each gradient has its activation's share of the channel's sum as its weight. A channel whose
        activations sum to zero has no such mean, and its weight is zero.

    Source:
        Fu et al. 2020, "Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of
        CNNs", equation 8, arXiv:2008.02312.

    When not to believe it:
        - It was made for layers after a ReLU. With negative activations the sum in the denominator
          may be close to zero, and one channel then outweighs all others.
        - The weight is still one number for a whole channel: as in `grad_cam`, places are mixed.
        - With a global average pooling after the layer it is the same map as that of `grad_cam`.

    Example:
        ```python
        from keras_viz_callbacks import grad_cam

        maps = grad_cam(model, images, "conv3", method="xgrad_cam")
        ```
    """
    sums = activations.sum(axis=_places(activations))
    weighted = (activations * gradients).sum(axis=_places(activations))
    weights = np.divide(weighted, sums, out=np.zeros_like(sums), where=sums != 0)
    return combined(activations, weights)


@method("Grad-CAM++")
def grad_cam_plus_plus(activations: Array, gradients: Array) -> Array:
    r"""Channels weighted by their positive gradients, so that several objects of a class count.

    Equation:
        With \(g_{ij}^k = \partial y^c / \partial A_{ij}^k\), the gradient of the logit:

        \[
        \alpha_{ij}^{kc} = \frac{(g_{ij}^k)^2}{2 (g_{ij}^k)^2 + \sum_{ab} A_{ab}^k \, (g_{ij}^k)^3}
        \]

        \[
        w_k^c = \sum_{ij} \alpha_{ij}^{kc} \max(0, g_{ij}^k)
        \qquad
        L^c = \max\Big(0, \sum_k w_k^c A^k\Big)
        \]

        Where the denominator is zero, \(\alpha\) is zero.

    Source:
        Chattopadhyay et al. 2018, "Grad-CAM++: Improved Visual Explanations for Deep Convolutional
        Networks", equations 10 and 19, arXiv:1710.11063.

        The paper differentiates the exponential of the logit. Its derivatives are powers of the
        logit's gradient times that exponential, which scales a whole map. It is left out here, so
        the size of one image's map can't be compared with the size of another's. Implementations
        differ in equation 19, namely in what the sum runs over; here it is the places of the
        channel, as in the paper. pytorch-grad-cam does the same, but adds a small number to the
        denominator, which shows where gradients are small: see the
        [comparison](../comparison.md#the-same-maps-on-torch).

    When not to believe it:
        - The second and third derivatives hold for an exponential of a network that is linear
          between layer and logit. If several layers lie between them, they are an approximation.
        - Gradients below zero do not count: like `layer_cam` it separates classes less well.
        - Where the gradient is the same at every place, it differs from `grad_cam` mostly in that
          it leaves out the channels that are evidence against the class.

    Example:
        ```python
        from keras_viz_callbacks import grad_cam

        maps = grad_cam(model, images, "conv3", method="grad_cam_plus_plus")
        ```
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
