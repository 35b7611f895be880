"""Held-out images: from what a user has at hand to named pictures and the model's inputs."""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.backend import Inputs
from keras_viz_callbacks.capture.inputs import channels_last, image_place
from keras_viz_callbacks.capture.labels import (
    ClassNames,
    class_indices,
    is_one_array,
    label_array,
    ordered_names,
)
from keras_viz_callbacks.capture.model_forms import as_model_takes
from keras_viz_callbacks.capture.survey import Survey
from keras_viz_callbacks.capture.target import check_classes

logger = logging.getLogger(__name__)

Preprocess = Callable[[Any], Any]


@dataclass(frozen=True)
class HeldOut:
    """A few images that training does not see.

    Attributes:
        names: Names that the user gave, or None for images that are numbered.
        images: What is displayed, ``(batch, *places, channels)``, or with the channels first or
            without a channel axis if the model's inputs are so: one place axis for signals, two
            for images, three for volumes.
        inputs: What the model takes.
        labels: True classes ``(batch,)``, or None.
    """

    names: tuple[str, ...] | None
    images: NDArray[Any]
    inputs: Inputs
    labels: NDArray[np.int32] | None

    def __len__(self) -> int:
        return len(self.images)

    def channels_last(self, survey: Survey) -> NDArray[Any]:
        """The images as ``(batch, *places, channels)``.

        Args:
            survey: Survey of the model that takes them.
        """
        return channels_last(self.images, self.inputs, survey)


def held_out(
    images: Any,
    labels: Any = None,
    *,
    preprocess: Preprocess | None = None,
    max_images: int | None = None,
    class_names: ClassNames = None,
    model: keras.Model | None = None,
) -> HeldOut:
    """Gathers held-out images from any of the forms that users have them in.

    Args:
        images: An array ``(batch, height, width, channels)``, a list of arrays ``(height, width,
            channels)``, a dict of name to such an array, or anything iterable that gives
            ``(images, labels)`` batches, or ``(image, label)``. For a model with several inputs,
            a dict or tuple of batches like the model's: the first that holds images is displayed,
            and texts may be among them.
            Signals ``(batch, steps, channels)`` and volumes ``(batch, depth, height, width,
            channels)`` go in like images.
        labels: One class index (or name, with ``class_names``) for each image, or one-hot rows,
            as an array, tensor, list or column of a table. Left out, they come from the batches,
            if those have them.
        preprocess: Maps the images to the model's inputs.
        max_images: Take no more than that many.
        class_names: Name of each class; see `ClassNames`.
        model: The model, for the forms of `model_forms`.

    Raises:
        ValueError: No images, images of different shapes, NaN, labels of another length.
    """
    names_of_classes = ordered_names(class_names)
    if model is not None:
        images, labels = as_model_takes(
            images, labels, model, class_names=names_of_classes, max_images=max_images
        )
    rows = _rows(images)
    images = images if rows is None else rows
    names, parts, own_labels = _gather(images, max_images)
    array = _displayed(parts)
    number = len(array)
    if not number:
        raise ValueError(
            "`images` must hold at least one image. "
            f"Received: images={_describe(images)}. Pass some of the validation set, such as "
            "x_val[:4]."
        )
    for part in keras.tree.flatten(parts):
        is_beside = part is not array  # texts may stand beside the images
        if not (is_beside and part.dtype.kind in "US") and not _holds_numbers(part):
            raise ValueError(f"`images` must hold numbers. Received: images of dtype {part.dtype}")
        _check_finite(part, "images")
        _check_number(part, number, "images")
    inputs = parts
    if preprocess is not None:
        inputs = preprocess(keras.tree.map_structure(np.copy, parts))
    inputs = keras.tree.map_structure(_as_input, _texts_as_arrays(inputs))
    for part in keras.tree.flatten(inputs):
        _check_finite(part, "preprocess(images)")
        _check_number(part, number, "preprocess")
    if labels is None:
        known = _labels_of_batches(own_labels, number, names_of_classes)
    else:
        given = label_array(labels)
        if given.ndim and len(given) == _length(images):
            given = given[:number]  # `max_images` leaves the others out
        known = class_indices(given, number, names_of_classes)
    return HeldOut(names, array, inputs, known)


