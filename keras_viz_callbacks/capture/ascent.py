"""Gradient ascent in input space: which image size and value range, which start, which filters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_viz_callbacks.capture.backend import Tensor, backend
from keras_viz_callbacks.capture.inputs import SIZE, guess_value_range, image_input
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.survey import Survey
from keras_viz_callbacks.capture.tap import any_input_size, collect_around_activation

Array = NDArray[np.float32]

DORMANT_SLOPE = 0.1

logger = logging.getLogger(__name__)

STEPS = 20
LEARNING_RATE = 0.12
MARGIN = 4
"""Pixels that climb around a pattern and are cut off: filters answer to the zeros beyond the edge
too, and the bright lines that grow there would take the contrast from the rest."""

NOISE = 0.02
"""Spread of the noise on the grey start image, as a share of the value range."""


@dataclass(frozen=True)
class AscentSignals:
    """Where a gradient ascent in input space ended, by filter.

    Attributes:
        images: ``(filter, height, width, channels)``, in the model's input range.
        start: Mean response of each filter to its first image, ``(filter,)``.
        response: And to its last.
    """

    images: Array
    start: Array
    response: Array


@dataclass(frozen=True)
class AscentSettings:
    """How patterns are made; see `keras_viz_callbacks.FilterPatterns` for each."""

    steps: int = STEPS
    learning_rate: float = LEARNING_RATE
    size: int | tuple[int, int] | None = None
    seed: int = 0
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: steps={self.steps!r}")
        if not self.learning_rate > 0:
            raise ValueError(
                f"`learning_rate` must be above 0. Received: learning_rate={self.learning_rate!r}"
            )
        sides = (self.size,) if isinstance(self.size, int) else self.size
        if sides is not None and (len(sides) not in (1, 2) or min(sides) < 1):
            raise ValueError(
                "`size` must be a number of pixels, a pair (height, width), or None. "
                f"Received: size={self.size!r}"
            )
        if self.value_range is not None:
            low, high = self.value_range
            if not low < high:
                raise ValueError(
                    "`value_range` must be (lowest, highest) of the model's input. "
                    f"Received: value_range={self.value_range!r}"
                )


class Ascent:
    """A compiled gradient ascent to the filters of one layer.

    Attributes:
        call: The layer's call.
        shape: Of the images that climb, ``(height, width, channels)``.
        value_range: Lowest and highest value of the model's input.

    Args:
        model: The model.
        survey: Of it.
        call: The layer.
        settings: Size, range, steps.

    Raises:
        ValueError: The model can't be run up to the layer on images of that size.
    """

    def __init__(
        self, model: keras.Model, survey: Survey, call: LayerCall, settings: AscentSettings
    ) -> None:
        self.call = call
        self.settings = settings
        self.value_range = settings.value_range or guess_value_range(survey)
        source = image_input(model)
        own = source.shape
        size = _size(settings.size, own)
        # Layers with positions of their own, say, take no other size than the model's.
        sizes = [(*size, MARGIN), (*size, 0)]
        if settings.size is None and size != own[:2]:
            sizes.append((*own[:2], 0))
        for height, width, margin in sizes:
            self.shape = (height + 2 * margin, width + 2 * margin, own[2])
            self._margin = margin
            try:
                self._climb = compile_ascent(model, call, source.feed, self.shape)
                break
            except Exception as error:
                if (height, width, margin) != sizes[-1]:
                    continue
                raise ValueError(
                    f"`size` must be one that the model can take up to layer {call.path!r}. "
                    f"Received: size={settings.size!r}. The model said: {error}"
                ) from error

    def climb(self, filters: NDArray[np.int32]) -> tuple[Array, AscentSignals]:
        """The images that the ascent began with and what it came to, all filters as one batch."""
        low, high = self.value_range
        start = start_images(filters, self.shape, self.value_range, self.settings.seed)
        rate = self.settings.learning_rate * (high - low)
        return start, self._climb(start, filters, self.settings.steps, rate)

    def cut(self, images: Array) -> Array:
        """The images that climbed without their margin, ``(filter, height, width, channels)``."""
        height, width = (side - self._margin for side in images.shape[1:3])
        return images[:, self._margin : height, self._margin : width]


def start_images(
    filters: NDArray[np.int32],
    shape: tuple[int, int, int],
    value_range: tuple[float, float],
    seed: int,
) -> Array:
    """A grey, slightly noisy image for each filter.

    A filter's noise depends on its index and the seed alone, so that its pattern is the same
    whichever others climb beside it.

    Args:
        filters: Filter indices ``(filter,)``.
        shape: ``(height, width, channels)``.
        value_range: Lowest and highest value of the model's input.
        seed: Of the noise.

    Returns:
        ``(filter, height, width, channels)``, within the value range.
    """
    low, high = value_range
    noise = [
        np.random.default_rng((seed, int(index))).standard_normal(shape, np.float32)
        for index in filters
    ]
    return ((low + high) / 2 + (high - low) * NOISE * np.clip(noise, -3, 3)).astype(np.float32)


def pick_filters(call: LayerCall, filters: int | Sequence[int]) -> NDArray[np.int32]:
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


def responses(
    model: keras.Model,
    call: LayerCall,
    feed: Callable[[Tensor], Any],
    images: Tensor,
    filters: Tensor,
) -> tuple[Tensor, Tensor]:
    """Each image's mean response of its filter, and what to climb to raise it; both ``(filter,)``.

    The images need not have the size of the model's input: the pass ends before it matters.
    """
    with (
        any_input_size(model),
        collect_around_activation(call) as ends,
    ):
        model(feed(images), training=False)
    before, behind = (_picked(ops.cast(end, "float32"), filters, call) for end in ends)
    # Where a ReLU lets nothing through there is no gradient: climb to where it does.
    rising = behind + DORMANT_SLOPE * ops.where(ops.equal(behind, 0), before, 0.0)
    places = tuple(range(1, len(behind.shape)))
    # The gradient of the sum is that of the mean, and does not vanish in half precision.
    return ops.mean(behind, axis=places), ops.sum(rising, axis=places)


class Climb(NamedTuple):
    """Where a gradient ascent stands, each filter by itself; ``(filter, …)`` all of them.

    Attributes:
        images: To be seen next.
        best: The images that were climbed to highest.
        height: Of those: what is climbed.
        response: And their mean response.
        start: Mean response of the first images.
        direction: Of the last step, with a root mean square of 1.
        rate: Length of the last step.
        longest: Length that a step may have.
        gained: Whether any step has led above the start.
    """

    images: Tensor
    best: Tensor
    height: Tensor
    response: Tensor
    start: Tensor
    direction: Tensor
    rate: Tensor
    longest: Tensor
    gained: Tensor


def begin_climb(images: Tensor, rate: Tensor) -> Climb:
    """A climb that has seen nothing yet."""
    zeros = ops.zeros((ops.shape(images)[0],), "float32")
    return Climb(
        images=images,
        best=images,
        height=zeros - np.inf,
        response=zeros,
        start=zeros,
        direction=0 * images,
        rate=zeros + rate,
        longest=zeros + rate,
        gained=zeros > 0,
    )


def climbed(climb: Climb, seen: tuple[Tensor, Tensor], gradient: Tensor) -> Climb:
    """One step further: along the gradient divided by its root mean square.

    Where the first step has led down it was too long: it is tried again at half the length, and
    the next ones grow again. Later ones may lead down, since what lies beyond is often higher;
    the best is kept.

    Args:
        climb: Where it stands.
        seen: What `responses` tells of its images.
        gradient: Of what is climbed there.
    """

    def column(values: Tensor) -> Tensor:
        return ops.reshape(values, (-1, 1, 1, 1))

    response, height = seen
    size = ops.sqrt(ops.mean(ops.square(gradient), axis=(1, 2, 3), keepdims=True))
    along = gradient / ops.where(ops.equal(size, 0), 1.0, size)
    is_first = ops.isinf(climb.height)
    higher = ops.greater(height, climb.height)
    gained = climb.gained | (higher & ~is_first)
    again = ~higher & ~gained
    best = ops.where(column(higher), climb.images, climb.best)
    direction = ops.where(column(again), climb.direction, along)
    rate = ops.where(again, climb.rate / 2, ops.minimum(climb.rate * 2, climb.longest))
    seen = ops.where(column(again), best, climb.images)
    return Climb(
        images=seen + column(rate) * direction,
        best=best,
        height=ops.where(higher, height, climb.height),
        response=ops.where(higher, response, climb.response),
        start=ops.where(is_first, response, climb.start),
        direction=direction,
        rate=rate,
        longest=climb.longest,
        gained=gained,
    )


def compile_ascent(model: keras.Model, call: LayerCall, feed: Any, shape: Any) -> Any:
    """The ascent as one compiled function."""

    def run(images: Any, filters: Any, steps: Any, rate: Any) -> Any:
        def scored(watch: Any, images: Any) -> Any:
            seen = responses(model, call, feed, watch("images", images), filters)
            return seen[1], ["images"], seen

        differentiated = backend().gradients(scored)

        def step(_: Any, climb: Climb) -> Climb:
            gradients, _, seen = differentiated(climb.images)
            return climbed(climb, seen, gradients["images"])

        last = ops.fori_loop(0, steps, step, begin_climb(images, rate))
        seen = responses(model, call, feed, last.images, filters)
        end = climbed(last, seen, ops.zeros_like(images))
        return end.best, end.start, end.response

    examples = np.zeros((1, *shape), np.float32), np.zeros(1, np.int32), np.int32(1), np.float32(1)
    compiled = backend().compile(model, run, examples)
    return lambda images, filters, steps, rate: AscentSignals(
        *compiled(images, filters, np.int32(steps), np.float32(rate))
    )


def _picked(maps: Tensor, filters: Tensor, call: LayerCall) -> Tensor:
    """One channel of each image, ``(batch, *places)``."""
    assert call.layout is not None  # `select` saw to it
    rank = len(maps.shape)
    axis = call.layout.channel_axis % rank
    numbers = ops.reshape(
        ops.arange(maps.shape[axis], dtype="int32"), [-1 if a == axis else 1 for a in range(rank)]
    )
    chosen = ops.equal(numbers, ops.reshape(filters, [-1] + [1] * (rank - 1)))
    # A product with a mask would make NaN of an infinite other channel.
    return ops.sum(ops.where(chosen, maps, 0.0), axis=axis)


def _size(size: int | tuple[int, int] | None, own: tuple[int, int, int]) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    if size is not None:
        return size
    shrink = min(1.0, SIZE / max(own[:2]))
    return max(1, round(own[0] * shrink)), max(1, round(own[1] * shrink))
