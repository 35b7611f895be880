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


NOT_IN_LIBRARIES: dict[str, str] = {}
"""Methods that are not compared with pytorch-grad-cam or captum, with the reason."""


def class_map(method: str, maps: Array, gradients: Array) -> Array:
    """The map of each image, ``(batch, height, width)``, with its ReLU."""
    each = zip(maps, gradients, strict=True)
    return np.maximum([METHODS[method](*image) for image in each], 0)


def score_cam(path: str, image: Array, label: int) -> Array:
    """Wang et al. 2020, equations 5 to 8, of one image ``(1, height, width, channels)``."""
    maps = numpy_network.answers(image)[0][path][0]
    raised = []
    for k in range(maps.shape[-1]):
        mask = enlarged(maps[..., k], *image.shape[1:3])
        span = mask.max() - mask.min()
        mask = (mask - mask.min()) / span if span else 0 * mask
        scores = numpy_network.answers(image * mask[None, ..., None])[0]["logits"]
        raised.append(np.exp(scores[0, label]))
    return sum(r / sum(raised) * maps[..., k] for k, r in enumerate(raised))


def ablation_cam(path: str, image: Array, label: int) -> Array:
    """Desai and Ramaswamy 2020, equations 3 and 4, divided by the score's magnitude."""
    found = numpy_network.answers(image)[0]
    maps, score = found[path], found["logits"][0, label]
    summed = np.zeros(maps.shape[1:3])
    for k in range(maps.shape[-1]):
        ablated = maps.copy()
        ablated[..., k] = 0
        fall = score - numpy_network.logits_from(path, ablated)[0, label]
        summed += fall / abs(score) * maps[0, ..., k]
    return summed


def enlarged(values: Array, height: int, width: int) -> Array:
    """One map enlarged bilinearly, pixels being areas."""
    found = np.zeros((height, width))
    rows, columns = values.shape
    for i in range(height):
        y = min(max((i + 0.5) * rows / height - 0.5, 0), rows - 1)
        top, bottom = int(y), min(int(y) + 1, rows - 1)
        for j in range(width):
            x = min(max((j + 0.5) * columns / width - 0.5, 0), columns - 1)
            left, right = int(x), min(int(x) + 1, columns - 1)
            above = values[top, left] * (1 - x + left) + values[top, right] * (x - left)
            below = values[bottom, left] * (1 - x + left) + values[bottom, right] * (x - left)
            found[i, j] = above * (1 - y + top) + below * (y - top)
    return found


TRIES: dict[str, Callable[[str, Array, int], Array]] = {
    function.__name__: function for function in (score_cam, ablation_cam)
}
"""Methods that run the network again for each map, by their names."""


def tried_class_map(method: str, path: str, images: Array, classes: list[int]) -> Array:
    """The map of each image, ``(batch, height, width)``, with its ReLU."""
    each = zip(images.astype(np.float64), classes, strict=True)
    return np.maximum([TRIES[method](path, image[None], label) for image, label in each], 0)


def gradient(images: Array, classes: list[int]) -> Array:
    """Simonyan et al. 2013, section 3, with its sign."""
    return numpy_network.input_gradient(images, classes)


ATTRIBUTIONS: dict[str, Callable[[Array, list[int]], Array]] = {"gradient": gradient}
"""Pixel attribution methods by their names."""


def ascend(path: str, start: Array, filters: Array, steps: int, rate: float) -> tuple[Array, Array]:
    """Images that raise each filter's mean response, and that response.

    Args:
        path: Of the layer.
        start: An image for each filter.
        filters: Indices of the filters.
        steps: Number of steps.
        rate: The root mean square of a step. Halved until one leads up, then doubled up to this.
    """
    found = [
        _ascend(path, image[None].astype(np.float64), index, steps, rate)
        for image, index in zip(start, filters, strict=True)
    ]
    images, responses = zip(*found, strict=True)
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
    """The filter's mean response, what is raised instead, and the gradient of that."""
    table = numpy_network.operations()
    below = [step for other in list(table)[: list(table).index(path)] for step in table[other]]
    has_relu = table[path][-1] is numpy_network.relu
    linear = table[path][:-1] if has_relu else table[path]
    maps, back = numpy_network.run(below + linear, image)
    before = maps[..., index]
    # Where the ReLU outputs zero, a tenth of the value before it is raised.
    slope = np.where(before > 0, 1, 0.1) if has_relu else np.ones_like(before)
    gradient = np.zeros_like(maps)
    gradient[..., index] = slope
    after = np.maximum(before, 0) if has_relu else before
    return after.mean(), (slope * before).sum(), back(gradient)
