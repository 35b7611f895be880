"""The contents of a capture, or of a part of it: made by the writer, read by the tab.

Before the records and pictures that were written together comes a summary of plugin ``keras_viz``
and tag `schema.CONTENTS_TAG`, the *contents*. It says what each picture is and where it is, so that
a reader need not look at them one by one. It is no more than a shortcut: a reader that ignores it,
or finds that it does not match the frames after it, reads the records. Its string tensor is
``[static, changing]``, all numbers little-endian:

- ``static`` is the same from capture to capture of one callback. It is deflated JSON (zlib):
  ``{"measures": [name, …], "pictures": [object, …]}``, with the names of the pictures' measures,
  and for each picture, in the order of writing, those fields of its `schema.Record` that do not
  change: ``tag``, ``name``, ``kind``, ``title``, ``item``, ``layer``, ``image_name``,
  ``image_index``, ``width``, ``height``; and ``grid`` and ``levels``, true where it has a grid and
  where that grid is coloured. Fields that are None or false are left out.
- ``changing`` begins with `CONTENTS_HEAD`: a version, how many pictures, how many bytes of frames
  after the frame of the contents belong to them, and the length of the JSON that follows. That
  JSON is ``{"moments": [[epoch, batch, metrics], …], "classes": [[index, name], …], "tables":
  [object, …]}``; a table is a `schema.MeasureTable` that lies in these frames. Then comes a row
  for each picture: `CONTENTS_ROW`, and one double for each of the measures, NaN where the picture
  has none. The frame of its record begins ``offset`` bytes after the frame of the contents, and the
  picture's frame follows it; lengths are of payloads.

Nothing that is read is trusted.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import struct
import typing
import zlib

from tensorboard_plugin import checked_json, schema, version_1
from tensorboard_plugin.checked_json import number
from tensorboard_plugin.tfrecord import FRAME_BYTES

CONTENTS_VERSION = 2
"""A reader ignores contents of a later version."""

CONTENTS_HEAD = struct.Struct("<IIQI")

CONTENTS_ROW = struct.Struct("<3IB4H4d")
"""Offset and length of the record; length of the picture; flags; place of the moment; places of the
classes of label, prediction and target, from 1, or 0 for none; wall time; the three classes'
probabilities, NaN where there is none."""

BLANK = 1
"""Flag of a heat map that is zero everywhere."""

HAS_HEAT_MAP = 4
"""Flag of a picture with a heat map."""

MOST_PICTURES = 256
"""The writer lists no more in one of them, so that none takes long to be read."""

MAX_STATIC = 1024 * 1024
"""Bytes of the JSON of what does not change; there are no contents where it would be longer."""

_KEPT = 8  # callbacks on one run, or parts that `layers_per_capture` goes through

_MALFORMED = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    RecursionError,
    struct.error,
    zlib.error,
)

_NO_CLASSES = None, None, None
_NO_PLACES: tuple[int, ...] = 0, 0, 0

Class = tuple[int, str]
"""Index and name of a class."""

Moment = tuple[int, int, dict[str, typing.Any]]
"""Epoch, batch, metrics."""


class PictureEntry(typing.NamedTuple):
    """What the writer lists of one picture, except for its place in the file."""

    tag: str
    static: bytes  # JSON of what does not change
    moment: Moment
    classes: tuple[Class | None, ...]  # of label, prediction and target
    probabilities: tuple[float, ...]  # of these classes
    measures: dict[str, float | None]
    flags: int


class PlacedEntry(typing.NamedTuple):
    """One picture, and where it is.

    Attributes:
        entry: What is listed of it.
        offset: Where its record's frame begins, after the frame of the contents.
        record_length: Length of the record's payload.
        length: Length of the picture's payload.
        wall_time: The picture's.
    """

    entry: PictureEntry
    offset: int
    record_length: int
    length: int
    wall_time: float


class StaticFields(typing.NamedTuple):
    """What does not change from capture to capture of one picture, as the reader has it."""

    tag: str
    name: str
    kind: str
    title: str
    item: str | None
    layer: dict[str, typing.Any] | None
    image_name: str | None
    image_index: int | None
    width: int
    height: int
    is_grid: bool
    has_levels: bool


class Row(typing.NamedTuple):
    """The numbers of one picture; the fields of `CONTENTS_ROW`, then its measures.

    Attributes:
        measures: One number for each of `CaptureTable.measures`; NaN where it has none.
    """

    offset: int
    record_length: int
    length: int
    flags: int
    moment: int
    label: int
    prediction: int
    target: int
    wall_time: float
    label_probability: float
    prediction_probability: float
    target_probability: float
    measures: tuple[float, ...]


_FIXED = len(Row._fields) - 1
_new_row = functools.partial(tuple.__new__, Row)


class CaptureTable(typing.NamedTuple):
    """Contents as the reader has them.

    Attributes:
        pictures: The static fields of each picture.
        rows: The numbers of each picture.
        measures: Names of the pictures' measures.
        moments: The moments that rows refer to.
        classes: The classes that rows refer to, from 1: the first is None.
        tables: The measure tables among the frames.
        size: Bytes of the frames.
    """

    pictures: tuple[StaticFields, ...]
    rows: list[Row]
    measures: tuple[str, ...]
    moments: list[Moment]
    classes: list[Class | None]
    tables: tuple[schema.MeasureTable, ...]
    size: int

    def measures_of(self, row: Row) -> dict[str, float]:
        """The finite numbers of a picture by their names."""
        pairs = zip(self.measures, row.measures, strict=True)
        return {name: known for name, value in pairs if (known := number(value)) == known}

    @property
    def last(self) -> tuple[int, int]:
        """Where the last picture's frame begins after the contents, and its payload's length."""
        row = self.rows[-1]
        return row.offset + FRAME_BYTES + row.record_length, row.length


def entry_of(record: schema.Record, has_heat_map: bool) -> PictureEntry:
    """What is listed of a record's picture."""
    is_grid = record.grid is not None
    scores = record.label, record.prediction, record.target
    return PictureEntry(
        record.tag,
        _encoded_static(
            record.tag,
            record.name,
            record.kind,
            record.title,
            record.item,
            record.layer,
            record.image_name,
            record.image_index,
            record.width,
            record.height,
            is_grid,
            is_grid and record.colormap is not None,
        ),
        (record.epoch, record.batch, record.metrics),
        tuple(None if score is None else (score.index, score.name) for score in scores),
        tuple(math.nan if score is None else _or_nan(score.probability) for score in scores),
        record.measures,
        BLANK * record.blank | HAS_HEAT_MAP * has_heat_map,
    )


