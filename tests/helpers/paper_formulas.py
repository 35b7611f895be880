"""The class activation methods and the gradient ascent once more, straight from their equations.

Written in loops over images and channels, so as to be compared with the papers rather than to be
quick. The formulas' docstrings have the equations.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.helpers import numpy_network
from tests.helpers.numpy_network import Array


def grad_cam(maps: Array, gradients: Array) -> Array:
    return sum(gradients[..., k].mean() * maps[..., k] for k in range(maps.shape[-1]))


def hires_cam(maps: Array, gradients: Array) -> Array:
    return sum(gradients[..., k] * maps[..., k] for k in range(maps.shape[-1]))


def layer_cam(maps: Array, gradients: Array) -> Array:
    return sum(gradients[..., k].clip(min=0) * maps[..., k] for k in range(maps.shape[-1]))


def xgrad_cam(maps: Array, gradients: Array) -> Array:
    found = np.zeros(maps.shape[:2])
    for k in range(maps.shape[-1]):
        activation = maps[..., k]
        if activation.sum():
            share = activation / activation.sum()
            found += (share * gradients[..., k]).sum() * activation
    return found


def grad_cam_plus_plus(maps: Array, gradients: Array) -> Array:
    found = np.zeros(maps.shape[:2])
    for k in range(maps.shape[-1]):
        activation, gradient = maps[..., k], gradients[..., k]
        below = 2 * gradient**2 + activation.sum() * gradient**3
        alpha = np.where(below == 0, 0, gradient**2 / np.where(below == 0, 1, below))
        found += (alpha * gradient.clip(min=0)).sum() * activation
    return found


METHODS: dict[str, Callable[[Array, Array], Array]] = {
    function.__name__: function
    for function in (grad_cam, hires_cam, layer_cam, xgrad_cam, grad_cam_plus_plus)
}


def class_map(method: str, maps: Array, gradients: Array) -> Array:
    """The map of each image, ``(batch, height, width)``, with its ReLU."""
    each = zip(maps, gradients, strict=True)
    return np.maximum([METHODS[method](*image) for image in each], 0)


def ascend(path: str, start: Array, filters: Array, steps: int, rate: float) -> tuple[Array, Array]:
    """Images climbed to what raises each filter's mean response, and that response.

    Args:
        path: Of the layer.
        start: An image for each filter.
        filters: Indices of the filters.
        steps: Number of steps.
        rate: The root mean square of a step. Halved until one leads up, then doubled up to this.
    """
    climbed = [
        _ascend(path, image[None].astype(np.float64), index, steps, rate)
        for image, index in zip(start, filters, strict=True)
    ]
    images, responses = zip(*climbed, strict=True)
    return np.concatenate(images), np.array(responses)


def _ascend(path: str, image: Array, index: int, steps: int, rate: float) -> tuple[Array, float]:
    """The ascent of one filter, its image being ``(1, height, width, channels)``."""
    response, highest, gradient = _slope(path, image, index)
    best, seen, direction, gained, longest = image, image, _unit(gradient), False, rate
    for _ in range(steps):
        image = seen + rate * direction
        answered, height, gradient = _slope(path, image, index)
        if height > highest:
            best, highest, response, gained = image, height, answered, True
        if gained:
            seen, direction, rate = image, _unit(gradient), min(2 * rate, longest)
        else:
            rate = rate / 2
    return best, response


def _unit(gradient: Array) -> Array:
    """The gradient with a root mean square of 1, unless it is zero everywhere."""
    size = np.sqrt((gradient**2).mean())
    return gradient / size if size else gradient


def _slope(path: str, image: Array, index: int) -> tuple[float, float, Array]:
    """The filter's mean response, what is climbed instead, and the gradient of that."""
    table = numpy_network.operations()
    below = [step for other in list(table)[: list(table).index(path)] for step in table[other]]
    has_relu = table[path][-1] is numpy_network.relu
    linear = table[path][:-1] if has_relu else table[path]
    maps, back = numpy_network.run(below + linear, image)
    before = maps[..., index]
    # Where the ReLU is shut, a tenth of what is before it is climbed.
    slope = np.where(before > 0, 1, 0.1) if has_relu else np.ones_like(before)
    gradient = np.zeros_like(maps)
    gradient[..., index] = slope
    behind = np.maximum(before, 0) if has_relu else before
    return behind.mean(), (slope * before).sum(), back(gradient)
