"""The least that any program does, on torch: plain eager passes of functional models."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import torch


def activations(
    model: keras.Model, names: list[str], images: np.ndarray
) -> Callable[[], list[np.ndarray]]:
    """One forward pass with all outputs."""
    part = keras.Model(model.inputs, [model.get_layer(name).output for name in names])

    def run():
        with torch.no_grad():
            return [output.numpy() for output in part(torch.from_numpy(images), training=False)]

    return run


def class_maps(
    model: keras.Model, names: list[str], images: np.ndarray
) -> Callable[[], list[np.ndarray]]:
    """One forward pass and one gradient; returns activations and gradients of all layers.

    The score is the output of the most likely class; the logit before its softmax costs the same.
    """
    outputs = [model.get_layer(name).output for name in names]
    part = keras.Model(model.inputs, [*outputs, *model.outputs])

    def run():
        *found, scores = part(torch.from_numpy(images), training=False)
        gradients = torch.autograd.grad(scores.max(dim=-1).values.sum(), found)
        return [array.detach().numpy() for array in (*found, *gradients)]

    return run


def patterns(
    model: keras.Model, name: str, start: np.ndarray
) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """The textbook's ascent: a loop over all filters as a batch, up to the layer.

    Returns:
        A function of a number of steps, which returns the images and the filters' mean responses.
    """
    part = keras.Model(model.inputs, model.get_layer(name).output)
    own = torch.arange(len(start))

    def responses(images):
        return part(images, training=False)[own, :, :, own].mean(dim=(1, 2))

    def run(steps):
        images = torch.from_numpy(start)
        for _ in range(steps):
            images = images.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(responses(images).sum(), images)
            length = gradient.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
            images = images + 10 * torch.where(length > 0, gradient / length, 0)
        with torch.no_grad():
            found = responses(images)
        return images.detach().numpy(), found.numpy()

    return run
