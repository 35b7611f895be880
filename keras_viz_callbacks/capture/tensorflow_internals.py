"""All that is private in TensorFlow and used here; `NAMES` lists it, so that a test can find it.

TensorFlow has no public name for which variables a graph writes, nor for the state from which eager
operations get their seeds.
"""

from __future__ import annotations

import contextlib
import random
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework.auto_control_deps_utils import get_read_write_resource_inputs
from tensorflow.python.ops.handle_data_util import get_handle_data

from keras_viz_callbacks.capture.replaced import replaced

NAMES = {
    "tensorflow.python.eager.context": ("context",),
    "tensorflow.python.eager.context.context()": ("_rng",),
    "tensorflow.python.framework.auto_control_deps_utils": ("get_read_write_resource_inputs",),
    "tensorflow.python.ops.handle_data_util": ("get_handle_data",),
}
"""Attributes by the module or instance that has them. `_rng` is there once a seed was set."""


def written_variables(function: Any) -> list[tuple[tf.Tensor, tf.DType]]:
    """The variables that a traced function writes, wherever they are kept.

    Also those of a `tf.random.Generator`, the global one among them, and those that it writes
    inside loops, branches and functions of its own.

    Args:
        function: A concrete function.

    Returns:
        Each variable's handle and its dtype.
    """
    found = []
    for handle, inside in function.graph.captures:
        if inside.dtype != tf.resource or tf.is_symbolic_tensor(handle):
            continue
        held = get_handle_data(handle)
        is_variable = held is not None and held.is_set and len(held.shape_and_type) == 1
        if is_variable and any(_writes(operation, inside) for operation in inside.consumers()):
            found.append((handle, tf.as_dtype(held.shape_and_type[0].dtype)))
    return found


def _writes(operation: Any, handle: Any) -> bool:
    _, written = get_read_write_resource_inputs(operation)
    return handle in written


def other_eager_seeds() -> contextlib.AbstractContextManager[None]:
    """Gives eager operations other seeds, such as those that a trace lifts out of its graph.

    To restore the state would not be enough: TensorFlow keeps a random operation for each seed,
    with a state of its own.
    """
    return replaced(context.context(), "_rng", random.Random(__name__))
