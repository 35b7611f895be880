"""True classes of held-out images and names of classes, from the forms that users have them in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

ClassNames: TypeAlias = "Iterable[str] | Mapping[str, int] | Mapping[int, str] | None"
"""A name for each class in order, ``{name: index}`` as Keras' generators have it, or
``{index: name}``."""

_NUMBERS = "biuf"
"""Kinds of NumPy's types that class indices and one-hot rows have."""


def ordered_names(class_names: ClassNames) -> tuple[str, ...] | None:
    """The name of each class, in the order of the classes.

    Raises:
        ValueError: A dict leaves a class without a name, or gives it two; or it is one text.
    """
    if class_names is None:
        return None
    if isinstance(class_names, (str, bytes)):
        raise ValueError(
            "`class_names` must be a list of names, or a dict of name to index. "
            f"Received: class_names={class_names!r}"
        )
    if not isinstance(class_names, Mapping):
        return tuple(map(_text, class_names))
    names = {
        int(index): _text(name)
        for name, index in (
            pair if _is_index(pair[1]) else pair[::-1] for pair in class_names.items()
        )
        if _is_index(index)
    }
    if len(names) < len(class_names) or sorted(names) != list(range(len(names))):
        raise ValueError(
            "`class_names` given as a dict must have each index from 0 on once, as {name: index} "
            f"or {{index: name}}. Received: class_names={dict(class_names)}"
        )
    return tuple(names[index] for index in range(len(names)))


def is_one_array(labels: Any) -> bool:
    """Whether the labels of a batch are one array, tensor, number, text, or list of texts.

    Others, such as a dict of boxes and classes, are no classes of whole images.
    """
    if isinstance(labels, (list, tuple)):
        return bool(labels) and all(isinstance(label, (str, bytes)) for label in labels)
    return labels is not None and not isinstance(labels, Mapping)


def label_array(labels: Any) -> NDArray[Any]:
    """Labels as an array of numbers, or of ``str`` where they are texts.

    Args:
        labels: An array, a tensor, a list, or a column of a table. Texts may be bytes.
    """
    if keras.ops.is_tensor(labels):
        labels = keras.ops.convert_to_numpy(labels)
    array = np.asarray(labels)
    if array.dtype.kind == "O" and not array.ndim and isinstance(array.item(), (str, bytes)):
        array = np.asarray(array.item())
    if array.dtype.kind == "O" and array.ndim:
        # Columns of tables, and tensors of texts, hold objects of Python.
        values = [_text(v) if isinstance(v, bytes) else v for v in array.ravel().tolist()]
        try:
            array = np.array(values).reshape(*array.shape, *np.shape(values)[1:])
        except ValueError:
            return array  # objects of several shapes, which no rule for labels takes
    return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array


def class_indices(labels: Any, number: int, class_names: Sequence[str] | None) -> NDArray[np.int32]:
    """The class of each image.

    Args:
        labels: Class indices, one-hot rows, or names of classes; see `label_array`.
        number: Number of images.
        class_names: Name of each class in order, for labels that are names.

    Raises:
        ValueError: They are none of those, or of another number.
    """
    array = label_array(labels)
    if array.ndim == 0 or len(array) != number:
        raise ValueError(
            f"`labels` must hold one class for each of the {number} images. "
            f"Received: labels of shape {array.shape}"
        )
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 1 and array.dtype.kind in "UT":
        known = list(class_names if class_names is not None else ())
        unknown = [str(label) for label in array if str(label) not in known]
        if unknown:
            raise ValueError(
                "`labels` given as text must be names in `class_names`. "
                f"Received: labels with {unknown[0]!r}, class_names={known}"
            )
        return np.array([known.index(str(label)) for label in array], np.int32)
    if array.ndim == 2 and array.dtype.kind in _NUMBERS:
        array = array.argmax(axis=1)
    if array.ndim != 1 or array.dtype.kind not in _NUMBERS or np.any(array != np.round(array)):
        raise ValueError(
            "`labels` must be class indices or one-hot rows. "
            f"Received: labels of shape {array.shape} and dtype {array.dtype}"
        )
    return array.astype(np.int32)


def _is_index(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
