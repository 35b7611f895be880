"""Tags, records, places: the one contract between what the callbacks write and the tab reads.

Standard library only, so that either side can be read, tested and replaced without the other.

Each picture stands once in the event file, as an image summary (plugin ``images``). Just before it
stands its *record*, a summary of plugin ``keras_viz`` whose string tensor is ``[json]`` or
``[json, heat map]``: the JSON is a `Record`, the heat map a 16-bit greyscale PNG of the class
activation map at the layer's own resolution, 65535 standing for ``value_range[1]``.

In front of the records and pictures that were written in one go, usually a capture, stands their
*contents*: a summary of plugin ``keras_viz`` and tag `CONTENTS_TAG` that says what each picture is
and where it stands, so that a reader need not look at them one by one. It is no more than a
shortcut: who passes it over, or finds that it does not fit what stands behind it, reads the
records. Its string tensor is ``[static, changing]``, all numbers little-endian:

- ``static`` is the same from capture to capture of one callback: a JSON list, deflated (zlib), of
  one object for each picture, in the order of writing, with those fields of its `Record` that do
  not change: ``tag``, ``technique``, ``layer``, ``image_name``, ``image_index``, ``width``,
  ``height``, and ``grid`` and ``levels``, true where it has a grid and where that is coloured.
  Fields at their defaults are left out.
- ``changing`` is `CONTENTS_HEAD`: a version, how many pictures, how many bytes of frames belong to
  them behind the frame of the contents, and the length of the JSON that follows; that JSON:
  ``{"moments": [[epoch, batch, metrics], …], "classes": [[index, name], …]}``; and `CONTENTS_ROW`
  for each picture. Its record's frame begins so many bytes behind the frame of the contents, and
  the picture's frame right behind it; lengths are of payloads.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
import struct
import types
import typing
from dataclasses import dataclass, field

PLUGIN_NAME = "keras_viz"

RUN_NAME = "keras_viz"
"""The run below the user's own that holds our event files: ``<log_dir>/keras_viz``."""

SCHEMA_VERSION = 1

CONTENTS_TAG = "keras_viz_contents"

CONTENTS_VERSION = 1
"""A reader passes over contents of any other."""

CONTENTS_HEAD = struct.Struct("<IIQI")

CONTENTS_ROW = struct.Struct("<3IB4H6d")
"""Record's offset and length; picture's length; flags: 1 for a blank class map, 4 for a heat map;
place of the moment; places of the classes of label, prediction and target, from 1, or 0; wall time;
dead fraction, blank fraction, the three classes' probabilities, NaN where there is none."""

TECHNIQUE_ACTIVATIONS = "activations"
TECHNIQUE_FILTERS = "filters"
TECHNIQUE_IMAGES = "images"
"""The held-out images themselves: written once a training, no layer."""

PALETTE_LEVELS = 253
"""A grid of channels is a palette PNG: entries 0 to 252 stand for values from low to high."""

PALETTE_NOT_FINITE, PALETTE_BLANK, PALETTE_GAP = 253, 254, 255
"""The entries behind: a value that is not finite, a channel that is zero, between cells."""

EVENT_FILE = "tfevents"
"""Stands in the name of every event file; a run's files are read in the order of their names."""

_RUN_NAME = re.compile(rf"{RUN_NAME}(-[0-9]+)?")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*(::[a-zA-Z][a-zA-Z0-9+.-]*)*://")
_RECORD_PREFIX = "keras_viz/"
_type_hints = functools.cache(typing.get_type_hints)


def local_path(log_dir: str) -> str | None:
    """The directory of this machine that a log directory means; None for a URL of elsewhere.

    ``file://`` and ``local://`` stand for this machine, and the rest of such a URL is taken as it
    is written: that is how TensorBoard reads it.
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


def picture_tag(
    technique: str, layer_path: str | None = None, image_name: str | None = None
) -> str:
    """``<technique>/<layer path>/<image name>``, without the parts that a picture has not."""
    parts = [technique]
    if layer_path is not None:
        parts.append(layer_path)
    if image_name is not None:
        parts.append(image_name)
    return "/".join(parts)


def record_tag(tag: str) -> str:
    """Tag of the record that describes the picture of this tag."""
    return _RECORD_PREFIX + tag


def is_record_tag(tag: str) -> bool:
    """Whether this is a record's tag."""
    return tag.startswith(_RECORD_PREFIX)


@dataclass(frozen=True)
class Layer:
    """The layer that a picture shows.

    Attributes:
        path: Names from the model down to the layer, joined by ``/``; a layer that is called
            several times has ``:1``, ``:2``, … behind it from its second call on.
        class_name: Its Keras class, such as ``Conv2D``.
        index: Place in the network: 0 for the layer that answers first in a forward pass.
        shape: ``(height, width, channels)`` of its maps; of a signal ``(steps, channels)``, drawn
            as a strip, of a volume ``(depth, height, width, channels)``, drawn as slices.
    """

    path: str
    class_name: str
    index: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ClassScore:
    """A class and how likely the model holds it for this image.

    Attributes:
        index: Class index.
        name: The user's name of the class, or the index as text.
        probability: Between 0 and 1; None where the model gives no probabilities.
    """

    index: int
    name: str
    probability: float | None = None


