"""Variants by name: what the argument of a callback or function may be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, MutableMapping
from typing import Generic, TypeVar

Variant = TypeVar("Variant")


class Registry(MutableMapping[str, Variant], Generic[Variant]):
    """Variants of one kind by name, in the order of their registration.

    Args:
        argument: Name of the argument that picks one, for messages.
    """

    def __init__(self, argument: str) -> None:
        self.argument = argument
        self._variants: dict[str, Variant] = {}

    def find(self, name: str) -> Variant:
        """The variant of this name.

        Raises:
            ValueError: There is none.
        """
        if name not in self._variants:
            raise ValueError(
                f"`{self.argument}` must be one of {', '.join(map(repr, self._variants))}. "
                f"Received: {self.argument}={name!r}"
            )
        return self._variants[name]

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """Forgets, at the end of the context, what was registered inside it."""
        before = dict(self._variants)
        try:
            yield
        finally:
            self._variants = before

    def __getitem__(self, name: str) -> Variant:
        return self._variants[name]

    def __setitem__(self, name: str, variant: Variant) -> None:
        self._variants[name] = variant

    def __delitem__(self, name: str) -> None:
        del self._variants[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variants)

    def __len__(self) -> int:
        return len(self._variants)


def title_of(name: str) -> str:
    """A title for a variant that was given none: ``"my_cam"`` becomes ``"My cam"``."""
    return name.replace("_", " ").capitalize()
