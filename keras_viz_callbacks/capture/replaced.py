"""An attribute of an object replaced while a context lasts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

_MISSING = object()


@contextlib.contextmanager
def replaced(target: object, name: str, value: Any) -> Iterator[None]:
    """Replaces an attribute past Keras' attribute tracking, and puts it back in the end."""
    before = vars(target).get(name, _MISSING)
    object.__setattr__(target, name, value)
    try:
        yield
    finally:
        if before is _MISSING:
            object.__delattr__(target, name)
        else:
            object.__setattr__(target, name, before)
