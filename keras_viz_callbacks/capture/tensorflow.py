"""The TensorFlow backend: each capture is one ``tf.function``, traced once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_viz_callbacks.capture import keras_internals, tensorflow_internals
from keras_viz_callbacks.capture.backend import (
    Differentiated,
    Inputs,
    Scored,
    Tensor,
    first_image,
    to_numpy,
    without_outputs,
)
from keras_viz_callbacks.capture.layers import layer_paths
from keras_viz_callbacks.capture.observer_state import python_state_kept


def compile(
    model: keras.Model, function: Callable[..., Any], examples: Sequence[Inputs]
) -> Callable[..., Any]:
    """See `Backend.compile`.

    What the outputs do not depend on is cut off by TensorFlow's own optimizer of graphs.
    """
    signature = [keras.tree.map_structure(_any_batch, example) for example in examples]
    compiled = _traced(model, function, signature)
    written = tensorflow_internals.written_variables(compiled)

    def run(*arguments: Inputs) -> Any:
        with _values_kept(written):
            return to_numpy(compiled(*arguments), lambda tensor: tensor.numpy())

    return run


def gradients(function: Scored) -> Differentiated:
    """See `Backend.gradients`: a tape watches the tensors themselves."""

    def differentiated(*arguments: Any) -> tuple[Any, Any, Any]:
        watched: dict[str, tf.Tensor] = {}
        with tf.GradientTape(watch_accessed_variables=False) as tape:

            def watch(name: str, tensor: tf.Tensor) -> tf.Tensor:
                if tensor.dtype.is_floating:
                    tape.watch(tensor)
                watched[name] = tensor
                return tensor

            score, names, rest = function(watch, *arguments)
        wanted = {name: watched[name] for name in names}
        zero = tf.UnconnectedGradients.ZERO
        return tape.gradient(score, wanted, unconnected_gradients=zero), wanted, rest

    return differentiated


def dry_run(model: keras.Model, function: Callable[..., Any], examples: Sequence[Inputs]) -> None:
    """See `Backend.dry_run`: a trace with one image.

    It costs what running the layers one by one costs, and runs nothing: a random operation that is
    run keeps a state of its own in TensorFlow, which nobody can restore.
    """
    signature = keras.tree.map_structure(_spec, list(first_image(examples)))
    _traced(model, without_outputs(function), signature)


def is_chief(model: keras.Model) -> bool:
    """See `Backend.is_chief`: the first worker, where the cluster has no task named chief."""
    strategy = model.distribute_strategy
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return True
    resolver = strategy.cluster_resolver
    if "chief" in resolver.cluster_spec().jobs:
        return bool(resolver.task_type == "chief")
    return not resolver.task_id  # None where there is one process only


def _traced(model: keras.Model, function: Callable[..., Any], signature: Sequence[Any]) -> Any:
    """The function as a concrete one."""

    def traced(*arguments: Any) -> Any:
        with _observing(model):
            return function(*arguments)

    layers = [model, *layer_paths(model).values()]
    with python_state_kept(layers), tensorflow_internals.other_eager_seeds():
        return tf.function(
            traced, input_signature=signature, autograph=False, jit_compile=_needs_xla(model)
        ).get_concrete_function()


@contextlib.contextmanager
def _values_kept(variables: Sequence[tuple[tf.Tensor, tf.DType]]) -> Iterator[None]:
    """Keeps the values of variables that Keras does not know, by handle and dtype.

    They are written when the graph runs, which no scope of Keras prevents.
    """
    before = [
        tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype) for handle, dtype in variables
    ]
    try:
        yield
    finally:
        for (handle, _), value in zip(variables, before, strict=True):
            tf.raw_ops.AssignVariableOp(resource=handle, value=value)


def _needs_xla(model: keras.Model) -> bool:
    """Whether the model runs only when XLA compiles it: channels first, on the CPU.

    Any other model's convolutions are several times faster there without it.
    """
    formats = (getattr(layer, "data_format", None) for layer in layer_paths(model).values())
    return "channels_first" in formats and not tf.config.list_physical_devices("GPU")


def _spec(array: Any) -> tf.TensorSpec:
    return tf.TensorSpec(array.shape, array.dtype)


def _any_batch(array: Any) -> tf.TensorSpec:
    """The shape with any batch size, so that no other number of images retraces."""
    return tf.TensorSpec([None, *array.shape[1:]] if array.ndim else [], array.dtype)


def _observing(model: keras.Model) -> keras.StatelessScope:
    """`keras_internals.observing` with this process's part of variables reduced when read.

    Between processes that reduction is a collective operation, and nobody would join it.
    """
    strategy = model.distribute_strategy
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return keras_internals.observing()
    reduced = tf.VariableSynchronization.ON_READ
    return keras_internals.observing(
        [
            (variable, _own_part(strategy, variable))
            for variable in model.variables
            if variable.value.synchronization == reduced
        ]
    )


def _own_part(strategy: tf.distribute.Strategy, variable: keras.Variable) -> Tensor:
    return tf.convert_to_tensor(strategy.experimental_local_results(variable.value)[0])
