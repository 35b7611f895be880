"""Taps layers for the length of one forward pass, instead of rebuilding the model around them.

Keras looks ``layer.call`` up at each call, so an attribute of that name on the *instance* answers
in its place. Nothing else of the model is touched, and `tap` takes the attributes away again
however the pass ends. It works while a function is traced (``tf.function``, ``jax.jit``) as well
as eagerly.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras

from keras_viz_callbacks.capture.layers import CONVOLUTIONS, LayerCall, layer_paths

Answer = Callable[..., Any]
"""``(layer, call, *args, **kwargs) -> output``: what answers in place of ``layer.call``."""

_MISSING = object()

_ENDS_WITH_ACTIVATION = (
    *CONVOLUTIONS,
    keras.layers.Activation,
    keras.layers.Dense,
    keras.layers.EinsumDense,
)


class PassComplete(BaseException):
    """Ends a forward pass once every wanted layer has answered.

    Not an `Exception`, so that no layer's own ``except Exception`` takes it for a failure.
    """


@contextlib.contextmanager
def tap(layers: Iterable[keras.layers.Layer], answer: Answer) -> Iterator[None]:
    """Lets ``answer`` stand in for the ``call`` of each layer while the context lasts."""
    with contextlib.ExitStack() as stack:
        for layer in layers:
            # A quantized layer answers by another method.
            quantized = getattr(layer, "quantization_mode", None) is not None
            name = "quantized_call" if quantized else "call"
            call = getattr(layer, name)
            replacement = functools.wraps(call)(functools.partial(answer, layer, call))
            stack.enter_context(replaced(layer, name, replacement))
            if getattr(layer, "_remat_mode", None):
                # Inside a checkpoint the tapped tensor would leak.
                stack.enter_context(replaced(layer, "_remat_mode", None))
        yield


@contextlib.contextmanager
def collect(
    calls: Sequence[LayerCall],
    on_answer: Callable[[LayerCall, Any], Any] | None = None,
    *,
    stop: bool = False,
) -> Iterator[dict[str, Any]]:
    """Collects what the given calls return, by layer path, in the order they answer.

    Args:
        calls: The wanted calls.
        on_answer: Maps a call and its output to what the network goes on with; it is also what
            is collected.
        stop: End the pass, quietly, with the last wanted answer.
    """
    wanted: Mapping[tuple[int, int], LayerCall] = {(id(c.layer), c.call): c for c in calls}
    answers: dict[str, Any] = {}
    counts: dict[int, int] = {}

    def answer(layer: keras.layers.Layer, call: Answer, *args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        number = counts.get(id(layer), 0)
        counts[id(layer)] = number + 1
        found = wanted.get((id(layer), number))
        if found is not None:
            if on_answer is not None:
                output = on_answer(found, output)
            answers[found.path] = output
            if stop and len(answers) == len(wanted):
                raise PassComplete
        return output

    layers = {id(c.layer): c.layer for c in calls}
    with tap(layers.values(), answer), contextlib.suppress(PassComplete):
        yield answers


@contextlib.contextmanager
def collect_ends(wanted: LayerCall) -> Iterator[list[Any]]:
    """Collects what one call returns before and behind its activation, and ends the pass there."""
    ends: list[Any] = []
    number = 0

    def answer(layer: keras.layers.Layer, call: Answer, *args: Any, **kwargs: Any) -> Any:
        nonlocal number
        if number == wanted.call:
            ends.extend(without_activation(layer, call, *args, **kwargs))
            raise PassComplete
        number += 1
        return call(*args, **kwargs)

    with tap([wanted.layer], answer), contextlib.suppress(PassComplete):
        yield ends


def without_activation(
    layer: keras.layers.Layer, call: Callable[..., Any], *args: Any, **kwargs: Any
) -> tuple[Any, Any]:
    """What a layer returns before and behind its activation; twice the same where it has none.

    Only of layers that apply it at their very end: a recurrent one has its activation inside.
    """
    activation = getattr(layer, "activation", None)
    if not isinstance(layer, _ENDS_WITH_ACTIVATION) or activation is None:
        output = call(*args, **kwargs)
        return output, output
    with replaced(layer, "activation", keras.activations.linear):
        before = call(*args, **kwargs)
    return before, activation(before)


@contextlib.contextmanager
def replaced(target: object, name: str, value: Any) -> Iterator[None]:
    """An attribute of an instance replaced past Keras' attribute tracking, then put back."""
    before = vars(target).get(name, _MISSING)
    object.__setattr__(target, name, value)
    try:
        yield
    finally:
        if before is _MISSING:
            object.__delattr__(target, name)
        else:
            object.__setattr__(target, name, before)


@contextlib.contextmanager
def any_input_size(model: keras.Model) -> Iterator[None]:
    """Lets functional models, nested ones too, take images of another size than they declare.

    For passes that end at a layer before the size matters.
    """
    with contextlib.ExitStack() as stack:
        for layer in [model, *layer_paths(model).values()]:
            if isinstance(layer, keras.Model):
                stack.enter_context(replaced(layer, "_manual_input_spec", None))
        yield
