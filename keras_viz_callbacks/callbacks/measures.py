"""Numbers that a callback reports, as the summaries of a capture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keras_viz_callbacks.callbacks.records import Moment
from keras_viz_callbacks.summary.run import Measured
from tensorboard_plugin import schema


@dataclass(frozen=True)
class Measurement:
    """A number about a layer.

    Attributes:
        measure: Name of the measure.
        layer: The layer.
        value: The number; None where it is not finite.
    """

    measure: str
    layer: schema.Layer
    value: float | None


def collected(
    name: str, tag_name: str | None, moment: Moment, measurements: Sequence[Measurement]
) -> Measured:
    """The measurements of one capture as a table for the tab, and as scalars for TensorBoard.

    Args:
        name: Name of the callback.
        tag_name: Name of the callback as the scalars' tags have it; None leaves it out.
        moment: When the capture was made.
        measurements: The measurements, at most one of each measure for each layer.
    """
    layers = sorted({each.layer for each in measurements}, key=lambda layer: layer.index)
    values = {(each.measure, each.layer): each.value for each in measurements}
    names = dict.fromkeys(each.measure for each in measurements)
    table = schema.MeasureTable(
        name=name,
        epoch=moment.epoch,
        batch=moment.batch,
        layers=tuple(layers),
        measures={
            measure: tuple(values.get((measure, layer)) for layer in layers) for measure in names
        },
        metrics=dict(moment.metrics),
    )
    scalars = [
        (schema.scalar_tag(each.measure, each.layer.path, tag_name), each.value)
        for each in measurements
        if each.value is not None
    ]
    return Measured(table, scalars)
