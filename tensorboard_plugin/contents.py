"""Contents of what was written in one go, made by the writer and read by the index.

`schema` has the format. Standard library only, as there. Nothing that is read is trusted.
"""

from __future__ import annotations

import functools
import json
import math
import struct
import typing
import zlib

from tensorboard_plugin import schema
from tensorboard_plugin.index import record_fields

MOST_PICTURES = 256
"""The writer lists no more in one of them, so that none takes long to be read."""

MAX_STATIC = 1024 * 1024
"""Bytes of the JSON of what does not change; there are no contents where it would be longer."""

FRAME = 16
"""Bytes of a frame that are not its payload."""

_KEPT = 8  # callbacks on one run, or parts that `layers_per_capture` goes through

_NOT_OURS = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
    struct.error,
    zlib.error,
)

_NO_CLASSES = None, None, None
_NO_PLACES: tuple[int, ...] = 0, 0, 0

_Class = tuple[int, str]
_Moment = tuple[int, int, dict[str, typing.Any]]


class Told(typing.NamedTuple):
    """What contents tell of one picture, but for where it lies."""

    tag: str
    still: bytes  # JSON of what does not change
    moment: _Moment
    classes: tuple[_Class | None, ...]  # of label, prediction and target
    numbers: tuple[float, ...]  # the last five of `schema.CONTENTS_ROW`
    flags: int


Listed = tuple[Told, int, int, int, float]
"""One picture: what is told of it, where its record's frame begins behind the frame of the
contents, the lengths of the payloads of record and picture, and the picture's wall time."""


class Still(typing.NamedTuple):
    """What does not change from capture to capture of one picture."""

    tag: str
    technique: str
    layer: dict[str, typing.Any] | None
    image_name: str | None
    image_index: int | None
    width: int
    height: int
    is_grid: bool
    has_levels: bool


class Contents(typing.NamedTuple):
    """What stands behind, as `schema` describes it; the columns have a number for each picture."""

    stills: tuple[Still, ...]
    moments: list[_Moment]
    classes: list[_Class | None]  # from 1: the first stands for none
    columns: list[tuple[typing.Any, ...]]
    size: int

    @property
    def last(self) -> tuple[int, int]:
        """Where the last picture's frame begins behind the contents, and its payload's length."""
        offsets, record_lengths, lengths, *_ = self.columns
        return offsets[-1] + FRAME + record_lengths[-1], lengths[-1]


