"""The least that any program does, on JAX: plain ``jax.jit``s on functional models."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import keras
import numpy as np


def activations(
    model: keras.Model, names: list[str], images: np.ndarray
) -> Callable[[], list[np.ndarray]]:
    """One compiled forward pass with all outputs."""
    part = keras.Model(model.inputs, [model.get_layer(name).output for name in names])

    @jax.jit
    def forward(state, images):
        return _call(part, state, images)

    return lambda: [np.asarray(output) for output in forward(_state(part), images)]


def class_maps(
    model: keras.Model, names: list[str], images: np.ndarray
) -> Callable[[], list[np.ndarray]]:
    """One compiled forward pass and one gradient; returns activations and gradients of all layers.

    The network is cut at the layers, and zeros are added there to differentiate by. The
    score is the output of the most likely class; the logit before its softmax costs the same.
    """
    tensors = [model.get_layer(name).output for name in names]
    pieces = [
        keras.Model(below, above)
        for below, above in zip([*model.inputs, *tensors], [*tensors, *model.outputs], strict=True)
    ]

    @jax.jit
    def forward_and_backward(states, images):
        def score(offsets, images):
            found, x = [], images
            for piece, state, offset in zip(pieces, states, [*offsets, None], strict=True):
                x = _call(piece, state, x)
                if offset is not None:
                    x = x + offset
                    found.append(x)
            return x.max(axis=-1).sum(), found

        shapes = jax.eval_shape(lambda images: _shapes(pieces, states, images), images)
        offsets = [jnp.zeros(shape.shape, shape.dtype) for shape in shapes]
        gradients, found = jax.grad(score, has_aux=True)(offsets, images)
        return found, gradients

    def run():
        found, gradients = forward_and_backward([_state(piece) for piece in pieces], images)
        return [np.asarray(array) for array in (*found, *gradients)]

    return run


def patterns(
    model: keras.Model, name: str, start: np.ndarray
) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """The textbook's ascent: one compiled loop over all filters as a batch, up to the layer.

    Returns:
        A function of a number of steps, which returns the images and the filters' mean responses.
    """
    part = keras.Model(model.inputs, model.get_layer(name).output)
    own = np.arange(len(start))

    @jax.jit
    def climb(state, images, steps):
        def responses(images):
            return _call(part, state, images)[own, :, :, own].mean(axis=(1, 2))

        def step(_, images):
            gradient = jax.grad(lambda images: responses(images).sum())(images)
            length = jnp.sqrt((gradient**2).sum(axis=(1, 2, 3), keepdims=True))
            return images + 10 * jnp.where(length > 0, gradient / length, 0)

        images = jax.lax.fori_loop(0, steps, step, images)
        return images, responses(images)

    def run(steps):
        images, found = climb(_state(part), start, steps)
        return np.asarray(images), np.asarray(found)

    return run


def _state(model):
    return (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )


def _call(model, state, images):
    outputs, _ = model.stateless_call(*state, images, training=False)
    return outputs


def _shapes(pieces, states, x):
    found = []
    for piece, state in zip(pieces[:-1], states[:-1], strict=True):
        x = _call(piece, state, x)
        found.append(x)
    return found
