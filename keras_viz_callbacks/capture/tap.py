"""Taps layers during one forward pass, instead of rebuilding the model around them.

Keras looks ``layer.call`` up each time a layer is called, so an attribute of that name on the
*instance* is run in its place. Nothing else of the model is touched, and `tap` removes the
attributes again however the pass ends. It works while a function is traced (``tf.function``,
``jax.jit``) as well as eagerly.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras

from keras_viz_callbacks.capture import keras_internals
from keras_viz_callbacks.capture.layers import CONVOLUTIONS, LayerCall, layer_paths
from keras_viz_callbacks.capture.replaced import replaced

Replacement = Callable[..., Any]
"""``(layer, call, *args, **kwargs) -> output``: what is run in place of ``layer.call``."""

_ENDS_WITH_ACTIVATION = (
    *CONVOLUTIONS,
    keras.layers.Activation,
    keras.layers.Dense,
    keras.layers.EinsumDense,
)


class PassComplete(BaseException):
    """Ends a forward pass once every wanted layer has returned.

    Not an `Exception`, so that no layer's own ``except Exception`` takes it for a failure.
    """


@contextlib.contextmanager
def tap(layers: Iterable[keras.layers.Layer], replacement: Replacement) -> Iterator[None]:
    """Runs ``replacement`` in place of the ``call`` of each layer while the context lasts."""
    with contextlib.ExitStack() as stack:
        for layer in layers:
            name = keras_internals.call_name(layer)
            call = getattr(layer, name)
            tapped = functools.wraps(call)(functools.partial(replacement, layer, call))
            stack.enter_context(replaced(layer, name, tapped))
            stack.enter_context(keras_internals.without_checkpoint(layer))
        yield


@contextlib.contextmanager
def collect(
    calls: Sequence[LayerCall],
    on_output: Callable[[LayerCall, Any], Any] | None = None,
    *,
    stop: bool = False,
) -> Iterator[dict[str, Any]]:
    """Collects what the given calls return, by layer path, in the order they return.

    Args:
        calls: The wanted calls.
        on_output: Maps a call and its output to what the network goes on with; it is also what
            is collected.
        stop: End the pass, quietly, when the last wanted call has returned.
    """
    wanted: Mapping[tuple[int, int], LayerCall] = {(id(c.layer), c.call): c for c in calls}
    outputs: dict[str, Any] = {}
    counts: dict[int, int] = {}

    def collected(layer: keras.layers.Layer, call: Any, *args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        number = counts.get(id(layer), 0)
        counts[id(layer)] = number + 1
        found = wanted.get((id(layer), number))
        if found is not None:
            if on_output is not None:
                output = on_output(found, output)
            outputs[found.path] = output
            if stop and len(outputs) == len(wanted):
                raise PassComplete
        return output

    layers = {id(c.layer): c.layer for c in calls}
    with tap(layers.values(), collected), contextlib.suppress(PassComplete):
        yield outputs


def around_activation(
    layer: keras.layers.Layer, call: Callable[..., Any], *args: Any, **kwargs: Any
) -> tuple[Any, Any]:
    """What a layer returns before and after its activation; twice the same where it has none.

    Only for layers that apply it at their very end: a recurrent one has its activation inside.
    """
    activation = getattr(layer, "activation", None)
    if not isinstance(layer, _ENDS_WITH_ACTIVATION) or activation is None:
        output = call(*args, **kwargs)
        return output, output
    with replaced(layer, "activation", keras.activations.linear):
        before = call(*args, **kwargs)
    return before, activation(before)


def any_image(model: keras.Model) -> contextlib.AbstractContextManager[None]:
    """Lets a model, and those nested in it, take images that they do not declare.

    See `keras_internals.any_image`.
    """
    layers = [model, *layer_paths(model).values()]
    return keras_internals.any_image(layer for layer in layers if isinstance(layer, keras.Model))
