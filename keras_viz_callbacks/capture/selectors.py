"""Selectors: how a user names layers."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import keras

from keras_viz_callbacks.capture.layers import LayerCall

Selector: TypeAlias = "str | keras.layers.Layer | Iterable[str | keras.layers.Layer] | None"
"""A layer path, a name that is unique, a glob over either, a layer, a list of those, or None.

A path or name that is exactly the text wins over a glob, and a layer over a call of another one.
"""

_GLOB_CHARACTERS = frozenset("*?[")


def select(
    calls: Sequence[LayerCall],
    selector: Selector,
    *,
    globs_pick: Callable[[LayerCall], bool] = lambda call: call.is_spatial,
) -> list[LayerCall]:
    """The calls that a selector picks, in network order.

    Args:
        calls: All calls of a pass.
        selector: See `Selector`; None means every convolution.
        globs_pick: What a glob may pick of the calls that it matches.

    Raises:
        ValueError: A selector matches nothing or several layers, or the layer has no spatial
            maps.
    """
    if selector is None:
        picked = [c for c in calls if c.is_convolution and c.is_spatial]
        if not picked:
            raise ValueError(
                "`layers=None` picks every convolution, and the model has none. Name other "
                "layers with spatial maps by `layers`. "
                f"Received: layers=None. {_spatial_layers(calls)}"
            )
        return picked
    if isinstance(selector, (str, keras.layers.Layer)):
        selector = [selector]
    elif not isinstance(selector, Iterable):
        selector = [selector]  # refused below, with its name
    found: set[int] = set()
    empty = True
    for one in selector:
        empty = False
        found.update(c.index for c in _select_one(calls, one, globs_pick))
    if empty:
        raise ValueError(
            "`layers` must name at least one layer, or be None for every convolution. "
            "Received: layers=[]"
        )
    return [c for c in calls if c.index in found]


def one_call(calls: Sequence[LayerCall], layer: object) -> LayerCall:
    """The only call that was selected.

    Args:
        calls: The selected calls.
        layer: Value of the argument ``layer`` that selected them.

    Raises:
        ValueError: There are several.
    """
    if len(calls) > 1:
        raise ValueError(
            f"`layer` must pick one call of one layer. Received: layer={layer!r}, which picks "
            f"{', '.join(repr(call.path) for call in calls)}"
        )
    return calls[0]


def _select_one(
    calls: Sequence[LayerCall],
    selector: Any,
    globs_pick: Callable[[LayerCall], bool],
) -> list[LayerCall]:
    if isinstance(selector, keras.layers.Layer):
        picked = [c for c in calls if c.layer is selector]
        if not picked:
            raise ValueError(
                f"The layer {selector.name!r} given in `layers` is not called by this model. "
                f"Received: layers={selector!r}. {_spatial_layers(calls)}"
            )
    elif isinstance(selector, str):
        picked = _by_exact_name(calls, selector)
        if not picked and _GLOB_CHARACTERS.isdisjoint(selector):
            raise _unknown_name(calls, selector)
        if not picked:
            # A name in the pattern may hold brackets itself, as in `block[1]/*`.
            brackets_as_text = selector.replace("[", "[[]")
            matched = _by_glob(calls, selector) or _by_glob(calls, brackets_as_text)
            picked = [c for c in matched if globs_pick(c)]
            if not picked:
                what = "no layer" if not matched else "only layers that cannot be drawn"
                raise ValueError(
                    f"The pattern given in `layers` matches {what}. "
                    f"Received: layers={selector!r}. {_spatial_layers(calls)}"
                )
    else:
        raise ValueError(
            "`layers` must be a layer path, a unique name, a glob, a layer, a list of those, or "
            f"None. Received: layers={selector!r} (of type {type(selector).__name__})"
        )
    flat = [c for c in picked if not c.is_spatial]
    if flat:
        raise ValueError(
            f"The layer {flat[0].path!r} given in `layers` has no spatial maps: its output has "
            f"shape {_batch_shape(flat[0])} instead of (batch, height, width, channels). "
            f"{_way_out(flat[0])}Received: layers={selector!r}. {_spatial_layers(calls)}"
        )
    return picked


def _by_exact_name(calls: Sequence[LayerCall], name: str) -> list[LayerCall]:
    """What has exactly this path or, if it is the only one, this name; else nothing."""
    for call in calls:
        if call.path == name:
            # The path of a layer means each of its calls.
            return [call] if call.call else [c for c in calls if c.layer is call.layer]
    first_calls = [c for c in calls if c.call == 0 and name in (c.name, c.layer.name)]
    named = first_calls or [c for c in calls if c.name == name]
    if len(named) > 1:
        raise ValueError(
            f"The name given in `layers` belongs to {len(named)} layers; write the path of the "
            f"one you mean: {', '.join(repr(c.path) for c in named)}. Received: layers={name!r}"
        )
    return [c for c in calls if c.layer is named[0].layer] if first_calls else named


def _by_glob(calls: Sequence[LayerCall], pattern: str) -> list[LayerCall]:
    return [
        c
        for c in calls
        if fnmatch.fnmatchcase(c.path, pattern) or fnmatch.fnmatchcase(c.name, pattern)
    ]


def _unknown_name(calls: Sequence[LayerCall], name: str) -> ValueError:
    candidates = {text: c.path for c in calls for text in (c.name, c.path)}
    near = [candidates[m] for m in difflib.get_close_matches(name, candidates, n=5)]
    hint = (
        "The nearest are: " + ", ".join(repr(p) for p in dict.fromkeys(near)) + "."
        if near
        else _spatial_layers(calls)
    )
    return ValueError(
        f"No layer of the model has the name or path given in `layers`. {hint} "
        f"Received: layers={name!r}"
    )


def _spatial_layers(calls: Sequence[LayerCall]) -> str:
    paths = [repr(c.path) for c in calls if c.is_spatial]
    if not paths:
        return "The model has no layer with spatial maps."
    more = f", … ({len(paths)} in all)" if len(paths) > 12 else ""
    return f"Layers with spatial maps: {', '.join(paths[:12])}{more}."


def _way_out(call: LayerCall) -> str:
    if call.shape is None or len(call.shape) != 2:
        return ""
    return "Tokens that are no square are laid out by `tokens_to_grid=(height, width)`. "


def _batch_shape(call: LayerCall) -> str:
    if call.shape is None:
        return "of several tensors"
    return "(" + ", ".join(["batch", *map(str, call.shape)]) + ")"
