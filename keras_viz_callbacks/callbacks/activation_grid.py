"""ActivationGrid: every channel of every chosen layer, one cell each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from keras_viz_callbacks.callbacks.layer_images import LayerImagesCallback
from keras_viz_callbacks.callbacks.measures import Measurement
from keras_viz_callbacks.callbacks.options import LayerImageOptions
from keras_viz_callbacks.callbacks.records import Moment, layer_record, rounded
from keras_viz_callbacks.capture.compiled import Array
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.plan import Plan
from keras_viz_callbacks.capture.selectors import Selector
from keras_viz_callbacks.explain.activations import Activations
from keras_viz_callbacks.maps.channels import Statistics, statistics
from keras_viz_callbacks.maps.measures import measured, names_of
from keras_viz_callbacks.maps.places import as_pictures
from keras_viz_callbacks.options import with_options
from keras_viz_callbacks.render import grid
from keras_viz_callbacks.summary.run import Drawing
from tensorboard_plugin import schema

if TYPE_CHECKING:
    from typing_extensions import Unpack


@with_options(LayerImageOptions, name=schema.NAME_ACTIVATIONS)
class ActivationGrid(LayerImagesCallback):
    """Draws the activations of every chosen layer on held-out images, a cell for each channel.

    A channel that is zero everywhere stays blank. The share of a layer's channels that are blank
    on every image is written as the scalar ``dead_channels/<layer path>``, or, with a ``name`` of
    your own, as ``dead_channels/<name>/<layer path>``.

    Args:
        layers: Layer path, unique name, glob, layer, or a list of those. None picks every
            convolution.
        channels: The channels to draw, such as ``[4, 7]``; None draws all.
        max_channels: Largest number of channels to draw of a layer.
        cell_size: Length of a cell's longer side, at most, in pixels; the strip of a signal and
            the slices of a volume have three times that.
        scale: ``"channel"`` colours each cell by its own range of values, ``"layer"`` all cells
            of a picture by one range.

    Raises:
        ValueError: An argument is wrong; what depends on the model is checked in
            ``on_train_begin``.

    Example:
        >>> model.fit(x, y, callbacks=[ActivationGrid("logs/run1", x_val[:4])])
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        layers: Selector = None,
        channels: Sequence[int] | int | None = None,
        max_channels: int = 64,
        cell_size: int = 64,
        scale: Literal["channel", "layer"] = "channel",
        **options: Unpack[LayerImageOptions],
    ) -> None:
        super().__init__(
            log_dir,
            images,
            layers=layers,
            default_name=schema.NAME_ACTIVATIONS,
            measures=names_of("layer"),
            **options,
        )
        for argument, value in (("max_channels", max_channels), ("cell_size", cell_size)):
            if value < 1:
                raise ValueError(f"`{argument}` must be at least 1. Received: {argument}={value!r}")
        if scale not in ("channel", "layer"):
            raise ValueError(f'`scale` must be "channel" or "layer". Received: scale={scale!r}')
        self.channels = [channels] if isinstance(channels, int) else channels
        self.max_channels = max_channels
        self.cell_size = cell_size
        self.scale = scale

    def _plan(self) -> Plan:
        self._activations = Activations(self.model, self.held, self.layers, self.tokens_to_grid)
        plan = self._activations.plan
        for call in plan.calls:
            self._picked(call, call.channels or 0)
        return plan

    def _pass(self) -> Mapping[str, Array]:
        return self._activations.capture()

    def _draw_layer(
        self, call: LayerCall, captured: Mapping[str, Array], moment: Moment
    ) -> Iterator[Drawing | Measurement]:
        activations = captured[call.path]
        layer = layer_record(call, activations.shape[1:])
        channels = activations.shape[-1]
        picked = self._picked(call, channels)
        pictures = as_pictures(activations)
        # A strip or a set of slices needs a larger cell than one map.
        cell_size = self.cell_size * (1 if pictures is activations else 3)
        height, width = pictures.shape[1:3]
        cells = grid.layout(picked, height, width, cell_size)
        for index, activation in enumerate(activations):
            numbers = statistics(activation)
            picture = grid.draw_channels(
                pictures[index], numbers, cells, scale=self.scale, colormap=self.colormap
            )
            record = self.gallery.record(
                self.name,
                index,
                picture,
                moment,
                call=call,
                shape=activation.shape,
                note=self._note(picked, channels),
            )
            record = replace(
                record,
                kind="channels",
                title="Activations",
                item="channel",
                label=self.gallery.label(index),
                grid=cells,
                value_range=grid.value_range(numbers, picked),
                scale=self.scale,
                colormap=self.colormap,
                measures=measured(activations[index : index + 1], "picture"),
                statistics=_recorded(numbers, picked),
            )
            yield Drawing(record, picture.data)
        for measure, value in measured(activations, "layer").items():
            yield Measurement(measure, layer, value)

    def _picked(self, call: LayerCall, channels: int) -> list[int]:
        if self.channels is None:
            return list(range(min(channels, self.max_channels)))
        outside = [c for c in self.channels if not -channels <= c < channels]
        if outside or not len(self.channels):
            raise ValueError(
                f"`channels` must pick channels of layer {call.path!r}, from 0 to {channels - 1}. "
                f"Received: channels={list(self.channels)}"
            )
        return [c % channels for c in self.channels][: self.max_channels]

    def _note(self, picked: Sequence[int], channels: int) -> str | None:
        if self.channels is not None or len(picked) == channels:
            return None
        return f"the first {len(picked)} of {channels} channels (max_channels)"


def _recorded(numbers: Statistics, picked: Sequence[int]) -> schema.ChannelStatistics:
    return schema.ChannelStatistics(
        *(
            rounded(column[list(picked)].tolist())
            for column in (numbers.minimum, numbers.maximum, numbers.mean, numbers.std)
        )
    )
