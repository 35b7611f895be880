"""The logits: what the softmax or sigmoid of an output is computed from, read while a pass runs.

Every softmax and sigmoid of Keras goes through one function of its backend, be it a layer's
activation, a layer of its own, or `keras.ops` in a subclassed ``call``. During a pass that function
keeps what it was given, so that both the logits and the model's own output are at hand. The model
is never edited for it. Written in `keras.ops`, so that each backend differentiates it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from keras_viz_callbacks.capture import keras_internals

PREDICTED = -1
"""Class index that means each image's predicted class."""

_REGRESSION_LOSSES = ("mean_", "mse", "mae", "msle", "mape", "huber", "log_cosh", "logcosh")
"""How the names of losses begin that compare numbers, not classes."""

_REGRESSION_LOSS_CLASSES = (
    keras.losses.MeanSquaredError,
    keras.losses.MeanAbsoluteError,
    keras.losses.MeanAbsolutePercentageError,
    keras.losses.MeanSquaredLogarithmicError,
    keras.losses.Huber,
    keras.losses.LogCosh,
)

_BINARY_LOSS_CLASSES = (keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy)

Logits = dict[int, tuple[Any, str, Any]]
"""By ``id`` of a result: the result, ``"softmax"`` or ``"sigmoid"``, and what it was computed
from."""


@dataclass(frozen=True)
class Output:
    """One of a model's outputs.

    Attributes:
        name: Key where the model returns a dict, else the name that a functional model has for
            it, or its number.
        shape: Its shape without the batch axis.
        kind: ``"softmax"``, ``"sigmoid"`` or ``"logits"`` where it tells classes apart;
            ``"probability"`` where the loss takes each unit for one, and Keras made none;
            ``"regression"`` where the loss is one of regression, also after a sigmoid;
            ``"unknown"`` where only the values show it;
            None where it is not of the shape ``(batch, units)``.
        has_logits: The input of its softmax or sigmoid can be read.
    """

    name: str
    shape: tuple[int | None, ...]
    kind: str | None
    has_logits: bool

    @property
    def classes(self) -> int | None:
        """How many classes it tells apart; None where it is not a class."""
        if self.kind in (None, "regression"):
            return None
        units = self.shape[0]
        return 2 if units == 1 else units


@dataclass(frozen=True)
class Head:
    """The classes or units in one of a model's outputs.

    Attributes:
        scores: Scores to differentiate, ``(batch, classes)``: logits, or where none can be
            read the output itself; for one unit of two classes two columns, ``-logit, logit``
            or ``1 - probability, probability``, that give the score of either class.
        probabilities: ``(batch, classes)``; None for regression.
    """

    scores: Any
    probabilities: Any | None


@contextlib.contextmanager
def watch_logits() -> Iterator[Logits]:
    """Collects what each softmax and sigmoid is computed from."""
    logits: Logits = {}

    def note(kind: str, x: Any, result: Any) -> None:
        # With the result itself, or another might get its `id`.
        logits[id(result)] = (result, kind, x)

    with keras_internals.noted_calls(note):
        yield logits


def output_tensors(returned: Any) -> list[Any]:
    """A model's outputs in flat order, without None and whatever else is no tensor.

    Args:
        returned: Outputs of the model.
    """
    return [output for output in keras.tree.flatten(returned) if ops.is_tensor(output)]


def describe_outputs(model: keras.Model, returned: Any, logits: Logits) -> list[Output]:
    """What each of a model's outputs means, in the order of `output_tensors`.

    Args:
        model: The model; its losses show what an output without activation is.
        returned: Outputs of the model.
        logits: What `watch_logits` collected in the pass that returned them.
    """
    names = _names(model, returned)
    outputs = []
    parts = keras.tree.flatten_with_path(returned)
    for place, (name, (path, output)) in enumerate(zip(names, parts, strict=True)):
        if not ops.is_tensor(output):
            continue
        shape = tuple(output.shape[1:])
        noted = logits.get(id(output))
        kind = None
        if len(shape) == 1:
            loss = _loss(model, path, name, place)
            kind = noted[1] if noted else _kind_by_loss(loss, shape[0])
            if kind == "sigmoid" and _is_of_regression(loss):
                kind = "regression"  # of numbers from 0 to 1
        outputs.append(Output(name, shape, kind, has_logits=noted is not None))
    return outputs


