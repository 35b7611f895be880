"""The layers of a model and their calls in a forward pass, each by its path."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from keras_viz_callbacks.capture import keras_internals
from keras_viz_callbacks.capture.layout import Layout

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
"""Layers whose parts have no maps: they are called once a time step, or have an axis of heads."""


@dataclass(frozen=True, eq=False)
class LayerCall:
    """One call of one layer in a forward pass.

    Attributes:
        path: Names from the model down to the layer joined by ``/``, followed by
            ``:1``, ``:2``, … for its second, third, … call in a pass.
        layer: The layer.
        call: Number of this call among those of the layer, from 0.
        index: Place in the network, in the order in which layers return.
        shape: Shape of the output without the batch axis, with None for sizes that are not
            known; None altogether where the output is not one tensor.
        layout: The axes of the output that are places and channels; None where it has no maps.
        convolves: Whether this layer, and none inside it, has called a convolution of `keras.ops`.
    """

    path: str
    layer: keras.layers.Layer
    call: int
    index: int
    shape: tuple[int | None, ...] | None
    layout: Layout | None
    convolves: bool = False

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
        """Whether the layer convolves, also if it does so once a time step.

        Of Keras' own layers these are `CONVOLUTIONS`; of others, all whose call convolves.
        """
        layer = self.layer
        while isinstance(layer, keras.layers.TimeDistributed):
            layer = layer.layer
        if isinstance(layer, CONVOLUTIONS):
            return True
        if not self.convolves or isinstance(layer, _CLOSED):
            return False
        if layer is not self.layer and keras_internals.sublayers(layer):
            return False  # of the layers in it, it is not known which convolve
        return isinstance(layer, keras.layers.Lambda) or not keras_internals.is_of_keras(layer)

    @property
    def channels(self) -> int | None:
        """How many channels its output has."""
        return None if self.layout is None else self.layout.channels


def layer_paths(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Every layer below a model by its path, parents before children.

    Built by walking, since ``layer.path`` depends on what Keras built first. A layer that
    is used in several places has the first path; siblings of one name are numbered ``_1``,
    ``_2``, ….
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
    return keras_internals.sublayers(layer)
