"""Summary values as TensorBoard reads them, built without TensorFlow."""

from __future__ import annotations

from typing import Any, TypeAlias

from tensorboard.compat.proto import summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata

from tensorboard_plugin import schema

Value: TypeAlias = Any
"""A ``tensorboard.compat.proto.summary_pb2.Summary.Value``, which is generated and untyped."""


def image(tag: str, png: bytes, width: int, height: int, description: str = "") -> Value:
    """An image summary of one PNG.

    Args:
        tag: The summary's tag.
        png: The encoded picture.
        width: Its pixels across.
        height: Its pixels down.
        description: Markdown that the Images tab shows; only a tag's first is kept.
    """
    return summary_pb2.Summary.Value(
        tag=tag,
        tensor=_strings(str(width).encode(), str(height).encode(), png),
        metadata=image_metadata.create_summary_metadata(display_name=None, description=description),
    )


def scalar(tag: str, value: float) -> Value:
    """A scalar summary."""
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_FLOAT,
        tensor_shape=tensor_shape_pb2.TensorShapeProto(),
        float_val=[value],
    )
    return summary_pb2.Summary.Value(
        tag=tag,
        tensor=tensor,
        metadata=scalar_metadata.create_summary_metadata(display_name=None, description=""),
    )


def record(content: schema.Record, heat_map: bytes | None = None) -> Value:
    """The record of one picture, to be written before it.

    Args:
        content: What the picture is.
        heat_map: The raw class activation map, as `schema` describes it.
    """
    # TensorBoard's fast loader drops summaries without a data class.
    metadata = summary_pb2.SummaryMetadata(data_class=summary_pb2.DATA_CLASS_TENSOR)
    metadata.plugin_data.plugin_name = schema.PLUGIN_NAME
    parts = [schema.encode_record(content)] + ([] if heat_map is None else [heat_map])
    return summary_pb2.Summary.Value(
        tag=schema.record_tag(content.tag), tensor=_strings(*parts), metadata=metadata
    )


def _strings(*parts: bytes) -> tensor_pb2.TensorProto:
    shape = tensor_shape_pb2.TensorShapeProto()
    shape.dim.add(size=len(parts))
    return tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=list(parts)
    )
