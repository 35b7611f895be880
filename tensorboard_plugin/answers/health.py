"""Layers × steps: one measure of all layers, or how much their pictures change."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tensorboard_plugin.answers.change import NOT_COMPARABLE, measure_change
from tensorboard_plugin.answers.json_bodies import Json, rounded
from tensorboard_plugin.answers.lookup import require
from tensorboard_plugin.index.layer_series import LayerSeries
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.picture_series import PictureSeries
from tensorboard_plugin.index.run_index import RunIndex
from tensorboard_plugin.index.step_columns import between

CHANGE = "change"
"""What is asked for like a measure, and made from the pictures."""

DEFAULT_MEASURE = "dead_channels"
"""The measure of a request that names none; a run without it has no numbers, and no error."""


@dataclass(frozen=True)
class Row:
    """One layer.

    Attributes:
        path: Path of the layer.
        pictures: The pictures that its cells lead to.
        layer: The layer's measures.
    """

    path: str
    pictures: PictureSeries | None
    layer: LayerSeries | None


@dataclass(frozen=True)
class Table:
    """What `health` answers for.

    Attributes:
        name: Name of the callback; None where the run has no layers.
        measure: Name of the measure, or `CHANGE`.
        is_of_pictures: Whether the numbers belong to pictures, not to layers.
        image: Name of the image that the pictures show.
        rows: The layers, in network order.
    """

    name: str | None
    measure: str
    is_of_pictures: bool
    image: str | None
    rows: list[Row]

    def steps(self, first: int | None, last: int | None, every: int) -> list[int]:
        """The columns; to be called under the index's lock."""
        numbers = [row.pictures if self.is_of_pictures else row.layer for row in self.rows]
        if all(series is None for series in numbers):  # then there are rows without numbers
            numbers = [row.pictures for row in self.rows]
        found: set[int] = set()
        for series in numbers:
            if series is not None:
                found.update(series.step[between(series.step, first, last)])
        return sorted(found)[::every]


def table_of(run: RunIndex, measure: str, name: str | None, image: str | None) -> Table:
    """What is asked for; to be called under the index's lock.

    Args:
        run: The run.
        measure: Name of a measure, or `CHANGE`.
        name: Name of a callback; None for the first that has numbers of the measure.
        image: Name of an image; None for the layers' own numbers, where there are any.

    Raises:
        ApiError: The run has no such measure, name or image.
    """
    if measure not in (CHANGE, DEFAULT_MEASURE):
        require([m for m in run.measures if m.measure == measure], "measure", measure)
    if name is None:
        name = _default_name(run, measure)
    if name is None:
        return Table(None, measure, measure == CHANGE, None, [])
    pictures = [s for s in run.ordered_series if s.static.name == name]
    layers = {s.layer["path"]: s for s in run.layer_series.values() if s.name == name}
    require([*pictures, *layers], "name", name)
    pictures = [s for s in pictures if s.layer_path is not None]
    if image is not None and any(s.static.image_name is not None for s in pictures):
        pictures = [s for s in pictures if s.static.image_name == image]
        require(pictures, "image", image)
    has_layer_numbers = any(measure in s.columns.measures for s in layers.values())
    has_picture_numbers = any(measure in s.columns.measures for s in pictures)
    is_of_pictures = measure == CHANGE or (
        has_picture_numbers and (image is not None or not has_layer_numbers)
    )
    first: dict[str, PictureSeries] = {}
    for s in pictures:
        if s.layer_path is not None:
            first.setdefault(s.layer_path, s)
    rows = [
        Row(path, first.get(path), layers.get(path))
        for path in (layer["path"] for layer in run.layers)
        if path in first or path in layers
    ]
    shown = pictures[0].static.image_name if pictures else None
    is_of_image = is_of_pictures or image is not None
    return Table(name, measure, is_of_pictures, shown if is_of_image else None, rows)


def health_body(index: LogIndex, run: RunIndex, table: Table, steps: list[int]) -> Json:
    """`health`; takes the lock itself, because pictures are read for `CHANGE`.

    Args:
        index: The index.
        run: The run.
        table: What to answer for.
        steps: The columns.
    """
    pending = 0
    if table.measure == CHANGE:
        shown = [row.pictures for row in table.rows if row.pictures is not None]
        pending = measure_change(index, run, shown, steps)
    with index.lock:
        places = {layer["path"]: i for i, layer in enumerate(run.layers)}
        rows = [row for row in table.rows if row.path in places]
        return {
            "token": index.token(run),
            "measure": table.measure,
            "name": table.name,
            "image": table.image,
            "step": steps,
            "layers": [places[row.path] for row in rows],
            "tags": [None if row.pictures is None else row.pictures.tag for row in rows],
            "values": [_values(row, table, steps) for row in rows],
            "pending": pending,
        }


def _default_name(run: RunIndex, measure: str) -> str | None:
    """The first callback with numbers of the measure, or else the first with layers."""
    with_layers = [s.static.name for s in run.ordered_series if s.static.layer is not None]
    with_layers += [s.name for s in run.layer_series.values()]
    reporting = {name for m in run.measures if m.measure == measure for name in m.names}
    return next((name for name in with_layers if name in reporting), next(iter(with_layers), None))


def _values(row: Row, table: Table, steps: list[int]) -> list[float | None]:
    series = row.pictures if table.is_of_pictures else row.layer
    if series is None:
        return [None] * len(steps)
    places = [series.columns.find(step) for step in steps]
    if table.measure != CHANGE:
        measured = (
            math.nan if i is None else series.columns.measure(table.measure, i) for i in places
        )
        return list(map(rounded, measured))
    changes = (NOT_COMPARABLE if i is None else series.columns.fixed[CHANGE][i] for i in places)
    return [None if change == NOT_COMPARABLE else rounded(change) for change in changes]