def encode(
    pictures: typing.Sequence[PlacedEntry],
    size: int,
    tables: typing.Sequence[schema.MeasureTable] = (),
) -> tuple[bytes, bytes]:
    """The two strings of the contents.

    Args:
        pictures: In the order of writing, at least one.
        size: Bytes of the frames that are written together.
        tables: The measure tables among them.

    Raises:
        ValueError: They are too many or too large to be listed.
    """
    moments: list[Moment] = []
    classes: dict[Class, int] = {}
    measures = tuple(dict.fromkeys(name for placed in pictures for name in placed.entry.measures))
    pack = _row_struct(CONTENTS_ROW, len(measures)).pack
    rows = []
    moment, at = None, 0
    try:
        for entry, offset, record_length, length, wall_time in pictures:
            if entry.moment != moment:
                moment = entry.moment
                if moment not in moments:
                    moments.append(moment)
                at = moments.index(moment)
            places = _NO_PLACES
            if entry.classes != _NO_CLASSES:
                places = tuple(
                    0 if one is None else classes.setdefault(one, len(classes) + 1)
                    for one in entry.classes
                )
            fixed = offset, record_length, length, entry.flags, at, *places, wall_time
            known = entry.measures.get
            numbers = [math.nan if (n := known(name)) is None else n for name in measures]
            rows.append(pack(*fixed, *entry.probabilities, *numbers))
        content: dict[str, typing.Any] = {"moments": moments, "classes": list(classes)}
        if tables:
            content["tables"] = [schema.measures_content(table) for table in tables]
        text = checked_json.encode(content)
        head = CONTENTS_HEAD.pack(CONTENTS_VERSION, len(rows), size, len(text))
    except struct.error as error:
        raise ValueError(f"This can't be listed: {error}") from error
    static = _deflated(measures, tuple(placed.entry.static for placed in pictures))
    return static, b"".join((head, text, *rows))


def decode(static: bytes, changing: bytes) -> CaptureTable:
    """The contents that `encode` made, or that a release of version 1 made.

    Raises:
        ValueError: They are of a later version, malformed, or contradict themselves.
    """
    try:
        return _decode(static, changing)
    except _MALFORMED as error:
        raise ValueError(f"Not contents of keras_viz: {error}") from error


def _decode(static: bytes, changing: bytes) -> CaptureTable:
    version, count, size, length = CONTENTS_HEAD.unpack_from(changing)
    if version not in (version_1.VERSION, CONTENTS_VERSION):
        raise ValueError("another version")
    measures, pictures = _static_fields(static, version)
    begin = CONTENTS_HEAD.size + length
    layout = _row_struct(CONTENTS_ROW, len(measures))
    if version == version_1.VERSION:
        layout = version_1.CONTENTS_ROW
    if count != len(pictures) or len(changing) != begin + count * layout.size:
        raise ValueError("they are cut")
    content = json.loads(changing[CONTENTS_HEAD.size : begin])
    moments = [_moment(*moment) for moment in content["moments"]]
    classes = [None, *(_class(*each) for each in content["classes"])]
    values = layout.iter_unpack(changing[begin:])
    if version == version_1.VERSION:
        old = list(values)
        tables = version_1.tables(pictures, old, moments)
        values = map(version_1.row, old)
    else:
        tables = content.get("tables", [])
    columns = list(zip(*values, strict=True))
    rows = _rows(columns)
    _check(dict(zip(Row._fields, columns, strict=False)), size, len(moments), len(classes))
    return CaptureTable(
        pictures,
        rows,
        measures,
        moments,
        classes,
        tuple(schema.measures_of(table) for table in tables),
        size,
    )


