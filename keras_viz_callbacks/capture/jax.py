"""The JAX backend: each capture is one ``jax.jit``, the model's variables being arguments of it.

Were they not, the compiled function would hold the weights of the first capture for ever. What
leaves a capture are arrays that were made in it: of them no training step donates the buffers, so
they need no copy.
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
    ChooseCalls,
    ChooseScores,
    ClassSignals,
    Feed,
    Inputs,
    to_class_signals,
    to_numpy,
)
from keras_viz_callbacks.capture.layers import LayerCall, Survey
from keras_viz_callbacks.capture.layout import TokensToGrid
from keras_viz_callbacks.capture.tap import collect


def survey(model: keras.Model, inputs: Inputs, tokens_to_grid: TokensToGrid = None) -> Survey:
    """See `Backend.survey`."""
    found: list[Survey] = []

    def trace(state: Any, inputs: Inputs) -> None:
        with _observing(model, state):
            found.append(passes.survey(model, inputs, tokens_to_grid).survey)

    jax.eval_shape(trace, _state(model), inputs)
    return found[-1]


def compile_activations(
    model: keras.Model, choose: ChooseCalls, inputs: Inputs, tokens_to_grid: TokensToGrid = None
) -> Callable[[Inputs], dict[str, Array]]:
    """See `Backend.compile_activations`."""
    calls = choose(survey(model, inputs, tokens_to_grid))

    def forward(state: Any, inputs: Inputs) -> dict[str, jax.Array]:
        with _observing(model, state):
            return passes.activations(model, calls, inputs)

    jax.eval_shape(forward, _state(model), inputs)
    compiled = jax.jit(forward)

    def run(inputs: Inputs) -> dict[str, Array]:
        return to_numpy(calls, compiled(_state(model), inputs), np.asarray)

    return run


def compile_class_signals(
    model: keras.Model, choose: ChooseScores, inputs: Inputs, tokens_to_grid: TokensToGrid = None
) -> Callable[[Inputs, NDArray[np.int32]], ClassSignals]:
    """See `Backend.compile_class_signals`."""
    calls, target = choose(survey(model, inputs, tokens_to_grid))
    scale = passes.gradient_scale(model)

    def raw_activations(state: Any, inputs: Inputs) -> dict[str, jax.Array]:
        with _observing(model, state), collect(calls, stop=True) as answers:
            model(inputs, training=False)
        return answers

    def score(
        offsets: dict[str, jax.Array], state: Any, inputs: Inputs, classes: jax.Array
    ) -> tuple[jax.Array, Any]:
        with _observing(model, state):
            answers, scores, probabilities = passes.class_score(
                model,
                calls,
                target,
                # The gradient by zeros added to an output is that by the output.
                lambda call, output: output + offsets[call.path],
                inputs,
                classes,
            )
        return scale * scores.sum(), (passes.float32(answers), scores, probabilities)

    def forward_and_backward(state: Any, inputs: Inputs, classes: jax.Array) -> Any:
        shapes = jax.eval_shape(raw_activations, state, inputs)
        offsets = jax.tree.map(lambda shape: jax.numpy.zeros(shape.shape, shape.dtype), shapes)
        gradients, (activations, *rest) = jax.grad(score, has_aux=True)(
            offsets, state, inputs, classes
        )
        return activations, passes.float32(gradients, scale), *rest

    number = len(keras.tree.flatten(inputs)[0])
    jax.eval_shape(forward_and_backward, _state(model), inputs, np.zeros(number, np.int32))
    compiled = jax.jit(forward_and_backward)

    def run(inputs: Inputs, classes: NDArray[np.int32]) -> ClassSignals:
        activations, gradients, score, probabilities = compiled(_state(model), inputs, classes)
        return to_class_signals(calls, activations, gradients, score, probabilities, np.asarray)

    return run


def compile_ascent(
    model: keras.Model, call: LayerCall, feed: Feed, shape: tuple[int, int, int]
) -> Callable[[Array, NDArray[np.int32], int, float], AscentSignals]:
    """See `Backend.compile_ascent`."""

    def respond(state: Any, images: jax.Array, filters: jax.Array) -> Any:
        with _observing(model, state):
            return passes.responses(model, call, feed, images, filters)

    def climb(
        state: Any, images: jax.Array, filters: jax.Array, steps: jax.Array, rate: jax.Array
    ) -> Any:
        def height_of(images: jax.Array) -> Any:
            response, height = respond(state, images, filters)
            return height.sum(), (response, height)

        def step(_: Any, climb: passes.Climb) -> passes.Climb:
            gradient, seen = jax.grad(height_of, has_aux=True)(climb.images)
            return passes.climbed(climb, seen, gradient)

        last = jax.lax.fori_loop(0, steps, step, passes.begin_climb(images, rate))
        seen = respond(state, last.images, filters)
        end = passes.climbed(last, seen, jax.numpy.zeros_like(images))
        return end.best, end.start, end.response

    one = (np.zeros((1, *shape), np.float32), np.zeros(1, np.int32), 1, np.float32(1))
    jax.eval_shape(climb, _state(model), *one)
    compiled = jax.jit(climb)

    def run(
        images: Array, filters: NDArray[np.int32], steps: int, learning_rate: float
    ) -> AscentSignals:
        ended = compiled(_state(model), images, filters, steps, np.float32(learning_rate))
        return AscentSignals(*(np.array(part) for part in ended))

    return run


def is_chief(model: keras.Model) -> bool:
    """See `Backend.is_chief`: the process of index 0."""
    _state(model)  # where no process can draw, all of them say so
    return bool(jax.process_index() == 0)


def _state(model: keras.Model) -> list[Any]:
    """The values of the model's variables; where each device has them all, on one device.

    The others would compute the same once more, those of other processes being waited for.

    Raises:
        ValueError: They are spread over several processes.
    """
    values = [variable.value for variable in model.variables]
    is_spread = isinstance(
        keras.distribution.distribution(), keras.distribution.ModelParallel
    ) or not all(value.is_fully_replicated for value in values)
    if not is_spread:
        return [value.addressable_data(0) for value in values]
    if all(value.is_fully_addressable for value in values):
        return values
    raise ValueError(
        "`model` must be whole in one process to be drawn. "
        f"Received: model={model.name!r}, whose variables are spread over {jax.process_count()} "
        "processes. Draw its checkpoints afterwards, by keras-viz replay."
    )


def _observing(model: keras.Model, state: Sequence[Any]) -> Any:
    """`passes.observing` with these values of the model's variables."""
    return passes.observing(list(zip(model.variables, state, strict=True)))
