"""Reads "Example:" in a docstring as the section that Griffe knows as "Examples:"."""

from __future__ import annotations

from typing import Any

import griffe


class Examples(griffe.Extension):
    """An extension of Griffe, which mkdocstrings reads docstrings with."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Renames the section of one function or class."""
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")
