"""All that is private in Keras and used here; `NAMES` lists it, so that a test can look for it."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras

# No public name reaches the calls that Keras makes itself.
from keras.src.backend import nn
from keras.src.backend.common import global_state
from keras.src.backend.common.stateless_scope import get_stateless_scope
from keras.src.ops import nn as operations
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR

from keras_viz_callbacks.capture.replaced import replaced

NAMES = {
    "keras.src.backend.nn": (
        "softmax",
        "sigmoid",
        "conv",
        "conv_transpose",
        "depthwise_conv",
        "separable_conv",
    ),
    "keras.src.ops.nn": ("conv", "conv_transpose", "depthwise_conv", "separable_conv"),
    "keras.src.backend.common.global_state": ("get_global_attribute", "set_global_attribute"),
    "keras.src.backend.common.stateless_scope": ("get_stateless_scope",),
    "keras.src.random.seed_generator": ("GLOBAL_SEED_GENERATOR",),
    "keras.StatelessScope": ("state_mapping",),
    "keras.layers.Layer": ("_flatten_layers", "_remat_mode", "quantization_mode"),
    "keras.layers.Dense": ("quantized_call",),
    "keras.KerasTensor": ("_dtype",),
    "keras.Model": ("_manual_input_spec", "_inputs"),
}
"""Attributes by the module, class or instance that has them."""

ACTIVATIONS_BEFORE_PROBABILITIES = ("softmax", "sigmoid")
"""Functions that make probabilities of logits, as Keras names them in `nn`."""

CONVOLUTIONS = ("conv", "conv_transpose", "depthwise_conv", "separable_conv")
"""Functions that convolve, as Keras names them in `nn` and in its operations."""


def sublayers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that a composite layer is made of: it has no public list of them."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def call_name(layer: keras.layers.Layer) -> str:
    """The method that Keras runs when the layer is called."""
    is_quantized = getattr(layer, "quantization_mode", None) is not None
    return "quantized_call" if is_quantized else "call"


@contextlib.contextmanager
def without_checkpoint(layer: keras.layers.Layer) -> Iterator[None]:
    """Switches rematerialization off: a tensor collected inside a checkpoint would leak."""
    if not getattr(layer, "_remat_mode", None):
        yield
        return
    with replaced(layer, "_remat_mode", None):
        yield


@contextlib.contextmanager
def any_image(models: Iterable[keras.Model]) -> Iterator[None]:
    """Lets functional models take images of another size than they declare, and of real numbers.

    Of another size for passes that end at a layer before the size matters. Where a model declares
    integers Keras would round its input, and no gradient would reach the image.
    """
    with contextlib.ExitStack() as stack:
        for model in models:
            stack.enter_context(replaced(model, "_manual_input_spec", None))
            for declared in getattr(model, "_inputs", None) or []:
                is_integer = keras.backend.standardize_dtype(declared.dtype).find("int") >= 0
                if is_integer and len(declared.shape) >= 3:
                    stack.enter_context(replaced(declared, "_dtype", keras.config.floatx()))
        yield


@contextlib.contextmanager
def noted_calls(note: Any) -> Iterator[None]:
    """Reports every softmax and sigmoid that Keras computes.

    Args:
        note: Called as ``note(kind, x, result)``, with ``"softmax"`` or ``"sigmoid"``.
    """

    def noting(kind: str) -> Any:
        function = getattr(nn, kind)

        def noted(x: Any, *args: Any, **kwargs: Any) -> Any:
            result = function(x, *args, **kwargs)
            note(kind, x, result)
            return result

        return noted

    with contextlib.ExitStack() as stack:
        for kind in ACTIVATIONS_BEFORE_PROBABILITIES:
            stack.enter_context(replaced(nn, kind, noting(kind)))
        yield


@contextlib.contextmanager
def noted_convolutions(note: Callable[[], None]) -> Iterator[None]:
    """Reports every convolution that `keras.ops` makes.

    Those by which Keras cuts patches or blurs are called from another module than its operations.

    Args:
        note: Called before each of them.
    """

    def noting(function: Any) -> Any:
        def noted(*args: Any, **kwargs: Any) -> Any:
            frame = inspect.currentframe()
            caller = None if frame is None else frame.f_back
            if caller is not None and caller.f_globals is vars(operations):
                note()
            return function(*args, **kwargs)

        return noted

    with contextlib.ExitStack() as stack:
        for name in CONVOLUTIONS:
            stack.enter_context(replaced(nn, name, noting(getattr(nn, name))))
        yield


def is_of_keras(layer: keras.layers.Layer) -> bool:
    """Whether the class of a layer is one of Keras."""
    return type(layer).__module__.partition(".")[0] == "keras"


def observing(state: Sequence[tuple[Any, Any]] | None = None) -> keras.StatelessScope:
    """A scope that drops every update of a variable and every collected loss.

    Args:
        state: Variables that have another value inside, with that value.
    """
    return keras.StatelessScope(state_mapping=state, collect_losses=True)


def same_scope() -> keras.StatelessScope:
    """A scope as the one that is entered was at its beginning or is now, for a trace of its own.

    What is updated inside a nested trace must not be seen outside of it.
    """
    scope = observing()
    current = get_stateless_scope()
    if current is not None:
        scope.state_mapping = dict(current.state_mapping)
    return scope


@contextlib.contextmanager
def global_seeds_kept() -> Iterator[None]:
    """Keeps which generator seeds random operations without a seed, or that there is none yet.

    Keras makes it when it is first needed, from Python's random numbers of that moment.
    """
    before = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    try:
        yield
    finally:
        global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, before)