@dataclass(frozen=True)
class Grid:
    """Where the cells of a grid lie, in pixels of the picture.

    Cell ``i`` (row by row) covers ``cell_width`` × ``cell_height`` pixels from
    ``gap + (i % columns) * (cell_width + gap)``, ``gap + (i // columns) * (cell_height + gap)``.

    Attributes:
        items: The channel or filter that each cell shows, row by row; the last row may be short.
    """

    columns: int
    rows: int
    cell_width: int
    cell_height: int
    gap: int
    items: tuple[int, ...]


@dataclass(frozen=True)
class ChannelStatistics:
    """One number for each cell of the grid, over that channel's map; None where not finite.

    For filter patterns ``start`` and ``maximum`` are the filter's mean response to the image
    that the ascent began with and to the pattern it ended with, and the rest is empty.
    """

    minimum: tuple[float | None, ...] = ()
    maximum: tuple[float | None, ...] = ()
    mean: tuple[float | None, ...] = ()
    std: tuple[float | None, ...] = ()
    start: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Record:
    """What one picture is. Fields that do not apply to a technique keep their defaults.

    Attributes:
        technique: ``activations``, ``filters``, ``grad_cam``, …; ``images`` for a held-out image.
        tag: Tag of the picture's image summary, of the same step.
        width: Pixels of the picture.
        height: Pixels of the picture.
        image_bytes: Length of the encoded picture.
        epoch: Keras' epoch, from 0.
        batch: Global training batch, counted from 1; 0 before the first.
        layer: None for held-out images.
        image_name: Name of the held-out image; None for filters.
        image_index: Its place among the held-out images.
        label: The true class, where labels were given.
        prediction: The class that the model predicts for this image at this step.
        target: The class whose score the class map explains; None for the user's own function.
        grid: Geometry of a grid of channels or filters.
        value_range: Lowest and highest value behind the colours. For ``scale="channel"`` it is
            the range over all cells, each of which is coloured by its own range
            (`ChannelStatistics.minimum` and ``maximum``).
        scale: ``"channel"`` or ``"layer"``.
        colormap: Name of the colour map, None where the picture has its own colours.
        channels: How many channels the layer has, drawn or not.
        dead_fraction: Fraction of the layer's channels that are zero everywhere on every
            held-out image.
        blank_fraction: The same on this image alone.
        statistics: Numbers of each cell.
        blank: The class map is zero everywhere: no evidence for the target was found.
        map_shape: ``(height, width)`` of the heat map that follows the JSON; a signal's is one
            pixel high, a volume's has its slices side by side.
        note: What the user should know of this picture, such as what was left out.
        metrics: Keras' logs at this step, by name; None where not finite.
    """

    technique: str
    tag: str
    width: int
    height: int
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
    dead_fraction: float | None = None
    blank_fraction: float | None = None
    statistics: ChannelStatistics | None = None
    blank: bool = False
    map_shape: tuple[int, int] | None = None
    note: str | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    version: int = SCHEMA_VERSION


def encode_record(record: Record) -> bytes:
    """The record as UTF-8 JSON, fields at their defaults left out (but for the version)."""
    return encode_json({**_told_fields(record), "version": record.version})


def encode_json(content: typing.Any) -> bytes:
    """Compact JSON in UTF-8, of what may hold dataclasses of this module.

    Raises:
        ValueError: A number is not finite.
    """
    # A lone surrogate in a name must not cost the picture.
    return _encoder().encode(content).encode(errors="replace")


def decode_record(data: bytes) -> Record:
    """The record that `encode_record` made; fields that a later version added are passed over.

    Raises:
        ValueError: The bytes are not a record.
    """
    try:
        record = _from_json(Record, json.loads(data))
    except (TypeError, KeyError, AttributeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"Not a keras_viz record: {error}") from error
    if not isinstance(record, Record):
        raise ValueError(f"Not a keras_viz record: {type(record).__name__}")
    return record


@functools.cache
def _encoder() -> json.JSONEncoder:
    return json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_told_fields
    )


def _told_fields(value: typing.Any) -> dict[str, typing.Any]:
    """The fields of a dataclass that are not at their defaults."""
    kind: typing.Any = type(value)
    defaults = _defaults(kind)
    items = vars(value).items()
    return {k: v for k, v in items if v is not defaults[k] and v != defaults[k]}


@functools.cache
def _defaults(kind: type) -> dict[str, typing.Any]:
    """Default of each field of a dataclass by its name; `dataclasses.MISSING` where it has none.

    Raises:
        TypeError: It is no dataclass.
    """
    return {
        f.name: f.default if f.default_factory is dataclasses.MISSING else f.default_factory()
        for f in dataclasses.fields(kind)
    }


def _from_json(kind: typing.Any, value: typing.Any) -> typing.Any:
    """Builds the dataclasses and tuples back that JSON has flattened, checking as it goes."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        (kind,) = (arm for arm in typing.get_args(kind) if arm is not type(None))
        return _from_json(kind, value)
    if origin is tuple:
        item = typing.get_args(kind)[0]
        if not isinstance(value, list):
            raise TypeError(f"a list was expected, not {value!r:.80}")
        return tuple(_from_json(item, v) for v in value)
    if origin is dict:
        _, item = typing.get_args(kind)
        return {str(k): _from_json(item, v) for k, v in value.items()}
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise TypeError(f"an object was expected, not {value!r:.80}")
        make: typing.Any = kind
        hints = _type_hints(make)
        return make(**{k: _from_json(hints[k], v) for k, v in value.items() if k in hints})
    if kind is float and isinstance(value, int):
        return float(value)
    if not isinstance(value, kind):
        raise TypeError(f"{kind.__name__} was expected, not {value!r:.80}")
    return value
