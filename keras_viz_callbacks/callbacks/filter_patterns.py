"""FilterPatterns: which pattern each filter answers to."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from keras_viz_callbacks.callbacks.base import Draw, VisualizationCallback
from keras_viz_callbacks.callbacks.options import CaptureOptions, PatternOptions
from keras_viz_callbacks.callbacks.records import (
    Moment,
    join_notes,
    layer_record,
    picture_record,
    rounded,
)
from keras_viz_callbacks.capture.inputs import image_input
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.selectors import Selector, select
from keras_viz_callbacks.capture.survey import Survey, survey
from keras_viz_callbacks.options import part, with_options
from keras_viz_callbacks.patterns.ascent import Ascent, AscentResult
from keras_viz_callbacks.patterns.display import to_displayable
from keras_viz_callbacks.patterns.objectives import Objective, channel
from keras_viz_callbacks.patterns.settings import SIZE, AscentOptions, AscentSettings
from keras_viz_callbacks.render import grid
from keras_viz_callbacks.summary.run import Drawing, Run
from tensorboard_plugin import schema

if TYPE_CHECKING:
    from typing_extensions import Unpack

logger = logging.getLogger(__name__)


@with_options(PatternOptions, name=schema.NAME_FILTERS)
class FilterPatterns(VisualizationCallback):
    """Draws the pattern that each filter answers to, by gradient ascent in input space.

    From a grey, slightly noisy image, each step moves all pixels along the gradient of the
    filter's mean response, divided by its root mean square. Erhan et al. 2009, "Visualizing
    higher-layer features of a deep network"; Chollet, "Deep Learning with Python".

    Args:
        layers: Layer path, unique name, glob, layer, or a list of those. None picks
            ``max_layers`` of the convolutions, evenly spread over the network.
        filters: How many filters of each layer, from the first; or a list of their indices; or
            an objective of `keras_viz_callbacks.patterns.objectives`, which names its own layers.
        max_layers: How many layers ``layers=None`` picks.
        layers_per_capture: Number of layers whose patterns are made at each capture, in turn, so
            that it takes less time; None makes those of all layers.
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
        filters: int | Sequence[int] | Objective = 8,
        max_layers: int = 3,
        layers_per_capture: int | None = None,
        cell_size: int = SIZE,
        **options: Unpack[PatternOptions],
    ) -> None:
        super().__init__(log_dir, default_name=schema.NAME_FILTERS, **part(CaptureOptions, options))
        for argument, value in (
            ("max_layers", max_layers),
            ("layers_per_capture", 1 if layers_per_capture is None else layers_per_capture),
            ("cell_size", cell_size),
        ):
            if value < 1:
                raise ValueError(f"`{argument}` must be at least 1. Received: {argument}={value!r}")
        if isinstance(filters, Objective) and layers is not None:
            raise ValueError(
                "`layers` must be None where `filters` is an objective, which names its own "
                f"layers. Received: layers={layers!r}"
            )
        self.layers = layers
        self.filters = filters
        self.max_layers = max_layers
        self.layers_per_capture = layers_per_capture
        self.cell_size = cell_size
        self.settings = AscentSettings(**part(AscentOptions, options))

    def _prepare(self, run: Run) -> None:
        found = survey(self.model, image_input(self.model).sample())
        self._left_out = 0
        self._ascents = [
            Ascent(self.model, found, objective, self.settings)
            for objective in self._objectives(found)
        ]
        for ascent in self._ascents:
            if self._leaves_filters_out(ascent):
                logger.info(
                    "%s draws %d of the %d filters of %s; raise `filters` for more.",
                    self.name,
                    len(ascent.objective.items),
                    ascent.objective.call.channels,
                    ascent.objective.call.path,
                )
        run.claims.claim(self, (self._tag(ascent) for ascent in self._ascents))
        self._next = 0

    def _objectives(self, found: Survey) -> list[Objective]:
        if isinstance(self.filters, Objective):
            return [self.filters]
        calls = select(found.calls, self.layers, globs_pick=_has_filters)
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
        return [channel(call, self.filters) for call in calls]

    def _tag(self, ascent: Ascent) -> str:
        return schema.picture_tag(self.name, ascent.objective.call.path)

    def _capture(self) -> Draw:
        number = len(self._ascents)
        turn = number if self.layers_per_capture is None else min(self.layers_per_capture, number)
        places = [(self._next + place) % number for place in range(turn)]
        self._next = (self._next + turn) % number
        results = [(ascent, ascent.run()) for ascent in (self._ascents[p] for p in sorted(places))]

        def draw(moment: Moment) -> Iterator[Drawing]:
            for ascent, result in results:
                yield self._draw_layer(ascent, result, moment)

        return draw

    def _draw_layer(self, ascent: Ascent, result: AscentResult, moment: Moment) -> Drawing:
        patterns = to_displayable(ascent.without_margin(result.images))
        # A filter without a gradient at the start image has no pattern.
        blank = [not improved for improved in result.improved.tolist()]
        items = ascent.objective.items.tolist()
        cells = grid.layout(items, patterns.shape[1], patterns.shape[2], self.cell_size)
        picture = grid.draw_patterns(patterns, blank, cells)
        call = ascent.objective.call
        record = replace(
            picture_record(self.name, self._tag(ascent), picture, moment, self._note(ascent)),
            kind="patterns",
            title="Filter patterns",
            item=ascent.objective.noun,
            layer=layer_record(call, _known_shape(call)),
            grid=cells,
            value_range=ascent.value_range,
            channels=call.channels,
            measures={"blank_channels": float(np.mean(blank))},
            statistics=schema.ChannelStatistics(
                start=rounded(result.start.tolist()), maximum=rounded(result.response.tolist())
            ),
        )
        return Drawing(record, picture.data)

    def _leaves_filters_out(self, ascent: Ascent) -> bool:
        is_number = isinstance(self.filters, int)
        return is_number and len(ascent.objective.items) != ascent.objective.call.channels

    def _note(self, ascent: Ascent) -> str | None:
        notes = []
        if self._leaves_filters_out(ascent):
            number, channels = len(ascent.objective.items), ascent.objective.call.channels
            notes.append(f"the first {number} of {channels} filters (filters)")
        if self._left_out:
            notes.append(f"{self._left_out} other convolutions are left out (max_layers)")
        return join_notes(*notes)


def _has_filters(call: LayerCall) -> bool:
    return call.is_convolution and call.is_spatial


def _known_shape(call: LayerCall) -> tuple[int, ...]:
    assert call.layout is not None  # `select` saw to it
    return tuple(side or 0 for side in (*call.layout.places, call.layout.channels))
