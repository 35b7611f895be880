"""Tags, records, measures, folders: the one contract of the two packages.

The callbacks write what is described here, and the tab reads it. Standard library only, so that
either side can be read, tested and replaced without the other.

Each picture is one image summary (plugin ``images``). Directly before it comes its *record*, a
summary of plugin ``keras_viz`` and tag `record_tag`, whose string tensor is ``[json]`` or
``[json, heat map]``. The JSON is a `Record`. The heat map is a 16-bit greyscale PNG at the layer's
own resolution: grey ``g`` is the value ``low + (high - low) * g / 65535``, where
``low, high = value_range``.

Numbers of layers that belong to no picture are a `MeasureTable`: a summary of plugin ``keras_viz``
and tag `measures_tag`, whose string tensor is ``[json]``.

A summary is one of these if it has their plugin name and their tag and holds strings; the tag alone
says nothing, because a user's own summaries may have any.

`tensorboard_plugin.capture_table` describes the *contents*, a summary that lists all that was
written together, so that a reader need not look at each.
"""

from __future__ import annotations

import json
import os
import re
import typing
from dataclasses import dataclass, field

from tensorboard_plugin import checked_json, version_1

PLUGIN_NAME = "keras_viz"

RUN_NAME = "keras_viz"
"""The run below the user's own that holds our event files: ``<log_dir>/keras_viz``."""

SCHEMA_VERSION = 2

CONTENTS_TAG = "keras_viz_contents"
"""Tag of the contents that `tensorboard_plugin.capture_table` describes."""

NAME_ACTIVATIONS = "activations"
"""The default `name` of activation grids."""

NAME_FILTERS = "filters"
"""The default `name` of filter patterns."""

NAME_IMAGES = "images"
"""The `name` of the held-out images themselves, which are written once a training."""

Kind = typing.Literal["channels", "patterns", "evidence", "image"]
"""What a picture is: a grid of a layer's channels in the colours of their values; a grid of
patterns that a layer's items respond to; a map over an image of what a prediction rests on; an
image as it is."""

KINDS: tuple[Kind, ...] = typing.get_args(Kind)
"""All kinds, in the order in which they are listed."""

PALETTE_LEVELS = 253
"""A grid of channels is a palette PNG: entries 0 to 252 are values from low to high."""

PALETTE_NOT_FINITE = 253
"""The palette entry of a value that is NaN or infinite."""

PALETTE_BLANK = 254
"""The palette entry of a channel that is zero everywhere."""

PALETTE_GAP = 255
"""The palette entry between cells; transparent, so that it suits light and dark pages."""

EVENT_FILE = "tfevents"
"""Part of the name of every event file; a run's files are read in the order of their names."""

_RUN_NAME = re.compile(rf"{RUN_NAME}(-[0-9]+)?")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*(::[a-zA-Z][a-zA-Z0-9+.-]*)*://")
_RECORD_PREFIX = "keras_viz/"
_MEASURES_PREFIX = "keras_viz_measures/"


def local_path(log_dir: str) -> str | None:
    """The directory of this machine that a log directory means; None for a URL of elsewhere.

    ``file://`` and ``local://`` mean this machine, and the rest of such a URL is taken as it is
    written: that is how TensorBoard reads it.
    """
    path = log_dir.removeprefix("file://").removeprefix("local://")
    return None if _URL.match(path) else os.path.expanduser(path)


def is_run_name(name: str) -> bool:
    """Whether a directory of this name is one of our runs: ``keras_viz``, ``keras_viz-2``, …

    A fresh training in a directory that has one already gets the next number, because a run
    whose steps go back loses its later ones in TensorBoard.
    """
    return _RUN_NAME.fullmatch(name) is not None


def numbered_run_name(number: int) -> str:
    """Name of the first, second, … training in one log directory; ``number`` counts from 1."""
    return RUN_NAME if number == 1 else f"{RUN_NAME}-{number}"


def picture_tag(name: str, layer_path: str | None = None, image_name: str | None = None) -> str:
    """``<name>/<layer path>/<image name>``, without the parts that a picture has not."""
    parts = [name]
    if layer_path is not None:
        parts.append(layer_path)
    if image_name is not None:
        parts.append(image_name)
    return "/".join(parts)


def record_tag(tag: str) -> str:
    """Tag of the record that describes the picture of this tag."""
    return _RECORD_PREFIX + tag


def is_record_tag(tag: str) -> bool:
    """Whether a record may have this tag."""
    return tag.startswith(_RECORD_PREFIX)


