"""JSON of dataclasses, and checks of JSON that anybody may have written. Standard library only."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing

UNKNOWN = math.nan

_MOST_CLASSES = 1 << 31
_EXACT_IN_FLOATS = 1 << 53

_type_hints = functools.cache(typing.get_type_hints)


def encode(content: typing.Any) -> bytes:
    """Compact JSON in UTF-8. Of dataclasses, the fields at their defaults are left out.

    Raises:
        ValueError: A number is not finite.
    """
    # A lone surrogate in a name must not cost the picture.
    return _encoder().encode(content).encode(errors="replace")


def changed_fields(value: typing.Any) -> dict[str, typing.Any]:
    """The fields of a dataclass that are not at their defaults."""
    kind: typing.Any = type(value)
    defaults = _defaults(kind)
    items = vars(value).items()
    return {k: v for k, v in items if v is not defaults[k] and v != defaults[k]}


def build(kind: typing.Any, value: typing.Any) -> typing.Any:
    """The dataclass or tuple that was encoded; fields that the dataclass has not are left out.

    Args:
        kind: Its type.
        value: The decoded JSON.

    Raises:
        TypeError: A value is not of the type of its field, or one is missing.
    """
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        (kind,) = (arm for arm in typing.get_args(kind) if arm is not type(None))
        return build(kind, value)
    if origin is typing.Literal:
        if value not in typing.get_args(kind):
            raise TypeError(f"one of {typing.get_args(kind)} was expected, not {value!r:.80}")
        return value
    if origin is tuple:
        items = typing.get_args(kind)
        if not isinstance(value, list):
            raise TypeError(f"a list was expected, not {value!r:.80}")
        if items[-1] is not Ellipsis and len(items) != len(value):
            raise TypeError(f"{len(items)} values were expected, not {value!r:.80}")
        if _exact_types(items[0]).issuperset(map(type, value)):
            return tuple(value)  # a table may have very many numbers
        return tuple(build(items[0], v) for v in value)
    if origin is dict:
        _, item = typing.get_args(kind)
        if not isinstance(value, dict):
            raise TypeError(f"an object was expected, not {value!r:.80}")
        return {str(k): build(item, v) for k, v in value.items()}
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise TypeError(f"an object was expected, not {value!r:.80}")
        make: typing.Any = kind
        hints = _type_hints(make)
        return make(**{k: build(hints[k], v) for k, v in value.items() if k in hints})
    if kind is float and isinstance(value, int):
        return float(value)
    if not isinstance(value, kind):
        raise TypeError(f"{kind.__name__} was expected, not {value!r:.80}")
    return value


def checked_layer(value: typing.Any) -> dict[str, typing.Any] | None:
    """A layer's path, class name, index and shape; None where it has no path."""
    if not isinstance(value, dict) or not isinstance(value.get("path"), str):
        return None
    shape = value.get("shape")
    return {
        "path": value["path"],
        "class_name": text(value.get("class_name")) or "",
        "index": integer(value.get("index"), 0),
        "shape": [integer(n, 0) for n in shape] if isinstance(shape, list) else [],
    }


def checked_score(value: typing.Any) -> dict[str, typing.Any] | None:
    """A class with an index and a name; None where it has no index that a class can have."""
    if not isinstance(value, dict):
        return None
    index = integer(value.get("index"), None)
    if index is None or not 0 <= index < _MOST_CLASSES:
        return None
    return {**value, "index": index, "name": text(value.get("name")) or str(index)}


def checked_measures(value: typing.Any) -> dict[str, float]:
    """Numbers by name, without those that are none or not finite."""
    if not isinstance(value, dict):
        return {}
    return {k: known for k, v in value.items() if (known := number(v)) == known}


def text(value: typing.Any) -> str | None:
    """The value if it is text."""
    return value if isinstance(value, str) else None


@typing.overload
def integer(value: typing.Any, default: int) -> int: ...
@typing.overload
def integer(value: typing.Any, default: None) -> int | None: ...
def integer(value: typing.Any, default: int | None) -> int | None:
    """The value if it is an integer that a float can hold, else the default."""
    return value if type(value) is int and abs(value) < _EXACT_IN_FLOATS else default


def number(value: typing.Any) -> float:
    """The value as a float; NaN where it is no number, or not finite."""
    if type(value) in (int, float) and abs(value) < 1e300:
        return float(value)
    return UNKNOWN


@functools.cache
def _encoder() -> json.JSONEncoder:
    return json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=changed_fields
    )


@functools.cache
def _exact_types(kind: typing.Any) -> frozenset[type]:
    """Types whose values need neither a check nor a conversion where this type is expected."""
    arms = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    plain = {float, int, str, bool, type(None)}
    return frozenset(arms) if plain.issuperset(arms) else frozenset()


@functools.cache
def _defaults(kind: typing.Any) -> dict[str, typing.Any]:
    """Default of each field of a dataclass by its name; `dataclasses.MISSING` where it has none.

    Raises:
        TypeError: It is no dataclass.
    """
    return {
        f.name: f.default if f.default_factory is dataclasses.MISSING else f.default_factory()
        for f in dataclasses.fields(kind)
    }
