"""Layer paths, and the selectors that pick layers by them."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras

from keras_viz_callbacks.capture.layout import Layout

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

_CLOSED = (
    keras.layers.RNN,
    keras.layers.TimeDistributed,
    keras.layers.MultiHeadAttention,
    keras.layers.GroupQueryAttention,
)
"""Layers whose parts have no maps: they answer once a time step, or with an axis of heads."""

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
        layout: Which of its axes are places and which are channels; None where it has no maps.
    """

    path: str
    layer: keras.layers.Layer
    call: int
    index: int
    shape: tuple[int | None, ...] | None
    layout: Layout | None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def is_spatial(self) -> bool:
        """Whether the output is one map a channel."""
        return self.layout is not None

    @property
    def is_one_pixel(self) -> bool:
        """Whether its maps are known to be of one pixel."""
        return self.layout is not None and all(side == 1 for side in self.layout.places)

    @property
    def is_convolution(self) -> bool:
        """Whether the layer convolves, be it once a time step."""
        layer = self.layer
        while isinstance(layer, keras.layers.TimeDistributed):
            layer = layer.layer
        return isinstance(layer, CONVOLUTIONS)

    @property
    def channels(self) -> int | None:
        """How many channels its output has."""
        return None if self.layout is None else self.layout.channels


@dataclass(frozen=True)
class Output:
    """One of a model's outputs.

    Attributes:
        name: Its key where the model returns a dict, or the name that a functional model has for
            it, or its number.
        shape: Without the batch axis.
        kind: ``"softmax"``, ``"sigmoid"`` or ``"logits"`` where it tells classes apart,
            ``"regression"`` where the loss says so, ``"unknown"`` where only the values can tell;
            None where it is not of the shape ``(batch, units)``.
        has_logits: What stood before its softmax or sigmoid can be read.
    """

    name: str
    shape: tuple[int | None, ...]
    kind: str | None
    has_logits: bool

    @property
    def classes(self) -> int | None:
        """How many classes it tells apart; None where it is not a class."""
        if self.kind in (None, "regression"):
            return None
        units = self.shape[0]
        return 2 if units == 1 else units


@dataclass(frozen=True)
class Survey:
    """What one traced forward pass tells of a model, without running it.

    Attributes:
        calls: Every call of every layer, in network order.
        outputs: Each of the model's outputs.
        channels_first: The model puts channels before places.
    """

    calls: Sequence[LayerCall]
    outputs: Sequence[Output]
    channels_first: bool


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
    if isinstance(layer, _CLOSED):
        return []
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
            f"{_way_out(flat[0])}Received: layers={selector!r}. {_spatial_layers(calls)}"
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


def _way_out(call: LayerCall) -> str:
    if call.shape is None or len(call.shape) != 2:
        return ""
    return "Tokens that are no square are laid out by `tokens_to_grid=(height, width)`. "


def _batch_shape(call: LayerCall) -> str:
    if call.shape is None:
        return "of several tensors"
    return "(" + ", ".join(["batch", *map(str, call.shape)]) + ")"
