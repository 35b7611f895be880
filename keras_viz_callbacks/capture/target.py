"""What class maps explain, and at which layers: the user's words checked against the model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.logits import PREDICTED, Output
from keras_viz_callbacks.capture.survey import Survey

logger = logging.getLogger(__name__)

Target: TypeAlias = (
    "int | Sequence[int] | NDArray[Any] | Callable[[Any], Any] | str | Mapping[str, Any] | None"
)
"""None for each image's predicted class, a class, one class for each image, a function from the
model's outputs to ``(batch,)``; of a model with several outputs, the name of one, or
``{name: class}``."""


@dataclass(frozen=True)
class ResolvedTarget:
    """A target in the form that the compiled function takes.

    Attributes:
        classes: A class for each image, -1 for the predicted one, ``(batch,)``.
        place: Place of the output with the classes, among all in flat order.
        output: The output at that place; None where none is of classes or of one unit.
        function: The user's own function, from the model's outputs to ``(batch,)``.
        is_named: Whether the user has named the output.
    """

    classes: NDArray[np.int32]
    place: int = 0
    output: Output | None = None
    function: Callable[[Any], Any] | None = None
    is_named: bool = False

    @property
    def is_before_activation(self) -> bool:
        """Whether the score is what it should be: a logit, or by its nature no class."""
        if self.function is not None or self.output is None:
            return True
        return self.output.kind not in ("unknown", "probability")


def resolve_target(target: Target, survey: Survey, batch: int) -> ResolvedTarget:
    """Checks a target against the model.

    Args:
        target: See `Target`.
        survey: Of the model.
        batch: Number of images.

    Raises:
        ValueError: The model has no such output or class, or their number is wrong.
    """
    predicted = np.full(batch, PREDICTED, np.int32)
    name: str | None = None
    if isinstance(target, str):
        name, target = target, None
    elif isinstance(target, Mapping):
        if len(target) != 1:
            raise ValueError(
                "`target` given as a dict must name one output of the model. "
                f"Received: target={target!r}"
            )
        name, target = next(iter(target.items()))
    place = _place_of(name, survey) if name is not None else class_output(survey)
    output = None if place is None else survey.outputs[place]
    if callable(target):
        return ResolvedTarget(predicted, place or 0, output, target)
    if place is None or output is None:
        raise ValueError(
            "`target` must be a function from the model's outputs to (batch,), because none of "
            "them has the shape (batch, classes). "
            f"Received: target={target!r}, outputs {_named(survey.outputs)}"
        )
    units = output.shape[0] if output.kind == "regression" else output.classes
    if target is None:
        if output.kind == "regression" and units != 1:
            raise ValueError(
                f"`target` must name one of the {units} units of the output {output.name!r}, "
                "because its loss is one of regression. Received: target=None"
            )
        return ResolvedTarget(predicted, place, output, is_named=name is not None)
    classes = np.asarray(target)
    if classes.ndim > 1 or classes.dtype.kind not in "iu":
        raise ValueError(
            "`target` must be None, a class index, one class index for each image, the name of "
            "an output, or a function from the model's outputs to (batch,). "
            f"Received: target={target!r}"
        )
    if classes.ndim == 1 and len(classes) != batch:
        raise ValueError(
            f"`target` must hold one class for each of the {batch} images. "
            f"Received: {len(classes)} classes"
        )
    if output.kind == "regression" and np.any((classes < 0) | (classes >= (units or 0))):
        raise ValueError(
            f"`target` must be a unit of the output {output.name!r}, from 0 to "
            f"{(units or 0) - 1}: it is read as regression, not as classes. "
            f"Received: target={target!r}. Omit `target` to explain a single unit."
        )
    classes = np.broadcast_to(classes, (batch,)).astype(np.int32)
    check_classes(classes, units or 0, "target")
    return ResolvedTarget(classes, place, output, is_named=name is not None)


def report_chosen_output(target: ResolvedTarget, survey: Survey) -> None:
    """Logs which output was chosen, where the user has named none of several."""
    is_chosen = target.function is None and not target.is_named
    if target.output is not None and is_chosen and len(survey.outputs) > 1:
        logger.info(
            "Class maps explain the output %r, the first of %s that looks like classes; "
            "`target` takes the name of another.",
            target.output.name,
            _named(survey.outputs),
        )


def class_output(survey: Survey) -> int | None:
    """Place of the first output that looks like classes, or else like one number."""
    for place, output in enumerate(survey.outputs):
        if output.classes is not None:
            return place
    for place, output in enumerate(survey.outputs):
        if output.kind == "regression":
            return place
    return None


def check_classes(indices: NDArray[np.int32], classes: int, argument: str) -> None:
    """Raises a ValueError where an index is not a class of the model."""
    outside = indices[(indices < 0) | (indices >= classes)]
    if len(outside):
        raise ValueError(
            f"`{argument}` must hold classes of the model, from 0 to {classes - 1}. "
            f"Received: {argument} with {int(outside[0])}"
        )


def _place_of(name: str, survey: Survey) -> int:
    names = [output.name for output in survey.outputs]
    if names.count(str(name)) != 1:
        raise ValueError(
            f"`target` must name one of the model's outputs, {_named(survey.outputs)}. "
            f"Received: target={name!r}"
        )
    place = names.index(str(name))
    if survey.outputs[place].kind is None:
        raise ValueError(
            "`target` must name an output of shape (batch, classes); for any other, give a "
            "function from the model's outputs to (batch,). "
            f"Received: target={name!r}, of shape {_batch_shape(survey.outputs[place])}"
        )
    return place


def _named(outputs: Sequence[Output]) -> str:
    return ", ".join(f"{output.name!r} of shape {_batch_shape(output)}" for output in outputs)


def _batch_shape(output: Output) -> str:
    return "(" + ", ".join(["batch", *map(str, output.shape)]) + ")"
