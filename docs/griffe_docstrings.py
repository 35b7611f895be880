"""What the reference pages show that Griffe does not find in the source by itself."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Reads "Example:" in a docstring as the section that Griffe knows as "Examples:"."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Renames the section of one function or class."""
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")


class SharedOptions(griffe.Extension):
    """Shows the options of `with_options`, which Python adds when a module is imported.

    Defaults and descriptions are those of the imported object, so that a page shows what ``help``
    shows. The types are read from the `TypedDict` in the source, where they are shortest.
    """

    def on_function(self, *, func: griffe.Function, loader: griffe.GriffeLoader, **_: Any) -> None:
        """Replaces the ``**options`` of one function."""
        if not func.parameters or "Unpack[" not in str(list(func.parameters)[-1].annotation):
            return
        *own, rest = func.parameters
        kind = loader.modules_collection[rest.annotation.slice.canonical_path]
        types = {
            name: attribute.annotation.slice.elements[0]
            for name, attribute in kind.all_members.items()
            if attribute.is_attribute and attribute.annotation is not None
        }
        owner = func.parent if func.name == "__init__" else func
        real = _imported(owner)
        signature = inspect.signature(real)
        names = {parameter.name for parameter in own}
        shared = [
            griffe.Parameter(
                name,
                annotation=types[name],
                kind=griffe.ParameterKind.keyword_only,
                default=repr(parameter.default),
            )
            for name, parameter in signature.parameters.items()
            if name not in names
        ]
        func.parameters = griffe.Parameters(*own, *shared)
        owner.docstring.value = inspect.getdoc(real)


def _imported(obj: griffe.Object) -> Any:
    found = importlib.import_module(obj.module.path)
    for name in obj.path.removeprefix(f"{obj.module.path}.").split("."):
        found = getattr(found, name)
    return found
