"""What the records of all callbacks have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.render.picture import Picture
from tensorboard_plugin import schema


@dataclass(frozen=True)
class Moment:
    """When a capture is made.

    Attributes:
        step: Step of its summaries.
        epoch: Keras' epoch, from 0.
        batch: Global training batch.
        metrics: Keras' logs.
        note: Remark for the user about this capture.
    """

    step: int
    epoch: int
    batch: int
    metrics: Mapping[str, float | None]
    note: str | None = None


def picture_record(
    name: str, tag: str, picture: Picture, moment: Moment, note: str | None = None
) -> schema.Record:
    """The record of a picture, with what is the same for every kind of picture.

    Args:
        name: Name of the callback.
        tag: Tag of the picture.
        picture: What was drawn.
        moment: When.
        note: Remark for the user about this picture.
    """
    return schema.Record(
        name=name,
        tag=tag,
        width=picture.width,
        height=picture.height,
        image_bytes=len(picture.data),
        epoch=moment.epoch,
        batch=moment.batch,
        metrics=dict(moment.metrics),
        note=join_notes(note, moment.note),
    )


def layer_record(call: LayerCall, shape: tuple[int, ...]) -> schema.Layer:
    """A layer as records describe it.

    Args:
        call: The layer's call.
        shape: ``(*places, channels)`` of its output.
    """
    return schema.Layer(call.path, type(call.layer).__name__, call.index, shape)


def join_notes(*notes: str | None) -> str | None:
    """The given notes as one text; None where there is none."""
    return "; ".join(note for note in notes if note) or None


def rounded(values: Iterable[float]) -> tuple[float | None, ...]:
    """Values to four digits, None in the place of those that are not finite."""
    return tuple(float(f"{value:.4g}") if np.isfinite(value) else None for value in values)
