"""Options that several functions or classes share, each declared and described once.

An option is a line of a `TypedDict`, with its type, its default and its description::

    class SizeOptions(TypedDict, total=False):
        \"""Options of all that has a size.\"""

        size: Annotated[int, Option(64, "Longer side, in pixels.")]


    @with_options(SizeOptions)
    def draw(image: Array, **options: Unpack[SizeOptions]) -> Picture: ...

``draw(image)`` then finds 64 in ``options["size"]``. Its signature and its docstring, and so
``help()``, editors and the reference pages, show ``size`` among its other arguments. The module
of the `TypedDict` must not postpone its annotations (``from __future__ import annotations``).
"""

from __future__ import annotations

import difflib
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ForwardRef, TypeVar, get_args

Options = TypeVar("Options")
Target = TypeVar("Target", bound=Callable[..., Any])

_INDENT = " " * 4
_WIDTH = 96


@dataclass(frozen=True)
class Option:
    """Default and description of an option, inside the ``Annotated`` that declares it.

    Attributes:
        default: Value where none is given.
        description: What the docstrings say of it.
    """

    default: Any
    description: str


@dataclass(frozen=True)
class Declared:
    """An option as its `TypedDict` declares it.

    Attributes:
        annotation: Type of its value.
        option: Default and description.
    """

    annotation: Any
    option: Option


def declared(kind: Callable[..., Any]) -> dict[str, Declared]:
    """The options of a `TypedDict` by name, in the order of their declaration.

    Raises:
        TypeError: A key has no `Option`.
    """
    found = {}
    for name, hint in kind.__annotations__.items():
        annotation, *metadata = get_args(hint)
        if isinstance(annotation, ForwardRef):
            annotation = annotation.__forward_arg__
        options = [each for each in metadata if isinstance(each, Option)]
        if len(options) != 1:
            raise TypeError(f"{kind.__name__} must give {name!r} one Option. Received: {hint}")
        found[name] = Declared(annotation, options[0])
    return found


def with_options(kind: Callable[..., Any], **defaults: Any) -> Callable[[Target], Target]:
    """Makes a function, or a class by its ``__init__``, take the options of a `TypedDict`.

    It has to take ``**options``, where it then finds every option, with the default of those that
    are not given. Its docstring gets the description of each option, and a class's that of each
    other argument that only a base class describes; what it describes itself stays as it is.

    Args:
        kind: The `TypedDict`.
        **defaults: Defaults that differ from the declared ones.

    Raises:
        TypeError: When it is called: an argument has an unknown name.
    """
    options = declared(kind)
    unknown = defaults.keys() - options.keys()
    if unknown:
        raise TypeError(f"{kind.__name__} declares no {', '.join(sorted(unknown))}.")
    values = {name: each.option.default for name, each in options.items()} | defaults

    def decorate(target: Target) -> Target:
        function = target.__init__ if isinstance(target, type) else target  # type: ignore[misc]
        signature = _merged(inspect.signature(function), options, values)
        names = list(signature.parameters)

        @functools.wraps(function)
        def complete(*args: Any, **given: Any) -> Any:
            for name in given:
                if name not in signature.parameters:
                    raise TypeError(_unexpected(function.__qualname__, name, names))
            return function(*args, **{**values, **given})

        vars(complete)["__signature__"] = signature
        described = target if isinstance(target, type) else complete
        if target.__doc__ is not None:
            others = _inherited(target) if isinstance(target, type) else {}
            others |= {n: _lines(n, each.option.description) for n, each in options.items()}
            described.__doc__ = _described(target.__doc__, names, others)
        if not isinstance(target, type):
            return complete  # type: ignore[return-value]
        setattr(target, "__init__", complete)  # noqa: B010 - mypy: it is no instance's
        return target

    return decorate


def part(kind: Callable[..., Options], options: Mapping[str, Any]) -> Options:
    """Those of the options that a `TypedDict` declares, to be passed on."""
    return kind(**{name: options[name] for name in declared(kind) if name in options})


def _merged(
    signature: inspect.Signature, options: Mapping[str, Declared], defaults: Mapping[str, Any]
) -> inspect.Signature:
    """A signature with the options in the place of ``**options``."""
    *own, rest = signature.parameters.values()
    if rest.kind is not inspect.Parameter.VAR_KEYWORD:
        raise TypeError(f"The last parameter must be **options. Received: {signature}")
    shared = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults[name],
            annotation=each.annotation,
        )
        for name, each in options.items()
    ]
    return signature.replace(parameters=[*own, *shared])


def _described(docstring: str, names: Iterable[str], others: Mapping[str, list[str]]) -> str:
    """A docstring whose "Args:" describe these arguments, in this order.

    Args:
        docstring: The docstring; it describes some of them itself.
        names: The arguments.
        others: Lines that describe the others, by argument.
    """
    before, own, after = _sections(docstring)
    lines = [line for name in names for line in own.get(name, others.get(name, []))]
    return "\n".join([*before, "Args:", *lines, *after])


def _sections(docstring: str) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Lines of a docstring before its "Args:", those of each argument, and lines after them."""
    lines = inspect.cleandoc(docstring).splitlines()
    if "Args:" not in lines:
        return [*lines, ""], {}, []
    begin = lines.index("Args:")
    arguments: dict[str, list[str]] = {}
    entry: list[str] = []
    end = begin + 1
    while end < len(lines) and lines[end].startswith(_INDENT):
        if not lines[end].startswith(_INDENT * 2):
            entry = arguments[lines[end].strip().partition(":")[0]] = []
        entry.append(lines[end])
        end += 1
    return lines[:begin], arguments, lines[end:]


def _inherited(target: type) -> dict[str, list[str]]:
    """Lines that describe the arguments of a class's bases."""
    found: dict[str, list[str]] = {}
    for base in reversed(target.__mro__[1:]):
        found |= _sections(base.__doc__ or "")[1]
    return found


def _lines(name: str, description: str) -> list[str]:
    return textwrap.wrap(
        f"{name}: {description}",
        _WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT * 2,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _unexpected(function: str, name: str, names: list[str]) -> str:
    message = f"{function}() got an unexpected keyword argument {name!r}."
    nearest = difflib.get_close_matches(name, names, n=1)
    return f"{message} Did you mean {nearest[0]!r}?" if nearest else message