def check_fits(model: keras.Model, held: HeldOut) -> None:
    """Checks the inputs against the model's own input shape, where it has declared one.

    Raises:
        ValueError: They do not fit.
    """
    try:
        wanted = [tuple(tensor.shape) for tensor in keras.tree.flatten(model.inputs)]
    except (AttributeError, ValueError, TypeError):
        return  # a subclassed model declares none; the pass itself will fail
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
            f"{got}. {_way_out(parts, wanted)}"
        )


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


def _gather(images: Any, max_images: int | None) -> tuple[tuple[str, ...] | None, Inputs, Any]:
    """Names, batches as the model has its inputs, and labels."""
    images = _texts_as_arrays(images)
    if isinstance(images, (Mapping, tuple)) and _are_inputs(images):
        parts = keras.tree.map_structure(_numpy, images)
        return None, keras.tree.map_structure(lambda part: part[:max_images], parts), None
    if isinstance(images, Mapping):
        names = tuple(map(str, images))[:max_images]
        values = list(images.values())[:max_images]
        _log_left_out(len(images), len(values))
        return names, _stack(values), None
    if isinstance(images, (list, tuple)):
        _log_left_out(len(images), len(images[:max_images]))
        return None, _stack(images[:max_images]), None
    if hasattr(images, "shape"):
        array = _numpy(images[:max_images])
        _log_left_out(len(images), len(array))
        return None, array, None
    if isinstance(images, (Iterable, keras.utils.PyDataset)) and not isinstance(images, str):
        return None, *_from_batches(images, max_images)
    raise ValueError(
        "`images` must be an array, a list of arrays, a dict of name to array, a dict or tuple "
        "of batches like the model's inputs, or an iterable of (images, labels) batches. "
        f"Received: images={_describe(images)}"
    )


def _texts_as_arrays(images: Any) -> Any:
    """The same with each list of texts among the inputs as an array, which is no structure."""
    if isinstance(images, Mapping):
        return {name: _texts_as_arrays(part) for name, part in images.items()}
    if isinstance(images, (list, tuple)) and images:
        if all(isinstance(part, (str, bytes)) for part in images):
            return label_array(images)
        if isinstance(images, tuple):
            return tuple(map(_texts_as_arrays, images))
    return images


def _are_inputs(images: Any) -> bool:
    """Whether these are the batches of several inputs, and not single images."""
    return any(len(np.shape(part)) > 3 for part in keras.tree.flatten(images))


def _displayed(parts: Inputs) -> NDArray[Any]:
    """The part of the model's inputs that people see: the first that holds images."""
    arrays: list[NDArray[Any]] = keras.tree.flatten(parts)
    place = image_place([array.shape for array in arrays])
    if place is not None:
        return arrays[place]
    shapes = ", ".join(str(array.shape) for array in arrays)
    raise ValueError(
        f"`images` must have the shape (batch, height, width, channels). Received: images of "
        f"shape {shapes}."
    )


def _from_batches(batches: Any, max_images: int | None) -> tuple[Inputs, Any]:
    if isinstance(batches, keras.utils.PyDataset):
        batches = map(batches.__getitem__, range(len(batches)))
    found: list[Inputs] = []
    labels: list[NDArray[Any]] = []
    count = 0
    # A dataset may be endless.
    for batch in itertools.islice(batches, max_images):
        parts = batch if isinstance(batch, (list, tuple)) else (batch,)
        inputs = keras.tree.map_structure(_numpy, _texts_as_arrays(parts[0]))
        given = label_array(parts[1]) if len(parts) > 1 and is_one_array(parts[1]) else None
        if _is_one_image(inputs, given):
            inputs = keras.tree.map_structure(lambda part: part[None], inputs)
            given = None if given is None else given[None]
        found.append(inputs)
        if given is not None and given.ndim:
            labels.append(given)
        count += len(keras.tree.flatten(inputs)[0])
        if max_images is not None and count >= max_images:
            break
    if not found:
        return np.zeros((0, 0, 0, 0), np.float32), None
    together = np.concatenate(labels)[:max_images] if len(labels) == len(found) else None
    joined = keras.tree.map_structure(lambda *each: _join(each)[:max_images], *found)
    return joined, together


