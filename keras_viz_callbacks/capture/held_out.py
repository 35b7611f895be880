"""Held-out images: from what a user has at hand to named pictures and the model's inputs."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.backend import Inputs, check_built, survey
from keras_viz_callbacks.capture.layers import Survey

logger = logging.getLogger(__name__)

Preprocess = Callable[[Any], Any]


@dataclass(frozen=True)
class HeldOut:
    """A few images that training does not see.

    Attributes:
        names: The user's, or None for those that are numbered.
        images: What is displayed, ``(batch, height, width, channels)``.
        inputs: What the model eats.
        labels: True classes ``(batch,)``, or None.
    """

    names: tuple[str, ...] | None
    images: NDArray[Any]
    inputs: Inputs
    labels: NDArray[np.int32] | None

    def __len__(self) -> int:
        return len(self.images)


def held_out(
    images: Any,
    labels: Any = None,
    *,
    preprocess: Preprocess | None = None,
    max_images: int | None = None,
    class_names: Sequence[str] | None = None,
) -> HeldOut:
    """Gathers held-out images from any of the forms that users have them in.

    Args:
        images: An array ``(batch, height, width, channels)``, a list of arrays ``(height, width,
            channels)``, a dict of name to such an array, or anything iterable that gives
            ``(images, labels)`` batches.
        labels: One class index (or name, with ``class_names``) for each image, or one-hot rows.
            Left out, they come from the batches, if those have them.
        preprocess: Maps the images to the model's inputs.
        max_images: Take no more than that many.
        class_names: Name of each class.

    Raises:
        ValueError: No images, images of different shapes, NaN, labels of another length.
    """
    names, array, own_labels = _gather(images, max_images)
    if labels is None:
        labels = own_labels
    elif _length(labels) is not None and _length(labels) == _length(images):
        labels = labels[: len(array)]  # those beyond `max_images` are left out
    if not len(array):
        raise ValueError(
            "`images` must hold at least one image. "
            f"Received: images={_describe(images)}. Pass some of the validation set, such as "
            "x_val[:4]."
        )
    if array.ndim != 4:
        raise ValueError(
            "`images` must have the shape (batch, height, width, channels). "
            f"Received: images of shape {array.shape}."
            + (" One image alone is images[None]." if array.ndim == 3 else "")
        )
    if not np.issubdtype(array.dtype, np.number) and array.dtype != bool:
        raise ValueError(f"`images` must hold numbers. Received: images of dtype {array.dtype}")
    _check_finite(array, "images")
    inputs = array if preprocess is None else preprocess(array.copy())
    inputs = keras.tree.map_structure(_as_input, inputs)
    for part in keras.tree.flatten(inputs):
        _check_finite(part, "preprocess(images)")
        if len(part) != len(array):
            raise ValueError(
                "`preprocess` must return one input for each image. "
                f"Received: {len(array)} images, inputs of shape {part.shape}"
            )
    return HeldOut(names, array, inputs, _as_labels(labels, len(array), class_names))


def check_fits(model: keras.Model, held: HeldOut) -> None:
    """Checks the inputs against the model's own input shape, where it has declared one.

    Raises:
        ValueError: They do not fit.
    """
    try:
        wanted = [tuple(tensor.shape) for tensor in keras.tree.flatten(model.inputs)]
    except (AttributeError, ValueError, TypeError):
        return  # a subclassed model declares none; tracing it will tell
    parts = keras.tree.flatten(held.inputs)
    fits = len(parts) == len(wanted) and all(
        len(part.shape) == len(shape)
        and all(w is None or w == g for w, g in zip(shape[1:], part.shape[1:], strict=True))
        for part, shape in zip(parts, wanted, strict=True)
    )
    if not fits:
        shapes = ", ".join(str(("batch", *shape[1:])).replace("'", "") for shape in wanted)
        got = ", ".join(str(part.shape) for part in parts)
        raise ValueError(
            f"`images` must fit the model's input, of shape {shapes}. Received: images of shape "
            f"{got}. Resize them, or map them by `preprocess`."
        )


def check_model(model: keras.Model, held: HeldOut) -> Survey:
    """Traces the model once with the held-out images.

    Raises:
        ValueError: They do not fit the model's input, or it was never built.
    """
    check_built(model)
    check_fits(model, held)
    try:
        return survey(model, held.inputs)
    except Exception as error:
        shapes = ", ".join(str(part.shape) for part in keras.tree.flatten(held.inputs))
        raise ValueError(
            "`images` must fit the model: a forward pass with them failed. Received: images of "
            f"shape {shapes}. The model said: {error}"
        ) from error


def check_labels(held: HeldOut, classes: int | None, class_names: Sequence[str] | None) -> None:
    """Checks labels and class names against the number of classes.

    Raises:
        ValueError: A label is not a class of the model, or classes are left without a name.
    """
    if classes is None:
        return
    if held.labels is not None:
        check_classes(held.labels, classes, "labels")
    if class_names is not None and len(class_names) < classes:
        raise ValueError(
            f"`class_names` must name each of the model's {classes} classes. "
            f"Received: {len(class_names)} names"
        )


def check_classes(indices: NDArray[np.int32], classes: int, argument: str) -> None:
    """Raises a ValueError where an index is not a class of the model."""
    outside = indices[(indices < 0) | (indices >= classes)]
    if len(outside):
        raise ValueError(
            f"`{argument}` must hold classes of the model, from 0 to {classes - 1}. "
            f"Received: {argument} with {int(outside[0])}"
        )


def _gather(
    images: Any, max_images: int | None
) -> tuple[tuple[str, ...] | None, NDArray[Any], Any]:
    if isinstance(images, Mapping):
        names = tuple(map(str, images))[:max_images]
        values = list(images.values())[:max_images]
        _log_left_out(len(images), len(values))
        return names, _stack(values), None
    if isinstance(images, (list, tuple)):
        _log_left_out(len(images), len(images[:max_images]))
        return None, _stack(images[:max_images]), None
    if hasattr(images, "shape"):
        array = keras.ops.convert_to_numpy(images[:max_images])
        _log_left_out(len(images), len(array))
        return None, array, None
    if isinstance(images, (Iterable, keras.utils.PyDataset)):
        return None, *_from_batches(images, max_images)
    raise ValueError(
        "`images` must be an array, a list of arrays, a dict of name to array, or an iterable of "
        f"(images, labels) batches. Received: images={_describe(images)}"
    )


def _from_batches(batches: Any, max_images: int | None) -> tuple[NDArray[Any], Any]:
    if isinstance(batches, keras.utils.PyDataset):
        batches = map(batches.__getitem__, range(len(batches)))
    arrays: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    count = 0
    # A dataset may be endless.
    for batch in itertools.islice(batches, max_images):
        parts = batch if isinstance(batch, (list, tuple)) else (batch,)
        arrays.append(keras.ops.convert_to_numpy(parts[0]))
        if len(parts) > 1 and parts[1] is not None and hasattr(parts[1], "shape"):
            labels.append(keras.ops.convert_to_numpy(parts[1]))
        count += len(arrays[-1])
        if max_images is not None and count >= max_images:
            break
    if not arrays:
        return np.zeros((0, 0, 0, 0), np.float32), None
    together = np.concatenate(labels)[:max_images] if len(labels) == len(arrays) else None
    return np.concatenate(arrays)[:max_images], together


def _stack(images: Sequence[Any]) -> NDArray[Any]:
    arrays: list[NDArray[Any]] = [keras.ops.convert_to_numpy(image) for image in images]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise ValueError(
            "`images` must all have one shape, since they pass the model as one batch. "
            f"Received: images of shapes {', '.join(map(str, sorted(shapes)))}"
        )
    return np.stack(arrays) if arrays else np.zeros((0, 0, 0, 0), np.float32)


def _as_input(part: Any) -> NDArray[Any]:
    array: NDArray[Any] = keras.ops.convert_to_numpy(part)
    # A GPU's worth of double precision is never meant.
    return array.astype(np.float32) if array.dtype in (np.float64, np.float16) else array


def _as_labels(
    labels: Any, number: int, class_names: Sequence[str] | None
) -> NDArray[np.int32] | None:
    if labels is None:
        return None
    array = np.asarray(labels)
    if len(array.shape) == 0 or len(array) != number:
        raise ValueError(
            f"`labels` must hold one class for each of the {number} images. "
            f"Received: labels of shape {array.shape}"
        )
    if array.dtype.kind in "US":
        known = list(class_names if class_names is not None else ())
        unknown = [str(label) for label in array if str(label) not in known]
        if unknown:
            raise ValueError(
                "`labels` given as text must be names in `class_names`. "
                f"Received: labels with {unknown[0]!r}, class_names={known}"
            )
        return np.array([known.index(str(label)) for label in array], np.int32)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        array = array.argmax(axis=1)
    if array.ndim != 1 or not np.all(array == np.round(array)):
        raise ValueError(
            "`labels` must be class indices or one-hot rows. "
            f"Received: labels of shape {array.shape} and dtype {array.dtype}"
        )
    return array.astype(np.int32)


def _check_finite(array: NDArray[Any], argument: str) -> None:
    if np.issubdtype(array.dtype, np.inexact):
        bad = [i for i, image in enumerate(array) if not np.isfinite(image).all()]
        if bad:
            raise ValueError(
                f"`{argument}` must be finite. Received: NaN or infinity in image {bad[0]}"
                + (f" and {len(bad) - 1} more" if len(bad) > 1 else "")
            )


def _length(sized: Any) -> int | None:
    try:
        return len(sized)
    except TypeError:
        return None


def _describe(images: Any) -> str:
    shape = getattr(images, "shape", None)
    return f"{type(images).__name__}" + (f" of shape {tuple(shape)}" if shape is not None else "")


def _log_left_out(given: int, taken: int) -> None:
    if taken < given:
        logger.info("Showing the first %d of %d held-out images (max_images).", taken, given)
