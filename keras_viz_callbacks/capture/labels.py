"""True classes of held-out images and names of classes, from the forms that users have them in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

ClassNames: TypeAlias = "Iterable[str] | Mapping[str, int] | Mapping[int, str] | None"
"""A name for each class in order, ``{name: index}`` as Keras' generators have it, or
``{index: name}``."""


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


def _is_index(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