def _rows(columns: list[tuple[typing.Any, ...]]) -> list[Row]:
    """Rows of these columns: the fixed ones, then one for each measure."""
    measures: typing.Iterable[tuple[float, ...]] = zip(*columns[_FIXED:], strict=True)
    if len(columns) == _FIXED:
        measures = itertools.repeat((), len(columns[0]))
    # An index of a long training has a great many of them: this is three times as fast as a loop.
    return list(map(_new_row, zip(*columns[:_FIXED], measures, strict=True)))


def _check(
    columns: dict[str, tuple[typing.Any, ...]], size: int, moments: int, classes: int
) -> None:
    """Checks all rows at once.

    Args:
        columns: The fields of `CONTENTS_ROW` by their names in `Row`.
        size: Bytes of the frames.
        moments: Number of moments.
        classes: Number of classes, with the one that means none.
    """
    at = 0
    places = (columns[name] for name in ("offset", "record_length", "length"))
    for offset, record_length, length in zip(*places, strict=True):
        if offset < at:
            raise ValueError("what they list overlaps")
        at = offset + 2 * FRAME_BYTES + record_length + length
    highest = max(max(columns[name]) for name in ("label", "prediction", "target"))
    if max(columns["moment"]) >= moments or highest >= classes:
        raise ValueError("they refer to what they do not have")
    if at > size:
        raise ValueError("they list more than there is")


@functools.lru_cache(maxsize=_KEPT)
def _static_fields(static: bytes, version: int) -> tuple[tuple[str, ...], tuple[StaticFields, ...]]:
    """Names of measures, and the static fields of each picture."""
    inflater = zlib.decompressobj()
    text = inflater.decompress(static, MAX_STATIC)
    if not inflater.eof:
        raise ValueError("cut, or too long")
    content = json.loads(text)
    if version == version_1.VERSION:
        content = version_1.static_content(content)
    found = tuple(map(_static, content["pictures"]))
    if not found:
        raise ValueError("they list nothing")
    measures = tuple(map(_required_text, content["measures"]))
    return measures, found


def _static(value: dict[str, typing.Any]) -> StaticFields:
    kind = value.get("kind")
    return StaticFields(
        _required_text(value["tag"]),
        _required_text(value["name"]),
        kind if kind in schema.KINDS else schema.Record.kind,
        checked_json.text(value.get("title")) or "",
        checked_json.text(value.get("item")),
        checked_json.checked_layer(value.get("layer")),
        checked_json.text(value.get("image_name")),
        checked_json.integer(value.get("image_index"), None),
        checked_json.integer(value.get("width"), 0),
        checked_json.integer(value.get("height"), 0),
        value.get("grid") is True,
        value.get("levels") is True,
    )


def _required_text(value: typing.Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text was expected, not {value!r:.80}")
    return value


def _moment(epoch: typing.Any, batch: typing.Any, metrics: typing.Any) -> Moment:
    return (
        checked_json.integer(epoch, 0),
        checked_json.integer(batch, 0),
        metrics if isinstance(metrics, dict) else {},
    )


def _class(index: typing.Any, name: typing.Any) -> Class | None:
    score = checked_json.checked_score({"index": index, "name": name})
    return None if score is None else (score["index"], score["name"])


@functools.lru_cache(maxsize=1024)
def _encoded_static(
    tag: str,
    name: str,
    kind: str,
    title: str,
    item: str | None,
    layer: schema.Layer | None,
    image_name: str | None,
    image_index: int | None,
    width: int,
    height: int,
    is_grid: bool,
    has_levels: bool,
) -> bytes:
    content = {
        "tag": tag,
        "name": name,
        "kind": kind,
        "title": title or None,
        "item": item,
        "layer": layer,
        "image_name": image_name,
        "image_index": image_index,
        "width": width,
        "height": height,
        "grid": is_grid or None,
        "levels": has_levels or None,
    }
    return checked_json.encode({k: v for k, v in content.items() if v is not None})


@functools.lru_cache(maxsize=_KEPT)
def _deflated(measures: tuple[str, ...], pictures: tuple[bytes, ...]) -> bytes:
    names = checked_json.encode(measures)
    text = b'{"measures":' + names + b',"pictures":[' + b",".join(pictures) + b"]}"
    if len(text) > MAX_STATIC:
        raise ValueError("This can't be listed: its names are too long")
    return zlib.compress(text)


@functools.lru_cache(maxsize=_KEPT)
def _row_struct(fixed: struct.Struct, measures: int) -> struct.Struct:
    return struct.Struct(f"{fixed.format}{measures}d")


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
