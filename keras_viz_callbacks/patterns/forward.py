"""A pass up to the layers of an objective, for images of any size that the model can take."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from keras_viz_callbacks.capture import keras_internals
from keras_viz_callbacks.capture.backend import Tensor, backend
from keras_viz_callbacks.capture.inputs import ImageInput
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.tap import (
    PassComplete,
    any_image,
    around_activation,
    tap,
)
from keras_viz_callbacks.patterns.objectives import LayerOutput
from keras_viz_callbacks.patterns.settings import SIZE, AscentSettings

Shape: TypeAlias = tuple[int, int, int]


def fitting_shape(
    model: keras.Model, source: ImageInput, calls: Sequence[LayerCall], settings: AscentSettings
) -> tuple[Shape, int]:
    """The shape of the images of an ascent, and the margin in it.

    Some layers take no image of another size than the model's own, such as those with positions:
    then the margin is left out, and where no size was asked for, the model's own is taken.

    Args:
        model: The model.
        source: Its image input.
        calls: Calls that a pass has to reach.
        settings: The size that was asked for, and the transforms with their margins.

    Raises:
        ValueError: The model can't be run up to the calls on images of any of these sizes.
    """
    own = source.shape
    size = _size_of(settings.size, own)
    margin = sum(transform.margin for transform in settings.transforms)
    candidates = [(*size, margin), (*size, 0)]
    if settings.size is None:
        candidates.append((*own[:2], 0))
    failure: Exception | None = None
    for height, width, around in dict.fromkeys(candidates):
        shape = (height + 2 * around, width + 2 * around, own[2])
        try:
            _try_shape(model, source, calls, shape)
        except Exception as error:  # noqa: BLE001 - each backend has others for a wrong shape
            failure = error
            continue
        return shape, around
    paths = ", ".join(repr(call.path) for call in calls)
    raise ValueError(
        f"`size` must be one that the model can take up to layer {paths}. "
        f"Received: size={settings.size!r}. The model said: {failure}"
    ) from failure


def _try_shape(
    model: keras.Model, source: ImageInput, calls: Sequence[LayerCall], shape: Shape
) -> None:
    def forward(images: Tensor) -> None:
        outputs_of(model, source, calls, images)

    backend().dry_run(model, forward, [np.zeros((1, *shape), np.float32)])


def outputs_of(
    model: keras.Model, source: ImageInput, calls: Sequence[LayerCall], images: Tensor
) -> dict[str, LayerOutput]:
    """What calls compute for images of any size, by layer path; the pass ends at the last of them.

    Args:
        model: The model.
        source: Its image input.
        calls: The calls.
        images: Images in the range of the model's input, ``(item, height, width, channels)``.
    """
    # Inside a loop, what a pass updates must not be seen outside of it.
    with (
        keras_internals.same_scope(),
        any_image(model),
        _collected(calls) as outputs,
    ):
        model(source.feed(images), training=False)
    return outputs


@contextlib.contextmanager
def _collected(calls: Sequence[LayerCall]) -> Iterator[dict[str, LayerOutput]]:
    """Collects what calls return before and after their activation; ends the pass at the last."""
    wanted = {(id(call.layer), call.call): call for call in calls}
    outputs: dict[str, LayerOutput] = {}
    counts: dict[int, int] = {}

    def collected(
        layer: keras.layers.Layer, call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        number = counts.get(id(layer), 0)
        counts[id(layer)] = number + 1
        found = wanted.get((id(layer), number))
        if found is None:
            return call(*args, **kwargs)
        before, after = around_activation(layer, call, *args, **kwargs)
        outputs[found.path] = LayerOutput(
            found, ops.cast(before, "float32"), ops.cast(after, "float32")
        )
        if len(outputs) == len(wanted):
            raise PassComplete
        return after

    layers = {id(call.layer): call.layer for call in calls}
    with tap(layers.values(), collected), contextlib.suppress(PassComplete):
        yield outputs


def _size_of(size: int | tuple[int, int] | None, own: Shape) -> tuple[int, int]:
    if size is None:
        shrink = min(1.0, SIZE / max(own[:2]))
        return max(1, round(own[0] * shrink)), max(1, round(own[1] * shrink))
    return (size, size) if isinstance(size, int) else size