def measures_tag(name: str) -> str:
    """Tag of the measure tables of a callback.

    Args:
        name: The callback's `name`.
    """
    return _MEASURES_PREFIX + name


def is_measures_tag(tag: str) -> bool:
    """Whether a measure table may have this tag."""
    return tag.startswith(_MEASURES_PREFIX)


def scalar_tag(measure: str, layer_path: str, name: str | None = None) -> str:
    """Tag under which TensorBoard's Scalars show a measure of a layer.

    Args:
        measure: Name of the measure.
        layer_path: Path of the layer.
        name: The callback's `name`; None where it is the default one, which is left out.
    """
    return "/".join((measure, layer_path) if name is None else (measure, name, layer_path))


@dataclass(frozen=True)
class Layer:
    """The layer that a picture shows, or that a number belongs to.

    Attributes:
        path: Names from the model down to the layer, joined by ``/``; a layer that is called
            several times has ``:1``, ``:2``, … after it from its second call on.
        class_name: Name of its Keras class, such as ``Conv2D``.
        index: Place in the network: 0 for the layer that returns first in a forward pass.
        shape: ``(height, width, channels)`` of its maps; of a signal ``(steps, channels)``, drawn
            as a strip, of a volume ``(depth, height, width, channels)``, drawn as slices.
    """

    path: str
    class_name: str
    index: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ClassScore:
    """A class and the probability that the model gives it for this image.

    Attributes:
        index: Class index.
        name: The user's name of the class, or the index as text.
        probability: Between 0 and 1; None where the model returns no probabilities.
    """

    index: int
    name: str
    probability: float | None = None


