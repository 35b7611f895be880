"""The TensorFlow backend: each capture is one ``tf.function``, traced once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_viz_callbacks.capture import score as scores
from keras_viz_callbacks.capture.backend import (
    DORMANT_SLOPE,
    Array,
    AscentSignals,
    ClassSignals,
    Inputs,
    channels_last,
)
from keras_viz_callbacks.capture.layers import LayerCall, Survey, layer_paths
from keras_viz_callbacks.capture.tap import any_input_size, collect, collect_ends, tap


def survey(model: keras.Model, inputs: Inputs) -> Survey:
    """See `Backend.survey`."""
    paths = {id(layer): (path, layer) for path, layer in layer_paths(model).items()}
    answers: list[tuple[int, int, Any]] = []
    counts: dict[int, int] = {}

    def answer(
        layer: keras.layers.Layer, call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        output = call(*args, **kwargs)
        number = counts.get(id(layer), 0)
        counts[id(layer)] = number + 1
        answers.append((id(layer), number, output))
        return output

    calls: list[LayerCall] = []
    shapes: list[tuple[int | None, ...]] = []

    def trace(inputs: Inputs) -> None:
        with _observing(), tap([layer for _, layer in paths.values()], answer):
            outputs = model(inputs, training=False)
        flat = keras.tree.flatten(outputs)
        own = {id(output) for output in flat}
        shapes.extend(tuple(output.shape.as_list()[1:]) for output in flat)
        for index, (key, number, output) in enumerate(answers):
            path, layer = paths[key]
            calls.append(
                LayerCall(
                    path=f"{path}:{number}" if number else path,
                    layer=layer,
                    call=number,
                    index=index,
                    shape=_shape(output),
                    is_output=id(output) in own,
                )
            )

    _compile(trace, _signature(inputs))
    return Survey(calls, shapes)


def compile_activations(
    model: keras.Model, calls: Sequence[LayerCall], inputs: Inputs
) -> Callable[[Inputs], dict[str, Array]]:
    """See `Backend.compile_activations`."""

    def forward(inputs: Inputs) -> dict[str, tf.Tensor]:
        with _observing(), collect(calls, stop=True) as answers:
            model(inputs, training=False)
        return _float32(answers)

    function = _compile(forward, _signature(inputs))

    def run(inputs: Inputs) -> dict[str, Array]:
        return _to_numpy(calls, function(inputs))

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
        with tf.GradientTape(watch_accessed_variables=False) as tape, _observing():

            def watch(_: LayerCall, output: tf.Tensor) -> tf.Tensor:
                tape.watch(output)
                return output

            with scores.watch_logits(outputs) as logits, collect(calls, watch) as answers:
                returned = model(inputs, training=False)
            head = scores.read_head(model, returned, logits)
            if target is not None:
                score = tf.cast(target(returned), tf.float32)
            else:
                assert head is not None
                score = scores.class_score(head, classes)
        gradients = tape.gradient(
            score, answers, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        logit_found = target is not None or head is None or head.found
        probabilities = None if head is None else head.probabilities
        return _float32(answers), _float32(gradients), score, probabilities

    function = _compile(forward_and_backward, _signature(inputs), tf.TensorSpec([None], tf.int32))

    def run(inputs: Inputs, classes: NDArray[np.int32]) -> ClassSignals:
        activations, gradients, score, probabilities = function(inputs, classes)
        return ClassSignals(
            activations=_to_numpy(calls, activations),
            gradients=_to_numpy(calls, gradients),
            score=score.numpy(),
            probabilities=None if probabilities is None else probabilities.numpy(),
            logit_found=logit_found,
        )

    return run


def compile_ascent(
    model: keras.Model, call: LayerCall, shape: tuple[int, int, int]
) -> Callable[[Array, NDArray[np.int32], int, float], AscentSignals]:
    """See `Backend.compile_ascent`."""
    axis = 1 if call.channels_first else -1

    def respond(images: tf.Tensor, filters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Each filter's mean response, and what to climb to raise it."""
        with _observing(), any_input_size(model), collect_ends(call) as ends:
            model(images, training=False)
        # One map an image: of its own filter, before and behind the layer's activation.
        before, behind = (
            tf.gather(tf.cast(end, tf.float32), filters[:, None], axis=axis, batch_dims=1)
            for end in ends
        )
        # Where a ReLU lets nothing through there is no gradient: climb to where it does.
        rising = behind + DORMANT_SLOPE * tf.where(behind == 0, before, 0.0)
        return tf.reduce_mean(behind, [1, 2, 3]), tf.reduce_mean(rising, [1, 2, 3])

    def climb(
        images: tf.Tensor, filters: tf.Tensor, steps: tf.Tensor, rate: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        def step(count: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(images)
                _, rising = respond(images, filters)
            gradient = tape.gradient(rising, images)
            size = tf.sqrt(tf.reduce_mean(tf.square(gradient), axis=[1, 2, 3], keepdims=True))
            return count + 1, images + rate * tf.math.divide_no_nan(gradient, size)

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


@contextlib.contextmanager
def _observing() -> Iterator[None]:
    """Drops every update of a variable and every collected loss of the pass inside."""
    with keras.StatelessScope(collect_losses=True):
        yield


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


def _shape(output: Any) -> tuple[int | None, ...] | None:
    if not isinstance(output, tf.Tensor) or output.shape.rank is None:
        return None
    return tuple(output.shape.as_list()[1:])


def _float32(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {path: tf.cast(tensor, tf.float32) for path, tensor in tensors.items()}


def _to_numpy(calls: Sequence[LayerCall], tensors: dict[str, tf.Tensor]) -> dict[str, Array]:
    return {call.path: channels_last(call, tensors[call.path].numpy()) for call in calls}