def told(record: schema.Record, has_heat_map: bool) -> Told:
    """What contents will tell of a record's picture."""
    is_grid = record.grid is not None
    scores = record.label, record.prediction, record.target
    return Told(
        record.tag,
        _encoded_still(
            record.tag,
            record.technique,
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
        (
            _or_nan(record.dead_fraction),
            _or_nan(record.blank_fraction),
            *(math.nan if score is None else _or_nan(score.probability) for score in scores),
        ),
        record_fields.BLANK * record.blank | record_fields.HAS_HEAT_MAP * has_heat_map,
    )


def encode(pictures: typing.Sequence[Listed], size: int) -> tuple[bytes, bytes]:
    """The two strings of the contents.

    Args:
        pictures: In the order of writing, at least one.
        size: Bytes of the frames that were written in one go.

    Raises:
        ValueError: They are too many or too large to be listed.
    """
    moments: list[_Moment] = []
    classes: dict[_Class, int] = {}
    rows = []
    pack = schema.CONTENTS_ROW.pack
    moment, at = None, 0
    try:
        for told, offset, record_length, length, wall_time in pictures:
            if told.moment != moment:
                moment = told.moment
                if moment not in moments:
                    moments.append(moment)
                at = moments.index(moment)
            places = _NO_PLACES
            if told.classes != _NO_CLASSES:
                places = tuple(
                    0 if one is None else classes.setdefault(one, len(classes) + 1)
                    for one in told.classes
                )
            place = offset, record_length, length
            rows.append(pack(*place, told.flags, at, *places, wall_time, *told.numbers))
        text = schema.encode_json({"moments": moments, "classes": list(classes)})
        head = schema.CONTENTS_HEAD.pack(schema.CONTENTS_VERSION, len(rows), size, len(text))
    except struct.error as error:
        raise ValueError(f"This can't be listed: {error}") from error
    return _deflated(tuple(told.still for told, *_ in pictures)), b"".join((head, text, *rows))


def decode(static: bytes, changing: bytes) -> Contents:
    """The contents that `encode` made.

    Raises:
        ValueError: These are none, or they contradict themselves.
    """
    try:
        return _decode(static, changing)
    except _NOT_OURS as error:
        raise ValueError(f"Not contents of keras_viz: {error}") from error


def _decode(static: bytes, changing: bytes) -> Contents:
    version, count, size, length = schema.CONTENTS_HEAD.unpack_from(changing)
    begin = schema.CONTENTS_HEAD.size + length
    stills = _stills(static)
    if (
        version != schema.CONTENTS_VERSION
        or count != len(stills)
        or len(changing) != begin + count * schema.CONTENTS_ROW.size
    ):
        raise ValueError("another version, or cut")
    told = json.loads(changing[schema.CONTENTS_HEAD.size : begin])
    moments = [_moment(*moment) for moment in told["moments"]]
    classes = [None, *(_class(*each) for each in told["classes"])]
    columns = list(zip(*schema.CONTENTS_ROW.iter_unpack(changing[begin:]), strict=True))
    at = 0
    for offset, record_length, picture_length in zip(*columns[:3], strict=True):
        if offset < at:
            raise ValueError("what they list overlaps")
        at = offset + 2 * FRAME + record_length + picture_length
    if at > size or max(columns[4]) >= len(moments) or max(map(max, columns[5:8])) >= len(classes):
        raise ValueError("they point outside")
    return Contents(stills, moments, classes, columns, size)


@functools.lru_cache(maxsize=_KEPT)
def _stills(static: bytes) -> tuple[Still, ...]:
    inflater = zlib.decompressobj()
    text = inflater.decompress(static, MAX_STATIC)
    if not inflater.eof:
        raise ValueError("cut, or too long")
    found = tuple(map(_still, json.loads(text)))
    if not found:
        raise ValueError("they list nothing")
    return found


def _still(value: dict[str, typing.Any]) -> Still:
    tag, technique = value["tag"], value["technique"]
    if not isinstance(tag, str) or not isinstance(technique, str):
        raise TypeError("a tag and a technique were expected")
    return Still(
        tag,
        technique,
        record_fields.checked_layer(value.get("layer")),
        record_fields.text(value.get("image_name")),
        record_fields.integer(value.get("image_index"), None),
        record_fields.integer(value.get("width"), 0),
        record_fields.integer(value.get("height"), 0),
        value.get("grid") is True,
        value.get("levels") is True,
    )


def _moment(epoch: typing.Any, batch: typing.Any, metrics: typing.Any) -> _Moment:
    return (
        record_fields.integer(epoch, 0),
        record_fields.integer(batch, 0),
        metrics if isinstance(metrics, dict) else {},
    )


def _class(index: typing.Any, name: typing.Any) -> _Class | None:
    score = record_fields.checked_score({"index": index, "name": name})
    return None if score is None else (score["index"], score["name"])


@functools.lru_cache(maxsize=1024)
def _encoded_still(
    tag: str,
    technique: str,
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
        "technique": technique,
        "layer": layer,
        "image_name": image_name,
        "image_index": image_index,
        "width": width,
        "height": height,
        "grid": is_grid or None,
        "levels": has_levels or None,
    }
    return schema.encode_json({k: v for k, v in content.items() if v is not None})


@functools.lru_cache(maxsize=_KEPT)
def _deflated(stills: tuple[bytes, ...]) -> bytes:
    text = b"[" + b",".join(stills) + b"]"
    if len(text) > MAX_STATIC:
        raise ValueError("This can't be listed: its names are too long")
    return zlib.compress(text)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
