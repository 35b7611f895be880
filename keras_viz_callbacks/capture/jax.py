"""The JAX backend: each capture is one ``jax.jit``, the model's variables being arguments of it.

Were they not, the compiled function would hold the weights of the first capture for ever. A
training step may donate their buffers, so what leaves a capture is a copy in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture import passes
from keras_viz_callbacks.capture.backend import (
    Array,
    AscentSignals,
    ClassSignals,
    Inputs,
    to_class_signals,
    to_numpy,
)
from keras_viz_callbacks.capture.layers import LayerCall, Survey
from keras_viz_callbacks.capture.tap import collect


def survey(model: keras.Model, inputs: Inputs) -> Survey:
    """See `Backend.survey`."""
    found: list[Survey] = []

    def trace(state: Any, inputs: Inputs) -> None:
        with _observing(model, state):
            found.append(passes.survey(model, inputs))

    jax.eval_shape(trace, _state(model), inputs)
    return found[-1]


def compile_activations(
    model: keras.Model, calls: Sequence[LayerCall], inputs: Inputs
) -> Callable[[Inputs], dict[str, Array]]:
    """See `Backend.compile_activations`."""

    def forward(state: Any, inputs: Inputs) -> dict[str, jax.Array]:
        with _observing(model, state):
            return passes.activations(model, calls, inputs)

    jax.eval_shape(forward, _state(model), inputs)
    compiled = jax.jit(forward)

    def run(inputs: Inputs) -> dict[str, Array]:
        return to_numpy(calls, compiled(_state(model), inputs))

    return run


def compile_class_signals(
    model: keras.Model,
    calls: Sequence[LayerCall],
    outputs: Sequence[LayerCall],
    target: Callable[[Any], Any] | None,
    inputs: Inputs,
) -> Callable[[Inputs, NDArray[np.int32]], ClassSignals]:
    """See `Backend.compile_class_signals`."""
    logit_found = True

    def raw_activations(state: Any, inputs: Inputs) -> dict[str, jax.Array]:
        with _observing(model, state), collect(calls, stop=True) as answers:
            model(inputs, training=False)
        return answers

    def score(
        offsets: dict[str, jax.Array], state: Any, inputs: Inputs, classes: jax.Array
    ) -> tuple[jax.Array, Any]:
        nonlocal logit_found
        with _observing(model, state):
            answers, scores, probabilities, logit_found = passes.class_score(
                model,
                calls,
                outputs,
                target,
                # The gradient by zeros added to an output is that by the output.
                lambda call, output: output + offsets[call.path],
                inputs,
                classes,
            )
        return scores.sum(), (passes.float32(answers), scores, probabilities)

    def forward_and_backward(state: Any, inputs: Inputs, classes: jax.Array) -> Any:
        shapes = jax.eval_shape(raw_activations, state, inputs)
        offsets = jax.tree.map(lambda shape: jax.numpy.zeros(shape.shape, shape.dtype), shapes)
        gradients, (activations, *rest) = jax.grad(score, has_aux=True)(
            offsets, state, inputs, classes
        )
        return activations, passes.float32(gradients), *rest

    number = len(keras.tree.flatten(inputs)[0])
    jax.eval_shape(forward_and_backward, _state(model), inputs, np.zeros(number, np.int32))
    compiled = jax.jit(forward_and_backward)

    def run(inputs: Inputs, classes: NDArray[np.int32]) -> ClassSignals:
        activations, gradients, score, probabilities = compiled(_state(model), inputs, classes)
        return to_class_signals(calls, activations, gradients, score, probabilities, logit_found)

    return run


def compile_ascent(
    model: keras.Model, call: LayerCall, shape: tuple[int, int, int]
) -> Callable[[Array, NDArray[np.int32], int, float], AscentSignals]:
    """See `Backend.compile_ascent`."""

    def respond(state: Any, images: jax.Array, filters: jax.Array) -> Any:
        with _observing(model, state):
            return passes.responses(model, call, images, filters)

    def climb(
        state: Any, images: jax.Array, filters: jax.Array, steps: jax.Array, rate: jax.Array
    ) -> Any:
        slope = jax.grad(lambda images: respond(state, images, filters)[1].sum())
        start, _ = respond(state, images, filters)
        images = jax.lax.fori_loop(
            0, steps, lambda _, images: passes.ascended(images, slope(images), rate), images
        )
        end, _ = respond(state, images, filters)
        return images, start, end

    one = (np.zeros((1, *shape), np.float32), np.zeros(1, np.int32), 1, np.float32(1))
    jax.eval_shape(climb, _state(model), *one)
    compiled = jax.jit(climb)

    def run(
        images: Array, filters: NDArray[np.int32], steps: int, learning_rate: float
    ) -> AscentSignals:
        ended = compiled(_state(model), images, filters, steps, np.float32(learning_rate))
        return AscentSignals(*(np.array(part) for part in ended))

    return run


def _state(model: keras.Model) -> list[Any]:
    return [variable.value for variable in model.variables]


def _observing(model: keras.Model, state: Sequence[Any]) -> Any:
    """`passes.observing` with these values of the model's variables."""
    return passes.observing(list(zip(model.variables, state, strict=True)))
