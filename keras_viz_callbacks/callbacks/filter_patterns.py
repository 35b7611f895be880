"""FilterPatterns: which pattern each filter answers to."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_viz_callbacks.callbacks.base import Draw, VisualizationCallback
from keras_viz_callbacks.callbacks.options import CaptureOptions
from keras_viz_callbacks.callbacks.records import (
    Moment,
    join_notes,
    layer_record,
    picture_record,
    rounded,
)
from keras_viz_callbacks.capture import ascent
from keras_viz_callbacks.capture.ascent import (
    Array,
    Ascent,
    AscentSettings,
    AscentSignals,
    pick_filters,
)
from keras_viz_callbacks.capture.inputs import SIZE, image_input
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.selectors import Selector, select
from keras_viz_callbacks.capture.survey import survey
from keras_viz_callbacks.maps.patterns import to_displayable
from keras_viz_callbacks.options import with_options
from keras_viz_callbacks.render import grid
from keras_viz_callbacks.summary.run import Drawing, Run
from tensorboard_plugin import schema

if TYPE_CHECKING:
    from typing_extensions import Unpack

logger = logging.getLogger(__name__)


@with_options(CaptureOptions, name=schema.NAME_FILTERS)
class FilterPatterns(VisualizationCallback):
    """Draws the pattern that each filter answers to, by gradient ascent in input space.

    From a grey, slightly noisy image, each step moves all pixels along the gradient of the
    filter's mean response, divided by its root mean square. Erhan et al. 2009, "Visualizing
    higher-layer features of a deep network"; Chollet, "Deep Learning with Python".

    Args:
        layers: Layer path, unique name, glob, layer, or a list of those. None picks
            ``max_layers`` of the convolutions, evenly spread over the network.
        filters: How many filters of each layer, from the first; or a list of their indices.
        steps: Steps of the ascent.
        learning_rate: Change of a typical pixel in one step, as a share of the value range.
        size: Pixels of a pattern, a number or ``(height, width)``; by default as the model's
            input, but no more than 64 on the longer side.
        seed: Of the noise; the same seed gives the same picture.
        value_range: Lowest and highest value of the model's input; by default ``(0, 255)``
            where the model itself rescales such inputs, else ``(0, 1)``.
        max_layers: How many layers ``layers=None`` picks.
        layers_per_capture: Climb only that many of the layers at each capture, in turn, so that
            it takes less time; None climbs all.
        cell_size: Longer side of a cell, at most, in pixels.

    Raises:
        ValueError: An argument is wrong; what depends on the model is checked in
            ``on_train_begin``.

    Example:
        >>> model.fit(x, y, callbacks=[FilterPatterns("logs/run1", layers="block3_*")])
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        layers: Selector = None,
        filters: int | Sequence[int] = 8,
        steps: int = ascent.STEPS,
        learning_rate: float = ascent.LEARNING_RATE,
        size: int | tuple[int, int] | None = None,
        seed: int = 0,
        value_range: tuple[float, float] | None = None,
        max_layers: int = 3,
        layers_per_capture: int | None = None,
        cell_size: int = SIZE,
        **options: Unpack[CaptureOptions],
    ) -> None:
        super().__init__(log_dir, default_name=schema.NAME_FILTERS, **options)
        for argument, value in (
            ("max_layers", max_layers),
            ("layers_per_capture", 1 if layers_per_capture is None else layers_per_capture),
            ("cell_size", cell_size),
        ):
            if value < 1:
                raise ValueError(f"`{argument}` must be at least 1. Received: {argument}={value!r}")
        self.layers = layers
        self.filters = filters
        self.max_layers = max_layers
        self.layers_per_capture = layers_per_capture
        self.cell_size = cell_size
        self.settings = AscentSettings(steps, learning_rate, size, seed, value_range)

    def _prepare(self, run: Run) -> None:
        found = survey(self.model, image_input(self.model).sample())
        calls = select(found.calls, self.layers, globs_pick=_has_filters)
        self._left_out = 0
        if self.layers is None and len(calls) > self.max_layers:
            spread = np.linspace(0, len(calls) - 1, self.max_layers).round().astype(int)
            self._left_out = len(calls) - len(spread)
            calls = [calls[i] for i in spread]
            logger.info(
                "%s draws %s; %d other convolutions are left out. Name them by `layers`, or "
                "raise `max_layers`.",
                self.name,
                ", ".join(c.path for c in calls),
                self._left_out,
            )
        self._picked = [pick_filters(call, self.filters) for call in calls]
        for call, picked in zip(calls, self._picked, strict=True):
            if isinstance(self.filters, int) and len(picked) < (call.channels or 0):
                logger.info(
                    "%s draws %d of the %d filters of %s; raise `filters` for more.",
                    self.name,
                    len(picked),
                    call.channels,
                    call.path,
                )
        run.claim(self, (schema.picture_tag(self.name, call.path) for call in calls))
        self._next = 0
        self._ascents = [Ascent(self.model, found, call, self.settings) for call in calls]

    def _capture(self) -> Draw:
        number = len(self._ascents)
        turn = min(self.layers_per_capture or number, number)
        places = [(self._next + place) % number for place in range(turn)]
        self._next = (self._next + turn) % number
        climbed = [
            (climb, picked, *climb.climb(picked))
            for climb, picked in ((self._ascents[p], self._picked[p]) for p in sorted(places))
        ]

        def draw(moment: Moment) -> Iterator[Drawing]:
            for climb, picked, start, signals in climbed:
                yield self._draw_layer(climb, picked, start, signals, moment)

        return draw

    def _draw_layer(
        self, climb: Ascent, picked: Any, start: Array, signals: AscentSignals, moment: Moment
    ) -> Drawing:
        patterns = to_displayable(climb.cut(signals.images))
        # A filter that answers nowhere near the start image has no gradient to climb.
        blank = [bool(np.array_equal(a, b)) for a, b in zip(start, signals.images, strict=True)]
        cells = grid.layout(picked, patterns.shape[1], patterns.shape[2], self.cell_size)
        picture = grid.draw_patterns(patterns, blank, cells)
        call = climb.call
        tag = schema.picture_tag(self.name, call.path)
        record = replace(
            picture_record(self.name, tag, picture, moment, self._note(call, picked)),
            kind="patterns",
            title="Filter patterns",
            item="filter",
            layer=layer_record(call, _known_shape(call)),
            grid=cells,
            value_range=climb.value_range,
            channels=call.channels,
            measures={"blank_channels": float(np.mean(blank))},
            statistics=schema.ChannelStatistics(
                start=rounded(signals.start.tolist()), maximum=rounded(signals.response.tolist())
            ),
        )
        return Drawing(record, picture.data)

    def _note(self, call: LayerCall, picked: Any) -> str | None:
        notes = []
        if isinstance(self.filters, int) and len(picked) != call.channels:
            notes.append(f"the first {len(picked)} of {call.channels} filters (filters)")
        if self._left_out:
            notes.append(f"{self._left_out} other convolutions are left out (max_layers)")
        return join_notes(*notes)


def _has_filters(call: LayerCall) -> bool:
    return call.is_convolution and call.is_spatial


def _known_shape(call: LayerCall) -> tuple[int, ...]:
    assert call.layout is not None  # `select` saw to it
    return tuple(side or 0 for side in (*call.layout.places, call.layout.channels))
