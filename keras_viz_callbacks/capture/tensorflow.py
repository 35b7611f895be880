"""The TensorFlow backend: each capture is one ``tf.function``, traced once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
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


def survey(model: keras.Model, inputs: Inputs) -> Survey:
    """See `Backend.survey`."""
    found: list[Survey] = []

    def trace(inputs: Inputs) -> None:
        with passes.observing():
            found.append(passes.survey(model, inputs))

    _compile(trace, _signature(inputs))
    return found[-1]


def compile_activations(
    model: keras.Model, calls: Sequence[LayerCall], inputs: Inputs
) -> Callable[[Inputs], dict[str, Array]]:
    """See `Backend.compile_activations`."""

    def forward(inputs: Inputs) -> dict[str, tf.Tensor]:
        with passes.observing():
            return passes.activations(model, calls, inputs)

    function = _compile(forward, _signature(inputs))

    def run(inputs: Inputs) -> dict[str, Array]:
        return to_numpy(calls, function(inputs))

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

    def forward_and_backward(inputs: Inputs, classes: tf.Tensor) -> tuple[Any, ...]:
        nonlocal logit_found
        with tf.GradientTape(watch_accessed_variables=False) as tape, passes.observing():

            def watch(_: LayerCall, output: tf.Tensor) -> tf.Tensor:
                tape.watch(output)
                return output

            answers, score, probabilities, logit_found = passes.class_score(
                model, calls, outputs, target, watch, inputs, classes
            )
        gradients = tape.gradient(
            score, answers, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return passes.float32(answers), passes.float32(gradients), score, probabilities

    function = _compile(forward_and_backward, _signature(inputs), tf.TensorSpec([None], tf.int32))

    def run(inputs: Inputs, classes: NDArray[np.int32]) -> ClassSignals:
        activations, gradients, score, probabilities = function(inputs, classes)
        return to_class_signals(calls, activations, gradients, score, probabilities, logit_found)

    return run


def compile_ascent(
    model: keras.Model, call: LayerCall, shape: tuple[int, int, int]
) -> Callable[[Array, NDArray[np.int32], int, float], AscentSignals]:
    """See `Backend.compile_ascent`."""

    def respond(images: tf.Tensor, filters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with passes.observing():
            return passes.responses(model, call, images, filters)

    def climb(
        images: tf.Tensor, filters: tf.Tensor, steps: tf.Tensor, rate: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        def step(count: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(images)
                _, rising = respond(images, filters)
            return count + 1, passes.ascended(images, tape.gradient(rising, images), rate)

        start, _ = respond(images, filters)
        _, images = tf.while_loop(
            lambda count, _: count < steps, step, (tf.constant(0), images), parallel_iterations=1
        )
        end, _ = respond(images, filters)
        return images, start, end

    function = _compile(
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


def _compile(python_function: Callable[..., Any], *signature: Any) -> Any:
    """The function traced for this signature, now, so that what is wrong is said now."""
    return tf.function(
        python_function,
        input_signature=signature,
        autograph=False,
        # On the CPU, XLA makes convolutions several times slower.
        jit_compile=False,
    ).get_concrete_function()


def _signature(inputs: Inputs) -> Any:
    """The inputs' shapes with any batch size, so that no other number of images retraces."""
    return keras.tree.map_structure(
        lambda array: tf.TensorSpec([None, *array.shape[1:]], array.dtype), inputs
    )
