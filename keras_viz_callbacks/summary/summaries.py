"""Summary values as TensorBoard reads them, built without TensorFlow."""

from __future__ import annotations

import functools
from typing import NamedTuple

from tensorboard.compat.proto import summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata

from keras_viz_callbacks.summary.encoding import field_head
from tensorboard_plugin import capture_table, schema


class Value(NamedTuple):
    """An encoded ``Summary.Value`` in three pieces.

    Attributes:
        front: The bytes before the picture.
        large: The picture, which is not copied, or other bytes that may be many.
        back: The bytes after it.
        record: The entry for the contents, if the value is a record.
        picture: The picture's tag, if the value is a picture.
        table: The measure table, if the value is one.
    """

    front: bytes
    large: bytes
    back: bytes
    record: capture_table.PictureEntry | None = None
    picture: str | None = None
    table: schema.MeasureTable | None = None


def image(tag: str, data: bytes, width: int, height: int, description: str = "") -> Value:
    """An image summary of one picture.

    Args:
        tag: The summary's tag.
        data: The encoded picture, PNG or JPEG.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        description: Markdown that the Images tab shows; TensorBoard keeps the first one of a tag.
    """
    size = str(width).encode(), str(height).encode()
    return Value(*_strings(tag, _image_metadata(description), *size, data), picture=tag)


def scalar(tag: str, value: float) -> Value:
    """A scalar summary."""
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_FLOAT,
        tensor_shape=tensor_shape_pb2.TensorShapeProto(),
        float_val=[value],
    )
    summary = summary_pb2.Summary.Value(
        tag=tag.encode(errors="replace").decode(),
        tensor=tensor,
        metadata=scalar_metadata.create_summary_metadata(display_name=None, description=""),
    )
    return Value(summary.SerializeToString(), b"", b"")


def record(content: schema.Record, heat_map: bytes | None = None) -> Value:
    """The record of one picture, to be written before it.

    Args:
        content: What the picture is.
        heat_map: The raw heat map, as `schema` describes it.
    """
    parts = [schema.encode_record(content)] + ([] if heat_map is None else [heat_map])
    pieces = _strings(schema.record_tag(content.tag), _record_metadata(), *parts)
    return Value(*pieces, record=capture_table.entry_of(content, heat_map is not None))


def measures(table: schema.MeasureTable) -> Value:
    """A measure table: numbers of layers, as `schema` describes them."""
    pieces = _strings(
        schema.measures_tag(table.name), _record_metadata(), schema.encode_measures(table)
    )
    return Value(*pieces, table=table)


def contents(static: bytes, changing: bytes) -> Value:
    """The contents of a chunk, to be written before it."""
    return Value(*_strings(schema.CONTENTS_TAG, _record_metadata(), static, changing))


@functools.lru_cache(maxsize=16)
def _image_metadata(description: str) -> bytes:
    metadata = image_metadata.create_summary_metadata(display_name=None, description=description)
    encoded: bytes = metadata.SerializeToString()
    return encoded


@functools.cache
def _record_metadata() -> bytes:
    # TensorBoard's fast loader drops summaries without a data class.
    metadata = summary_pb2.SummaryMetadata(data_class=summary_pb2.DATA_CLASS_TENSOR)
    metadata.plugin_data.plugin_name = schema.PLUGIN_NAME
    encoded: bytes = metadata.SerializeToString()
    return encoded


@functools.cache
def _strings_head(count: int) -> bytes:
    """The first bytes of a tensor of so many strings; the strings are its last field."""
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING)
    tensor.tensor_shape.dim.add(size=count)
    encoded: bytes = tensor.SerializeToString()
    return encoded


def _strings(tag: str, metadata: bytes, *parts: bytes) -> tuple[bytes, bytes, bytes]:
    """A tensor of strings, the last of which may be large."""
    *small, large = parts
    name = tag.encode(errors="replace")  # as in the record
    heads = (field_head(8, len(part)) for part in parts)  # TensorProto.string_val
    strings = b"".join(b"".join(pair) for pair in zip(heads, (*small, b""), strict=True))
    tensor = _strings_head(len(parts)) + strings
    return (
        field_head(1, len(name)) + name + field_head(8, len(tensor) + len(large)) + tensor,
        large,
        field_head(9, len(metadata)) + metadata,
    )
