"""Layer paths, and the selectors that pick layers by them."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras

Selector: TypeAlias = "str | keras.layers.Layer | Iterable[str | keras.layers.Layer] | None"
"""A layer path, a name that is unique, a glob over either, a layer, a list of those, or None."""

CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)

_GLOB_CHARACTERS = frozenset("*?[")


@dataclass(frozen=True, eq=False)
class LayerCall:
    """One call of one layer in a forward pass.

    Attributes:
        path: Names from the model down to the layer joined by ``/``, with ``:1``, ``:2``, …
            behind it for its second, third, … call in a pass.
        layer: The layer.
        call: Number of this call among those of the layer, from 0.
        index: Place in the network, in the order in which layers answer.
        shape: Of the output without the batch axis, sizes that are not known being None;
            None altogether where the output is not one tensor.
        is_output: The output is one of the model's own.
    """

    path: str
    layer: keras.layers.Layer
    call: int
    index: int
    shape: tuple[int | None, ...] | None
    is_output: bool = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def is_spatial(self) -> bool:
        """Whether the output is one map a channel: ``(height, width, channels)``."""
        return self.shape is not None and len(self.shape) == 3

    @property
    def is_one_pixel(self) -> bool:
        """Whether its maps are known to be of one pixel."""
        sides = (self.shape or ())[1:] if self.channels_first else (self.shape or ())[:-1]
        return bool(sides) and all(side == 1 for side in sides)

    @property
    def is_convolution(self) -> bool:
        """Whether the layer convolves."""
        return isinstance(self.layer, CONVOLUTIONS)

    @property
    def channels_first(self) -> bool:
        """Whether the layer puts channels before height and width."""
        return getattr(self.layer, "data_format", None) == "channels_first"

    @property
    def channels(self) -> int | None:
        """How many channels its output has."""
        if not self.shape:
            return None
        return self.shape[0] if self.channels_first else self.shape[-1]


@dataclass(frozen=True)
class Survey:
    """What one traced forward pass tells of a model, without running it.

    Attributes:
        calls: Every call of every layer, in network order.
        output_shapes: Shape of each of the model's outputs, without the batch axis.
    """

    calls: Sequence[LayerCall]
    output_shapes: Sequence[tuple[int | None, ...]]

    @property
    def outputs(self) -> list[LayerCall]:
        """The calls whose output is one of the model's own."""
        return [call for call in self.calls if call.is_output]

    @property
    def classes(self) -> int | None:
        """How many classes the model tells apart; None where its output is no class."""
        units = next((shape[0] for shape in self.output_shapes if len(shape) == 1), None)
        return 2 if units == 1 else units


def layer_paths(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Every layer below a model by its path, parents before children.

    Built by walking, since ``layer.path`` depends on what Keras built first. A layer that
    stands in several places keeps the first path; siblings of one name are told apart by
    ``_1``, ``_2``, ….
    """
    paths: dict[str, keras.layers.Layer] = {}
    seen = {id(model)}

    def walk(parent: keras.layers.Layer, prefix: str) -> None:
        for layer in _children(parent):
            if id(layer) in seen or isinstance(layer, keras.layers.InputLayer):
                continue
            seen.add(id(layer))
            path, number = prefix + layer.name, 0
            while path in paths:
                number += 1
                path = f"{prefix}{layer.name}_{number}"
            paths[path] = layer
            walk(layer, path + "/")

    walk(model, "")
    return paths


def _children(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    if isinstance(layer, keras.Model):
        return list(layer.layers)
    # Composite layers have no public list of theirs.
    return list(layer._flatten_layers(include_self=False, recursive=False))


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
        ValueError: Nothing answers to a selector, several layers do, or the layer has no
            spatial maps.
    """
    if selector is None:
        picked = [c for c in calls if c.is_convolution and c.is_spatial]
        if not picked:
            raise ValueError(
                "`layers=None` picks every convolution, and the model has none with an output of "
                "shape (batch, height, width, channels). Name other spatial layers by `layers`. "
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
        if _GLOB_CHARACTERS.isdisjoint(selector):
            picked = _by_name(calls, selector)
        else:
            matched = [
                c
                for c in calls
                if fnmatch.fnmatchcase(c.path, selector) or fnmatch.fnmatchcase(c.name, selector)
            ]
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
            f"Received: layers={selector!r}. {_spatial_layers(calls)}"
        )
    return picked


def _by_name(calls: Sequence[LayerCall], name: str) -> list[LayerCall]:
    by_path = [c for c in calls if c.path == name]
    if by_path:
        # The plain path means the layer, and so each of its calls.
        return [c for c in calls if c.layer is by_path[0].layer] if ":" not in name else by_path
    by_name = [c for c in calls if c.name == name or c.layer.name == name]
    layers = {id(c.layer): c.path for c in by_name if c.call == 0}
    if len(layers) > 1:
        raise ValueError(
            f"The name given in `layers` belongs to {len(layers)} layers; write the path of the "
            f"one you mean: {', '.join(map(repr, layers.values()))}. Received: layers={name!r}"
        )
    if not by_name:
        candidates = {text: c.path for c in calls for text in (c.name, c.path)}
        near = [candidates[m] for m in difflib.get_close_matches(name, candidates, n=5)]
        hint = (
            "The nearest are: " + ", ".join(repr(p) for p in dict.fromkeys(near)) + "."
            if near
            else _spatial_layers(calls)
        )
        raise ValueError(
            f"No layer of the model has the name or path given in `layers`. {hint} "
            f"Received: layers={name!r}"
        )
    return by_name


def _spatial_layers(calls: Sequence[LayerCall]) -> str:
    paths = [repr(c.path) for c in calls if c.is_spatial]
    if not paths:
        return "The model has no layer with spatial maps."
    more = f", … ({len(paths)} in all)" if len(paths) > 12 else ""
    return f"Layers with spatial maps: {', '.join(paths[:12])}{more}."


def _batch_shape(call: LayerCall) -> str:
    if call.shape is None:
        return "of several tensors"
    return "(" + ", ".join(["batch", *map(str, call.shape)]) + ")"
