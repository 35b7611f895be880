"""ActivationGrid: every channel of every chosen layer, one cell each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from keras_viz_callbacks.callbacks.base import Moment
from keras_viz_callbacks.callbacks.images import MAX_IMAGES, HeldOutImagesCallback
from keras_viz_callbacks.capture.compiled import Array
from keras_viz_callbacks.capture.held_out import Preprocess
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.layout import TokensToGrid
from keras_viz_callbacks.capture.plan import Plan
from keras_viz_callbacks.capture.selectors import Selector
from keras_viz_callbacks.explain.activations import Activations
from keras_viz_callbacks.maps.channels import Statistics, dead_channels, statistics
from keras_viz_callbacks.maps.places import as_pictures
from keras_viz_callbacks.render import grid
from keras_viz_callbacks.summary.run import Drawing
from tensorboard_plugin import schema


class ActivationGrid(HeldOutImagesCallback):
    """Draws the activations of every chosen layer on held-out images, a cell for each channel.

    A channel that is zero everywhere stays blank. The fraction of a layer's channels that are
    blank on every image goes out as the scalar ``dead_channels/<layer path>``.

    Args:
        log_dir: Log directory; pictures go to its run ``keras_viz``.
        images: Held-out images: an array ``(batch, height, width, channels)``, a list of arrays,
            a dict of name to array, or an iterable of ``(images, labels)`` batches. For a model
            with several inputs, a dict or tuple of batches like the model's.
        labels: True classes, as indices or one-hot rows.
        class_names: Name of each class.
        layers: Layer path, unique name, glob, layer, or a list of those. None picks every
            convolution.
        channels: The channels to draw, such as ``[4, 7]``; None draws all.
        max_channels: Draw no more than that many of a layer.
        cell_size: Longer side of a cell, at most, in pixels; the strip of a signal and the slices
            of a volume have three times that.
        scale: ``"channel"`` colours each cell by its own range of values, ``"layer"`` all cells
            of a picture by one.
        colormap: Any colour map that matplotlib knows.
        preprocess: Maps the images to the model's inputs; identity by default.
        tokens_to_grid: Lays out a layer's tokens where they are no square: ``(height, width)``,
            or a function from ``(batch, tokens, features)`` to ``(batch, height, width,
            features)``.
        max_images: Show no more than that many images.
        name: First part of the tags.
        update_freq: ``"epoch"``, or a number of training batches.
        every: Epochs between captures; the last epoch is always captured.
        max_overhead: Share of the training's time that captures may take at most, drawing and
            writing included, such as 0.05; one that would exceed it is skipped, but for that of
            the last epoch, and the next record says so. None for no bound.
        on_error: ``"warn"`` or ``"raise"``, when a capture fails.

    Raises:
        ValueError: An argument is wrong by itself; or, in ``on_train_begin``, for the model.

    Example:
        >>> model.fit(x, y, callbacks=[ActivationGrid("logs/run1", x_val[:4])])
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
        layers: Selector = None,
        channels: Sequence[int] | int | None = None,
        max_channels: int = 64,
        cell_size: int = 64,
        scale: Literal["channel", "layer"] = "channel",
        colormap: str = "viridis",
        preprocess: Preprocess | None = None,
        tokens_to_grid: TokensToGrid = None,
        max_images: int = MAX_IMAGES,
        name: str = schema.TECHNIQUE_ACTIVATIONS,
        update_freq: Literal["epoch"] | int = "epoch",
        every: int = 1,
        max_overhead: float | None = None,
        on_error: Literal["warn", "raise"] = "warn",
    ) -> None:
        super().__init__(
            log_dir,
            images,
            labels=labels,
            class_names=class_names,
            layers=layers,
            colormap=colormap,
            preprocess=preprocess,
            tokens_to_grid=tokens_to_grid,
            max_images=max_images,
            name=name,
            update_freq=update_freq,
            every=every,
            max_overhead=max_overhead,
            on_error=on_error,
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
        self._activations = Activations(self.model, self._held, self.layers, self.tokens_to_grid)
        plan = self._activations.plan
        for call in plan.calls:
            self._picked(call, call.channels or 0)
        return plan

    def _pass(self) -> Mapping[str, Array]:
        return self._activations.capture()

    def _draw_layer(
        self, call: LayerCall, signals: Mapping[str, Array], moment: Moment
    ) -> Iterator[Drawing]:
        activations = signals[call.path]
        dead = float(dead_channels(activations).mean())
        scalars = [(f"dead_channels/{call.path}", dead)]
        channels = activations.shape[-1]
        picked = self._picked(call, channels)
        pictures = as_pictures(activations)
        # A strip or a set of slices needs more room than one map.
        room = self.cell_size * (1 if pictures is activations else 3)
        height, width = pictures.shape[1:3]
        cells = grid.layout(picked, height, width, room)
        for index, activation in enumerate(activations):
            numbers = statistics(activation)
            picture = grid.draw_channels(
                pictures[index], numbers, cells, scale=self.scale, colormap=self.colormap
            )
            record = self._record(
                call,
                activation.shape,
                index,
                picture,
                moment,
                label=self._gallery.label(index),
                grid=cells,
                value_range=grid.value_range(numbers, picked),
                scale=self.scale,
                dead_fraction=dead,
                blank_fraction=float(numbers.blank.mean()),
                statistics=_recorded(numbers, picked),
                note=self._note(picked, channels),
            )
            yield Drawing(record, picture.data, scalars=scalars)
            scalars = []

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
    columns: Mapping[str, Any] = {
        key: tuple(
            float(f"{value:.4g}") if np.isfinite(value) else None
            for value in getattr(numbers, key)[list(picked)].tolist()
        )
        for key in ("minimum", "maximum", "mean", "std")
    }
    return schema.ChannelStatistics(**columns)
