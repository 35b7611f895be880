"""The score that class maps differentiate: the logit, read while the pass runs.

Where the model's last layer holds a softmax or sigmoid, that activation is left out for its one
call and applied behind it, so that both the logit and the model's own output exist. The model is
never edited for it. Written in `keras.ops`, so that each backend differentiates it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.tap import tap, without_activation

PREDICTED = -1
"""Stands for each image's predicted class."""

_REGRESSION_LOSSES = ("mean_", "mse", "mae", "msle", "mape", "huber", "log_cosh", "logcosh")


@dataclass(frozen=True)
class Head:
    """The classes in a model's output.

    Attributes:
        logits: ``(batch, classes)``; for one sigmoid unit the two columns ``-logit, logit``
            that give the score of either class.
        probabilities: ``(batch, classes)``.
        found: The logits are before the final softmax or sigmoid; otherwise they are the output.
    """

    logits: Any
    probabilities: Any
    found: bool


@contextlib.contextmanager
def watch_logits(outputs: Sequence[LayerCall]) -> Iterator[dict[int, tuple[str, Any]]]:
    """Collects, by ``id`` of the output, what stood before a final softmax or sigmoid."""
    logits: dict[int, tuple[str, Any]] = {}

    def answer(
        layer: keras.layers.Layer, call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        if isinstance(layer, keras.layers.Softmax):
            logit, output = args[0], call(*args, **kwargs)
            kind = "softmax"
        else:
            logit, output = without_activation(layer, call, *args, **kwargs)
            kind = layer.activation.__name__
        logits[id(output)] = (kind, logit)
        return output

    with tap({id(c.layer): c.layer for c in outputs if _is_head(c.layer)}.values(), answer):
        yield logits


def _is_head(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Softmax) or getattr(layer, "activation", None) in (
        keras.activations.softmax,
        keras.activations.sigmoid,
    )


def class_output(outputs: Any) -> int | None:
    """Place of the first of a model's outputs that looks like classes: ``(batch, classes)``."""
    for place, output in enumerate(keras.tree.flatten(outputs)):
        if len(output.shape) == 2:
            return place
    return None


def read_head(model: keras.Model, outputs: Any, logits: dict[int, tuple[str, Any]]) -> Head | None:
    """The classes in the model's output, or None where it has none.

    Args:
        model: Its loss tells what an output without activation means.
        outputs: What the model returned.
        logits: What `watch_logits` collected in that pass.
    """
    place = class_output(outputs)
    if place is None:
        return None
    output = keras.tree.flatten(outputs)[place]
    units = output.shape[-1]
    kind, logit = logits.get(id(output), (None, None))
    if logit is None:
        # A softmax inside a subclassed `call`: Keras leaves the logit on its result, privately.
        logit = getattr(output, "_keras_logits", None)
        kind = None if logit is None else ("sigmoid" if units == 1 else "softmax")
    found = logit is not None
    if not found:
        kind, logit = _kind_without_activation(model, units), output
    if kind is None:
        return None
    logit = ops.cast(logit, "float32")
    if units == 1:
        logit = ops.concatenate([-logit, logit], axis=-1)
        if found or kind == "sigmoid":
            return Head(logit, ops.sigmoid(logit), True)
    if kind == "sigmoid":
        return Head(logit, ops.sigmoid(logit), True)
    if found or kind == "logits":
        return Head(logit, ops.softmax(logit), True)
    # Either logits or a distribution of unknown origin: the values tell.
    ends = ops.all(logit >= 0) & ops.all(ops.abs(ops.sum(logit, axis=-1) - 1) < 1e-3)
    return Head(logit, ops.where(ends, logit, ops.softmax(logit)), False)


def _kind_without_activation(model: keras.Model, units: int | None) -> str | None:
    loss = getattr(model, "loss", None)
    name = str(getattr(loss, "name", None) or getattr(loss, "__name__", None) or loss or "").lower()
    if name.startswith(_REGRESSION_LOSSES):
        return None
    from_logits = getattr(loss, "from_logits", False)
    if from_logits:
        return "sigmoid" if "binary" in name else "logits"
    return None if units == 1 else "unknown"


def class_score(head: Head, classes: Any) -> Any:
    """Each image's logit of its class, ``(batch,)``; `PREDICTED` takes the likeliest one."""
    predicted = ops.cast(ops.argmax(head.logits, axis=-1), "int32")
    classes = ops.where(ops.equal(classes, PREDICTED), predicted, classes)
    picked = ops.one_hot(classes, head.logits.shape[-1], dtype="float32")
    return ops.sum(head.logits * picked, axis=-1)
