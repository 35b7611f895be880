"""Objectives: what a gradient ascent raises, by a score for each of its images.

An objective is a sum of weighted terms. Each is made by one function of this file, such as
`channel`, and says which layers it needs and how the score follows from what they return.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_viz_callbacks.capture.backend import Tensor
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.selectors import one_call, select
from keras_viz_callbacks.capture.survey import Survey

Items: TypeAlias = NDArray[np.int32]

DORMANT_SLOPE = 0.1
"""Slope of what is raised where a ReLU lets nothing through."""


class Score(NamedTuple):
    """The score of each image.

    Attributes:
        response: What is reported, ``(item,)``.
        raised: What the ascent raises, ``(item,)``; differs where the response has no gradient.
        gradient_scale: What to multiply the raised score with before its gradient is taken. The
            gradient of a mean over many places would vanish in half precision.
    """

    response: Tensor
    raised: Tensor
    gradient_scale: Tensor = 1.0


class LayerOutput(NamedTuple):
    """What one call of a layer computed in a pass, float32.

    Attributes:
        call: The layer's call.
        before: Its value before the activation function.
        after: Its value after it, which is what the layer returns.
    """

    call: LayerCall
    before: Tensor
    after: Tensor

    def channels(self, indices: Tensor) -> Score:
        """One channel of each image, as a score with maps ``(item, *places)``.

        Where a ReLU lets nothing through the response has no gradient. There the value before the
        ReLU is raised instead, with the slope `DORMANT_SLOPE`.

        Args:
            indices: Index of each image's channel, ``(item,)``.
        """
        before, after = (
            _picked(values, indices, self._channel_axis) for values in (self.before, self.after)
        )
        shut_out = ops.where(ops.equal(after, 0), before, 0.0)
        return Score(after, after + DORMANT_SLOPE * shut_out)

    @property
    def number_of_places(self) -> Tensor:
        """The number of values of a channel, float32."""
        sides = list(ops.shape(self.after))[1:]
        del sides[self._channel_axis - 1]
        return ops.cast(math.prod(sides), "float32")

    @property
    def _channel_axis(self) -> int:
        axis = -1 if self.call.layout is None else self.call.layout.channel_axis
        return axis % len(self.after.shape)


class ForwardPass(NamedTuple):
    """What a term of an objective is computed from.

    Attributes:
        images: Images as the parametrisation made them, ``(item, height, width, channels)``, from
            0 to 1.
        outputs: Outputs of the term's layers, in their order.
        items: Number of each image's item, ``(item,)``, such as a filter's index.
    """

    images: Tensor
    outputs: Sequence[LayerOutput]
    items: Tensor


def one_item(calls: Sequence[LayerCall]) -> Items:
    """The only item of a term that scores all images alike."""
    return np.zeros(1, np.int32)


@dataclass(frozen=True)
class Term:
    """One part of an objective.

    Attributes:
        layers: Layers that are needed, each by path, unique name, layer or call.
        score: The score of each image, ``(item,)``, or a `Score`, in `keras.ops`.
        items: From the calls of the layers to the numbers of the items, ``(item,)``. Each item has
            an image of its own. Its length is 1 where all images are scored alike.
        noun: What an item is, such as ``"filter"``; None for a term that scores all images alike.
        weight: Factor of the score.
    """

    layers: tuple[str | keras.layers.Layer | LayerCall, ...]
    score: Callable[[ForwardPass], Tensor | Score]
    items: Callable[[Sequence[LayerCall]], Items] = one_item
    noun: str | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Objective:
    """What a gradient ascent raises: ``channel("conv3", [4, 7]) + 0.5 * channel("conv2", [1])``.

    Attributes:
        terms: The parts of the sum.
    """

    terms: tuple[Term, ...]

    def __add__(self, other: Objective) -> Objective:
        if not isinstance(other, Objective):
            return NotImplemented
        return Objective(self.terms + other.terms)

    def __mul__(self, factor: float) -> Objective:
        if not isinstance(factor, (int, float, np.integer, np.floating)):
            return NotImplemented
        weighted = (replace(term, weight=term.weight * float(factor)) for term in self.terms)
        return Objective(tuple(weighted))

    __rmul__ = __mul__


def channel(
    layer: str | keras.layers.Layer | LayerCall, filters: int | Iterable[int] = 8
) -> Objective:
    """The mean response of filters of a layer, over all places.

    Erhan et al. 2009, "Visualizing higher-layer features of a deep network".

    Args:
        layer: Layer path, unique name, or layer.
        filters: How many filters, from the first; or a list of their indices.
    """

    def score(seen: ForwardPass) -> Score:
        (output,) = seen.outputs
        maps = output.channels(seen.items)
        return Score(_mean(maps.response), _mean(maps.raised), output.number_of_places)

    return over_filters(layer, filters, score)


def over_filters(
    layer: str | keras.layers.Layer | LayerCall,
    filters: int | Iterable[int],
    score: Callable[[ForwardPass], Tensor | Score],
) -> Objective:
    """An objective whose items are filters of a layer.

    Args:
        layer: Layer path, unique name, or layer.
        filters: How many filters, from the first; or a list of their indices.
        score: The score of each image; `ForwardPass.items` are the filters' indices.
    """
    return Objective(
        (Term((layer,), score, lambda calls: pick_filters(calls[0], filters), noun="filter"),)
    )


@dataclass(frozen=True)
class ResolvedObjective:
    """An objective for the layers of one model.

    Attributes:
        objective: The objective.
        calls: Calls that each term needs.
        term_items: Items of each term, ``(item,)`` all of them.
        main: Place of the term that names the items.
    """

    objective: Objective
    calls: tuple[tuple[LayerCall, ...], ...]
    term_items: tuple[Items, ...]
    main: int

    @property
    def call(self) -> LayerCall:
        """The call whose items have a picture each."""
        return self.calls[self.main][0]

    @property
    def items(self) -> Items:
        """Number of each item, ``(item,)``."""
        return self.term_items[self.main]

    @property
    def noun(self) -> str:
        """What an item is, such as ``"filter"``."""
        return self.objective.terms[self.main].noun or "item"

    @property
    def all_calls(self) -> list[LayerCall]:
        """Each call that a term needs, once, in network order."""
        found = {call.index: call for calls in self.calls for call in calls}
        return [found[index] for index in sorted(found)]

    def score(
        self, images: Tensor, outputs: Mapping[str, LayerOutput], term_items: Sequence[Tensor]
    ) -> Score:
        """The score of each image.

        Args:
            images: Images, ``(item, height, width, channels)``, from 0 to 1.
            outputs: Outputs of the calls by layer path.
            term_items: Items of each term, ``(item,)``.
        """
        response = raised = ops.zeros((ops.shape(images)[0],), "float32")
        scale: Tensor = 1.0
        for term, calls, items in zip(self.objective.terms, self.calls, term_items, strict=True):
            found = term.score(ForwardPass(images, [outputs[call.path] for call in calls], items))
            if not isinstance(found, Score):
                found = Score(found, found)
            response = response + term.weight * found.response
            raised = raised + term.weight * found.raised
            scale = ops.maximum(scale, found.gradient_scale)
        return Score(response, raised, scale)


def resolve_objective(objective: Objective, survey: Survey) -> ResolvedObjective:
    """Finds an objective's layers and items in a model.

    Raises:
        ValueError: A layer is unknown, ambiguous or not spatial, has no such item, no term needs a
            layer, or the terms have different numbers of items.
    """
    calls = tuple(
        tuple(_call_of(survey, layer) for layer in term.layers) for term in objective.terms
    )
    items = [
        np.asarray(term.items(found), np.int32)
        for term, found in zip(objective.terms, calls, strict=True)
    ]
    named = [place for place, term in enumerate(objective.terms) if term.noun and term.layers]
    if not named:
        raise ValueError(
            "An objective must have a term over a layer, such as `channel(layer, filters)`. "
            f"Received: an objective of {len(objective.terms)} terms without any"
        )
    number = max(map(len, items))
    if any(len(found) not in (1, number) for found in items):
        counts = " + ".join(str(len(found)) for found in items)
        raise ValueError(
            "The terms of an objective must have as many items as each other, or one. "
            f"Received: terms with {counts} items"
        )
    main = next((place for place in named if len(items[place]) == number), named[0])
    spread = tuple(np.broadcast_to(found, number).copy() for found in items)
    return ResolvedObjective(objective, calls, spread, main)


def pick_filters(call: LayerCall, filters: int | Iterable[int]) -> Items:
    """Filter indices of a layer.

    Args:
        call: The layer.
        filters: How many, from the first; or their indices.

    Raises:
        ValueError: An index is out of range, or there is none.
    """
    channels = call.channels or 0
    if isinstance(filters, (int, np.integer)):
        if filters < 1:
            raise ValueError(f"`filters` must be at least 1. Received: filters={filters!r}")
        return np.arange(min(int(filters), channels), dtype=np.int32)
    indices = np.asarray(list(filters))
    if not len(indices) or indices.dtype.kind not in "iu":
        raise ValueError(
            "`filters` must be a number of filters or a list of filter indices. "
            f"Received: filters={filters!r}"
        )
    return np.array([check_filter(call, int(i), "filters") for i in indices], np.int32)


def check_filter(call: LayerCall, index: int, argument: str) -> int:
    """The index, if the layer has that filter; a ValueError if not."""
    channels = call.channels or 0
    if not 0 <= index < channels:
        raise ValueError(
            f"`{argument}` must be below the number of filters of layer {call.path!r}, "
            f"{channels}, and not negative. Received: {argument}={index}"
        )
    return index


def _call_of(survey: Survey, layer: str | keras.layers.Layer | LayerCall) -> LayerCall:
    if isinstance(layer, LayerCall):
        return layer
    return one_call(select(survey.calls, layer), layer)


def _mean(values: Tensor) -> Tensor:
    """The mean over all places, ``(item,)``."""
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def _picked(maps: Tensor, indices: Tensor, axis: int) -> Tensor:
    """One channel of each image, ``(item, *places)``."""
    rank = len(maps.shape)
    numbers = ops.reshape(
        ops.arange(maps.shape[axis], dtype="int32"), [-1 if a == axis else 1 for a in range(rank)]
    )
    chosen = ops.equal(numbers, ops.reshape(indices, [-1] + [1] * (rank - 1)))
    # A product with a mask would make NaN of an infinite other channel.
    return ops.sum(ops.where(chosen, maps, 0.0), axis=axis)
