"""The JAX backend: each capture is one ``jax.jit``, with the model's variables as arguments.

Otherwise the compiled function would keep the weights of the first capture. The outputs are arrays
that were made in the capture: no training step donates their buffers, so they need no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras
import numpy as np

from keras_viz_callbacks.capture import keras_internals
from keras_viz_callbacks.capture.backend import (
    Differentiated,
    Inputs,
    Scored,
    to_numpy,
    without_outputs,
)
from keras_viz_callbacks.capture.layers import layer_paths
from keras_viz_callbacks.capture.observer_state import python_state_kept


def compile(
    model: keras.Model, function: Callable[..., Any], examples: Sequence[Inputs]
) -> Callable[..., Any]:
    """See `Backend.compile`. JAX traces once more for another number of images."""
    compiled = jax.jit(_with_state(model, function))
    compiled.eval_shape(_state(model), *examples)

    def run(*arguments: Inputs) -> Any:
        return to_numpy(compiled(_state(model), *arguments), np.asarray)

    return run


def gradients(function: Scored) -> Differentiated:
    """See `Backend.gradients`.

    The gradient with respect to zeros that are added to a tensor is that with respect to the
    tensor. A first trace, of shapes alone, finds out which zeros there have to be.
    """

    def differentiated(*arguments: Any) -> tuple[Any, Any, Any]:
        shapes: dict[str, Any] = {}
        wanted: list[str] = []

        def find_shapes() -> None:
            def watch(name: str, tensor: jax.Array) -> jax.Array:
                shapes[name] = jax.ShapeDtypeStruct(tensor.shape, tensor.dtype)
                return tensor

            with keras_internals.same_scope():
                wanted.extend(function(watch, *arguments)[1])

        def score_of(offsets: dict[str, jax.Array]) -> tuple[jax.Array, Any]:
            watched: dict[str, jax.Array] = {}

            def watch(name: str, tensor: jax.Array) -> jax.Array:
                watched[name] = tensor + offsets[name] if name in offsets else tensor
                return watched[name]

            with keras_internals.same_scope():
                score, _, rest = function(watch, *arguments)
            return score.sum(), ({name: watched[name] for name in wanted}, rest)

        jax.eval_shape(find_shapes)
        zeros = {name: jax.numpy.zeros(shapes[name].shape, shapes[name].dtype) for name in wanted}
        found, (tensors, rest) = jax.grad(score_of, has_aux=True)(zeros)
        return found, tensors, rest

    return differentiated


def dry_run(model: keras.Model, function: Callable[..., Any], examples: Sequence[Inputs]) -> None:
    """See `Backend.dry_run`: a trace of shapes alone."""
    traced = _with_state(model, without_outputs(function))
    jax.eval_shape(traced, _state(model), *examples)


def is_chief(model: keras.Model) -> bool:
    """See `Backend.is_chief`: the process of index 0."""
    _state(model)  # where no process can draw, all of them report it
    return bool(jax.process_index() == 0)


def _with_state(model: keras.Model, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the values of the model's variables as its first argument."""

    def traced(state: Sequence[Any], *arguments: Any) -> Any:
        layers = [model, *layer_paths(model).values()]
        values = list(zip(model.variables, state, strict=True))
        # Their code runs only here, in a trace: also for another number of images.
        with python_state_kept(layers), keras_internals.observing(values):
            return function(*arguments)

    return traced


def _state(model: keras.Model) -> list[Any]:
    """The values of the model's variables; where each device has them all, on one device.

    The others would compute the same once more, and those of other processes would be waited for.

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
        "`model` must have all of its variables in one process to be drawn. "
        f"Received: model={model.name!r}, whose variables are spread over {jax.process_count()} "
        "processes. Draw its checkpoints afterwards, by keras-viz replay."
    )
