"""The TensorFlow backend: each capture is one ``tf.function``, traced once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
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
from keras_viz_callbacks.capture.layers import LayerCall, Survey, layer_paths
from keras_viz_callbacks.capture.layout import TokensToGrid


def survey(model: keras.Model, inputs: Inputs, tokens_to_grid: TokensToGrid = None) -> Survey:
    """See `Backend.survey`: one image passes the model, which is quicker than tracing it."""
    found: list[Survey] = []

    def look(inputs: Inputs) -> None:
        with _observing(model):
            found.append(passes.survey(model, inputs, tokens_to_grid).survey)

    if _needs_xla(model):
        _compile(model, look, _signature(inputs))
    else:
        look(keras.tree.map_structure(lambda array: tf.constant(array[:1]), inputs))
    return found[-1]


def compile_activations(
    model: keras.Model, choose: ChooseCalls, inputs: Inputs, tokens_to_grid: TokensToGrid = None
) -> Callable[[Inputs], dict[str, Array]]:
    """See `Backend.compile_activations`: what is traced here surveys the model meanwhile.

    What stands behind the last chosen layer is cut off by TensorFlow's own optimizer of graphs.
    """
    calls: list[LayerCall] = []

    def forward(inputs: Inputs) -> dict[str, tf.Tensor]:
        with _observing(model):
            found = passes.survey(model, inputs, tokens_to_grid)
        calls[:] = choose(found.survey)
        return passes.float32(found.of(calls))

    function = _compile(model, forward, _signature(inputs))

    def run(inputs: Inputs) -> dict[str, Array]:
        return to_numpy(calls, function(inputs))

    return run


def compile_class_signals(
    model: keras.Model, choose: ChooseScores, inputs: Inputs, tokens_to_grid: TokensToGrid = None
) -> Callable[[Inputs, NDArray[np.int32]], ClassSignals]:
    """See `Backend.compile_class_signals`: what is traced here surveys the model meanwhile."""
    calls: list[LayerCall] = []
    scale = passes.gradient_scale(model)

    def forward_and_backward(inputs: Inputs, classes: tf.Tensor) -> tuple[Any, ...]:
        with tf.GradientTape(watch_accessed_variables=False) as tape, _observing(model):

            def watch(output: Any) -> None:
                if tf.is_tensor(output) and output.dtype.is_floating:
                    tape.watch(output)

            found = passes.survey(model, inputs, tokens_to_grid, watch)
            calls[:], target = choose(found.survey)
            answers = found.of(calls)
            score, probabilities = passes.score_of(found.returned, found.logits, target, classes)
            scaled = scale * score
        gradients = tape.gradient(
            scaled, answers, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return passes.float32(answers), passes.float32(gradients, scale), score, probabilities

    function = _compile(
        model, forward_and_backward, _signature(inputs), tf.TensorSpec([None], tf.int32)
    )

    def run(inputs: Inputs, classes: NDArray[np.int32]) -> ClassSignals:
        activations, gradients, score, probabilities = function(inputs, classes)
        return to_class_signals(calls, activations, gradients, score, probabilities)

    return run


def compile_ascent(
    model: keras.Model, call: LayerCall, feed: Feed, shape: tuple[int, int, int]
) -> Callable[[Array, NDArray[np.int32], int, float], AscentSignals]:
    """See `Backend.compile_ascent`."""

    def respond(images: tf.Tensor, filters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with _observing(model):
            return passes.responses(model, call, feed, images, filters)

    def climb(
        images: tf.Tensor, filters: tf.Tensor, steps: tf.Tensor, rate: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        def step(count: tf.Tensor, *state: tf.Tensor) -> tuple[tf.Tensor, ...]:
            climb = passes.Climb(*state)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(climb.images)
                seen = respond(climb.images, filters)
            gradient = tape.gradient(seen[1], climb.images)
            return count + 1, *passes.climbed(climb, seen, gradient)

        _, *state = tf.while_loop(
            lambda count, *_: count < steps,
            step,
            (tf.constant(0), *passes.begin_climb(images, rate)),
            parallel_iterations=1,
        )
        last = passes.Climb(*state)
        end = passes.climbed(last, respond(last.images, filters), tf.zeros_like(images))
        return end.best, end.start, end.response

    function = _compile(
        model,
        climb,
        tf.TensorSpec([None, *shape], tf.float32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([], tf.float32),
    )

    def run(
        images: Array, filters: NDArray[np.int32], steps: int, learning_rate: float
    ) -> AscentSignals:
        images, start, end = (t.numpy() for t in function(images, filters, steps, learning_rate))
        return AscentSignals(images, start, end)

    return run


def _compile(model: keras.Model, python_function: Callable[..., Any], *signature: Any) -> Any:
    """The function traced for this signature, now, so that what is wrong is said now."""
    return tf.function(
        python_function,
        input_signature=signature,
        autograph=False,
        jit_compile=_needs_xla(model),
    ).get_concrete_function()


def _needs_xla(model: keras.Model) -> bool:
    """Whether the model runs only when XLA compiles it: channels first, on the CPU.

    Any other model's convolutions are several times faster there without it.
    """
    formats = (getattr(layer, "data_format", None) for layer in layer_paths(model).values())
    return "channels_first" in formats and not tf.config.list_physical_devices("GPU")


def _signature(inputs: Inputs) -> Any:
    """The inputs' shapes with any batch size, so that no other number of images retraces."""
    return keras.tree.map_structure(
        lambda array: tf.TensorSpec([None, *array.shape[1:]], array.dtype), inputs
    )


def is_chief(model: keras.Model) -> bool:
    """See `Backend.is_chief`: the first worker, where the cluster has no task named chief."""
    strategy = model.distribute_strategy
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return True
    resolver = strategy.cluster_resolver
    if "chief" in resolver.cluster_spec().jobs:
        return bool(resolver.task_type == "chief")
    return not resolver.task_id  # None where there is one process only


def _observing(model: keras.Model) -> keras.StatelessScope:
    """`passes.observing` with this process's part of variables that are reduced when read.

    Between processes that reduction is a collective operation, and nobody would join it.
    """
    strategy = model.distribute_strategy
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return passes.observing()
    reduced = tf.VariableSynchronization.ON_READ
    return passes.observing(
        [
            (variable, tf.convert_to_tensor(strategy.experimental_local_results(variable.value)[0]))
            for variable in model.variables
            if variable.value.synchronization == reduced
        ]
    )