@dataclass(frozen=True)
class Grid:
    """Where the cells of a grid are, in pixels of the picture. Cells go row by row.

    Attributes:
        columns: Number of columns.
        rows: Number of rows.
        cell_width: Width of a cell.
        cell_height: Height of a cell.
        gap: Pixels between cells and around the grid.
        items: The channel or filter that each cell shows, row by row; the last row may be short.
    """

    columns: int
    rows: int
    cell_width: int
    cell_height: int
    gap: int
    items: tuple[int, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return (
            self.gap + self.rows * (self.cell_height + self.gap),
            self.gap + self.columns * (self.cell_width + self.gap),
        )

    def corner(self, i: int) -> tuple[int, int]:
        """Top and left of cell ``i``: its first row and column of pixels."""
        row, column = divmod(i, max(1, self.columns))  # a damaged record may have none
        return (
            self.gap + row * (self.cell_height + self.gap),
            self.gap + column * (self.cell_width + self.gap),
        )


@dataclass(frozen=True)
class ChannelStatistics:
    """One number for each cell of the grid, over that channel's map; None where not finite.

    For filter patterns ``start`` and ``maximum`` are the filter's mean response to the image
    at which the ascent started and to the pattern at which it ended, and the rest is empty.
    """

    minimum: tuple[float | None, ...] = ()
    maximum: tuple[float | None, ...] = ()
    mean: tuple[float | None, ...] = ()
    std: tuple[float | None, ...] = ()
    start: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Record:
    """What one picture is. Fields that do not apply to a picture keep their defaults.

    Attributes:
        name: First part of the tag: the callback's `name`, which the user may choose.
        tag: Tag of the picture's image summary, which has the same step.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        kind: What the picture is; see `Kind`.
        title: What people call it, such as ``Grad-CAM++``.
        item: The noun of what a cell of its grid shows, such as ``channel``; None without a grid.
        image_bytes: Length of the encoded picture.
        epoch: Keras' epoch, from 0.
        batch: Global training batch, counted from 1; 0 before the first.
        layer: The layer; None where the picture shows none.
        image_name: Name of the held-out image; None where the picture shows none.
        image_index: Place of the image among the held-out images.
        label: The true class, where labels were given.
        prediction: The class that the model predicts for this image at this step.
        target: The class whose score is explained; None for the user's own function.
        grid: Geometry of a grid of channels or filters.
        value_range: Lowest and highest value that the colours show. For ``scale="channel"`` it is
            the range over all cells, each of which is coloured by its own range
            (`ChannelStatistics.minimum` and ``maximum``). For a heat map, the values of the
            darkest and the brightest grey; the lowest is 0 where no value can be negative.
        scale: ``"channel"`` or ``"layer"``.
        colormap: Name of the colour map; None where the picture has its own colours.
        channels: How many channels the layer has, drawn or not.
        statistics: Numbers of each cell.
        measures: Numbers of this picture by name; None where not finite.
        blank: Whether the heat map is zero everywhere: no evidence for the target was found.
        map_shape: ``(height, width)`` of the heat map that follows the JSON; a signal's is one
            pixel high, a volume's has its slices side by side.
        note: What the user should know of this picture, such as what was left out.
        metrics: Keras' logs at this step, by name; None where not finite.
        version: Version of this description.
    """

    name: str
    tag: str
    width: int
    height: int
    kind: Kind = "evidence"
    title: str = ""
    item: str | None = None
    image_bytes: int = 0
    epoch: int = 0
    batch: int = 0
    layer: Layer | None = None
    image_name: str | None = None
    image_index: int | None = None
    label: ClassScore | None = None
    prediction: ClassScore | None = None
    target: ClassScore | None = None
    grid: Grid | None = None
    value_range: tuple[float, float] | None = None
    scale: str | None = None
    colormap: str | None = None
    channels: int | None = None
    statistics: ChannelStatistics | None = None
    measures: dict[str, float | None] = field(default_factory=dict)
    blank: bool = False
    map_shape: tuple[int, int] | None = None
    note: str | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    version: int = SCHEMA_VERSION

    @property
    def technique(self) -> str:
        """The same as `name`, which version 1 of this description called so."""
        return self.name

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative; a heat map then has colours on both sides of 0."""
        return self.value_range is not None and self.value_range[0] < 0


@dataclass(frozen=True)
class MeasureTable:
    """Numbers of layers at one step, without a picture.

    Attributes:
        name: The callback's `name`.
        epoch: Keras' epoch, from 0.
        batch: Global training batch, counted from 1; 0 before the first.
        layers: The layers, in network order.
        measures: For each measure, by its name, one number for each layer; None where not finite.
        metrics: Keras' logs at this step, by name; None where not finite.
        version: Version of this description.
    """

    name: str
    epoch: int = 0
    batch: int = 0
    layers: tuple[Layer, ...] = ()
    measures: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    version: int = SCHEMA_VERSION


def encode_record(record: Record) -> bytes:
    """The record as UTF-8 JSON, fields at their defaults left out (but for the version)."""
    return checked_json.encode(_versioned(record))


def decode_record(data: bytes) -> Record:
    """The record that `encode_record` made, or that a release of version 1 made.

    Fields and kinds of a later version are passed over.

    Raises:
        ValueError: The bytes are not a record.
    """
    record: Record = _decoded(Record, data)
    return record


def encode_measures(table: MeasureTable) -> bytes:
    """The table as UTF-8 JSON, fields at their defaults left out (but for the version)."""
    return checked_json.encode(_versioned(table))


def decode_measures(data: bytes) -> MeasureTable:
    """The table that `encode_measures` made; fields of a later version are passed over.

    Raises:
        ValueError: The bytes are not a table.
    """
    table: MeasureTable = _decoded(MeasureTable, data)
    return table


def measures_content(table: MeasureTable) -> dict[str, typing.Any]:
    """The table as an object to be put into other JSON."""
    return _versioned(table)


def measures_of(content: typing.Any) -> MeasureTable:
    """The table of such an object.

    Raises:
        ValueError: It is none.
    """
    table: MeasureTable = _built(MeasureTable, content)
    return table


def _versioned(value: Record | MeasureTable) -> dict[str, typing.Any]:
    return {**checked_json.changed_fields(value), "version": value.version}


def _decoded(kind: typing.Any, data: bytes) -> typing.Any:
    try:
        content = json.loads(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"Not JSON of keras_viz: {error}") from error
    return _built(kind, content)


def _built(kind: typing.Any, content: typing.Any) -> typing.Any:
    try:
        if kind is Record:
            content = _today(content)
        built = checked_json.build(kind, content)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"Not a {kind.__name__} of keras_viz: {error}") from error
    if isinstance(built, MeasureTable):
        for measure, values in built.measures.items():
            if len(values) != len(built.layers):
                raise ValueError(
                    f"Not a MeasureTable of keras_viz: {measure!r:.80} has {len(values)} numbers "
                    f"for {len(built.layers)} layers"
                )
    return built


def _today(content: typing.Any) -> typing.Any:
    """The JSON of a record, whatever version it was written in."""
    if version_1.is_of_version_1(content):
        return version_1.record(content)
    if isinstance(content, dict) and content.get("kind") not in KINDS:
        return {k: v for k, v in content.items() if k != "kind"}
    return content