def read_head(output: Any, kind: str, logits: Logits) -> Head:
    """The classes or units in an output.

    Args:
        output: ``(batch, units)``.
        kind: See `Output`.
        logits: What `watch_logits` collected in the pass that returned it.
    """
    noted = logits.get(id(output))
    scores = ops.cast(output if noted is None else noted[2], "float32")
    if kind == "regression":
        return Head(ops.cast(output, "float32"), None)
    if kind == "sigmoid":
        if output.shape[-1] == 1:
            scores = ops.concatenate([-scores, scores], axis=-1)
        return Head(scores, ops.sigmoid(scores))
    if kind == "probability":
        if output.shape[-1] == 1:
            scores = ops.concatenate([1 - scores, scores], axis=-1)
        return Head(scores, ops.clip(scores, 0, 1))  # as the loss does
    if kind != "unknown":
        return Head(scores, ops.softmax(scores))
    # Either logits or a distribution of unknown origin: the values show which.
    ends = ops.all(scores >= 0) & ops.all(ops.abs(ops.sum(scores, axis=-1) - 1) < 1e-3)
    return Head(scores, ops.where(ends, scores, ops.softmax(scores)))


def class_score(head: Head, classes: Any) -> tuple[Any, Any]:
    """Each image's score and its class, both ``(batch,)``; `PREDICTED` takes the likeliest one."""
    predicted = ops.cast(ops.argmax(head.scores, axis=-1), "int32")
    classes = ops.where(ops.equal(classes, PREDICTED), predicted, classes)
    picked = ops.one_hot(classes, head.scores.shape[-1], dtype="float32")
    return ops.sum(head.scores * picked, axis=-1), classes


def _names(model: keras.Model, returned: Any) -> list[str]:
    paths = [path for path, _ in keras.tree.flatten_with_path(returned)]
    given = (
        [model.layers[-1].name]
        if isinstance(model, keras.Sequential)
        else getattr(model, "output_names", None) or []
    )
    return [
        str(path[-1])
        if path and isinstance(path[-1], str)
        else (given[place] if len(given) == len(paths) else str(place))
        for place, path in enumerate(paths)
    ]


def _loss(model: keras.Model, path: Sequence[Any], name: str, place: int) -> Any:
    """The loss of one output.

    Keras takes one for all, one for each in their order or nest, or a dict by name.
    """
    loss: Any = getattr(model, "loss", None)
    for key in path:
        is_place = isinstance(loss, (list, tuple)) and isinstance(key, int) and key < len(loss)
        if is_place or (isinstance(loss, Mapping) and key in loss):
            loss = loss[key]
    if isinstance(loss, Mapping):
        loss = loss.get(name)
    elif isinstance(loss, (list, tuple)):
        loss = loss[place] if place < len(loss) else None
    if not isinstance(loss, str):
        return loss
    try:
        return keras.losses.get(loss)
    except ValueError:
        return loss


def _loss_name(loss: Any) -> str:
    if isinstance(loss, functools.partial):
        loss = loss.func
    return str(getattr(loss, "name", None) or getattr(loss, "__name__", None) or loss or "").lower()


def _is_of_regression(loss: Any) -> bool:
    is_one = isinstance(loss, _REGRESSION_LOSS_CLASSES)
    return is_one or _loss_name(loss).startswith(_REGRESSION_LOSSES)


def _is_binary(loss: Any) -> bool:
    return isinstance(loss, _BINARY_LOSS_CLASSES) or "binary" in _loss_name(loss)


def _takes_logits(loss: Any) -> bool:
    if isinstance(loss, functools.partial):
        return bool(loss.keywords.get("from_logits", False))
    return bool(getattr(loss, "from_logits", False))


def _kind_by_loss(loss: Any, units: int | None) -> str:
    if _is_of_regression(loss):
        return "regression"
    if _takes_logits(loss):
        return "sigmoid" if _is_binary(loss) else "logits"
    if _is_binary(loss):
        return "probability"
    return "regression" if units == 1 else "unknown"