def _is_one_image(inputs: Inputs, label: NDArray[Any] | None) -> bool:
    """Whether an element of a dataset is one image, because the dataset was not batched.

    Without a label, and with as many labels as rows, an image looks like a batch of signals.
    """
    ranks = [part.ndim for part in keras.tree.flatten(inputs)]
    if max(ranks, default=3) < 3 or (label is not None and label.ndim == 0):
        return True
    return (
        label is not None
        and label.ndim == 1
        and max(ranks) == 3
        and all(len(label) != len(part) for part in keras.tree.flatten(inputs) if part.ndim)
    )


def _holds_numbers(part: NDArray[Any]) -> bool:
    return np.issubdtype(part.dtype, np.number) or part.dtype == bool


def _stack(images: Sequence[Any]) -> NDArray[Any]:
    arrays = [_numpy(image)[None] for image in images]
    return _join(arrays) if arrays else np.zeros((0, 0, 0, 0), np.float32)


def _join(batches: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Batches as one.

    Raises:
        ValueError: They hold images of different shapes.
    """
    shapes = {batch.shape[1:] for batch in batches}
    if len(shapes) > 1:
        raise ValueError(
            "`images` must all have one shape, since they pass the model as one batch. "
            f"Received: images of shapes {', '.join(map(str, sorted(shapes)))}"
        )
    return np.concatenate(batches)


def _as_input(part: Any) -> NDArray[Any]:
    array = _numpy(part)
    # NumPy makes double precision where a GPU is meant to take single.
    return array.astype(np.float32) if array.dtype in (np.float64, np.float16) else array


def _labels_of_batches(
    labels: Any, number: int, class_names: Sequence[str] | None
) -> NDArray[np.int32] | None:
    """The labels that came with the images, where they are classes and not, say, boxes."""
    if labels is None:
        return None
    try:
        return class_indices(labels, number, class_names)
    except ValueError as error:
        logger.info("The labels of the held-out images are not shown: %s", error)
        return None


def _rows(images: Any) -> list[Any] | None:
    """The images in a ragged tensor of TensorFlow; None where it is none."""
    tensorflow = sys.modules.get("tensorflow")  # not loaded: there is none
    if tensorflow is None or not isinstance(images, tensorflow.RaggedTensor):
        return None
    return [row.to_tensor() if _rows(row) is not None else row for row in images]


def _numpy(array: Any) -> NDArray[Any]:
    rows = _rows(array)
    if rows is not None:
        return _stack(rows)
    if isinstance(array, np.ndarray) and array.dtype.kind == "U":
        return array
    converted: NDArray[Any] = keras.ops.convert_to_numpy(array)
    # Texts, which may be bytes, or objects of Python.
    return label_array(converted) if converted.dtype.kind in "OS" else converted


def _check_number(part: NDArray[Any], number: int, argument: str) -> None:
    if part.ndim == 0 or len(part) != number:
        raise ValueError(
            f"`{argument}` must give one input for each image. "
            f"Received: {number} images, inputs of shape {part.shape}"
        )


def _way_out(parts: Sequence[NDArray[Any]], wanted: Sequence[tuple[int | None, ...]]) -> str:
    if len(parts) != len(wanted):
        return "Pass a dict or tuple like the model's inputs."
    if len(parts) == 1 and parts[0].ndim == len(wanted[0]) - 1:
        return (
            "One image alone is images[None]; of a dataset of single images, pass dataset.batch(8)."
        )
    return "Resize them, or map them by `preprocess`."


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
