"""The backend that the tests run on, and marks for what belongs to one of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

BACKEND = keras.backend.backend()
HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None

needs_tensorflow = pytest.mark.skipif(
    not HAS_TENSORFLOW,
    reason="TensorFlow is not installed, and keras.callbacks.TensorBoard needs it on each backend",
)


def only_on(backend: str, reason: str) -> pytest.MarkDecorator:
    """Leaves a test out on the other backends; ``reason`` says why it can't be theirs."""
    return pytest.mark.skipif(backend != BACKEND, reason=f"only on {backend}: {reason}")


def not_on(backend: str, reason: str) -> pytest.MarkDecorator:
    """Leaves a test out on one backend; ``reason`` says why it can't be its own."""
    return pytest.mark.skipif(backend == BACKEND, reason=f"not on {backend}: {reason}")


def by_backend(**values: Any) -> Any:
    """The value for the backend that the tests run on, of one for each."""
    assert values.keys() == {"tensorflow", "jax", "torch"}
    return values[BACKEND]


def gradient(function: Callable[[Any], Any], x: Any) -> np.ndarray:
    """The derivative of a scalar function at ``x``, by the backend's own differentiation.

    Args:
        function: Of one tensor of the shape of ``x``, in ``keras.ops``.
        x: Tensor or array.
    """
    x = keras.ops.convert_to_numpy(x)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        found = tape.gradient(value, x)
    elif BACKEND == "jax":
        import jax

        found = jax.grad(function)(x)
    else:
        import torch

        x = torch.tensor(x, requires_grad=True)
        (found,) = torch.autograd.grad(function(x), x)
    return keras.ops.convert_to_numpy(found)
