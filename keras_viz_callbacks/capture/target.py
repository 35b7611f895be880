"""What class maps explain, and at which layers: the user's words checked against the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.held_out import check_classes
from keras_viz_callbacks.capture.layers import LayerCall, Selector, Survey, select
from keras_viz_callbacks.capture.score import PREDICTED

Target: TypeAlias = "int | Sequence[int] | NDArray[Any] | Callable[[Any], Any] | None"
"""None for each image's predicted class, a class, one class for each image, or a function."""


@dataclass(frozen=True)
class ResolvedTarget:
    """A target in the form that the compiled function takes.

    Attributes:
        classes: A class for each image, -1 for the predicted one, ``(batch,)``.
        function: The user's own, from the model's outputs to ``(batch,)``.
    """

    classes: NDArray[np.int32]
    function: Callable[[Any], Any] | None = None


def resolve_target(target: Target, survey: Survey, batch: int) -> ResolvedTarget:
    """Checks a target against the model.

    Args:
        target: See `Target`.
        survey: Of the model.
        batch: Number of images.

    Raises:
        ValueError: The model has no classes, one is out of range, or their number is wrong.
    """
    predicted = np.full(batch, PREDICTED, np.int32)
    if callable(target):
        return ResolvedTarget(predicted, target)
    if survey.classes is None:
        shapes = ", ".join(
            str(("batch", *shape)).replace("'", "") for shape in survey.output_shapes
        )
        raise ValueError(
            "`target` must be a function from the model's outputs to (batch,), because none of "
            f"them has the shape (batch, classes). Received: target={target!r}, outputs of shape "
            f"{shapes}"
        )
    if target is None:
        return ResolvedTarget(predicted)
    classes = np.asarray(target)
    if classes.ndim > 1 or classes.dtype.kind not in "iu":
        raise ValueError(
            "`target` must be None, a class index, one class index for each image, or a function "
            f"from the model's outputs to (batch,). Received: target={target!r}"
        )
    if classes.ndim == 1 and len(classes) != batch:
        raise ValueError(
            f"`target` must hold one class for each of the {batch} images. "
            f"Received: {len(classes)} classes"
        )
    classes = np.broadcast_to(classes, (batch,)).astype(np.int32)
    check_classes(classes, survey.classes, "target")
    return ResolvedTarget(classes)


def select_for_class_maps(survey: Survey, layers: Selector) -> list[LayerCall]:
    """The chosen layers; None picks the last convolution, as the paper does.

    A convolution whose maps are of one pixel, as those that classify in MobileNet, tells no place
    from another and is passed over.
    """
    picked = select(survey.calls, layers)
    if layers is not None:
        return picked
    return ([call for call in picked if not call.is_one_pixel] or picked)[-1:]
