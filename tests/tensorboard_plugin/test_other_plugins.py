"""Records are recognised by the name of their plugin: summaries of others may have any tag."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.compat.proto import summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2

from keras_viz_callbacks.summary import summaries
from keras_viz_callbacks.summary.event_file import EventFile
from keras_viz_callbacks.summary.results import Drawing, Measured
from tensorboard_plugin import schema
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.run_index import RunIndex

LAYER = schema.Layer("conv", "Conv2D", 0, (4, 4, 8))
TAGS = [
    schema.record_tag("x"),
    schema.record_tag("t/conv/image_0"),
    schema.measures_tag("t"),
    schema.CONTENTS_TAG,
    schema.CONTENTS_TAG + "/x",
]


def text(tag: str, *strings: bytes) -> summaries.Value:
    """A text summary, as `tf.summary.text` writes it."""
    shape = tensor_shape_pb2.TensorShapeProto(
        dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=len(strings))]
    )
    metadata = summary_pb2.SummaryMetadata(data_class=summary_pb2.DATA_CLASS_TENSOR)
    metadata.plugin_data.plugin_name = "text"
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=list(strings)
    )
    value = summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)
    return summaries.Value(value.SerializeToString(), b"", b"")


def without_metadata(tag: str) -> summaries.Value:
    """An old scalar summary, which names no plugin."""
    return summaries.Value(
        summary_pb2.Summary.Value(tag=tag, simple_value=1.0).SerializeToString(), b"", b""
    )


def drawing(name: str, path: str = "conv") -> Drawing:
    tag = schema.picture_tag(name, path, "image_0")
    record = schema.Record(name, tag, 1, 1, kind="channels", layer=LAYER, image_name="image_0")
    return Drawing(record, b"png")


def index_of(directory: Path, *captures: list[summaries.Value]) -> RunIndex:
    file = EventFile(str(directory / schema.RUN_NAME))
    for step, values in enumerate(captures):
        file.write(step, values)
        file.flush()
    file.close()
    index = LogIndex(log_directories(str(directory)))
    index.refresh(seconds=60)
    (run,) = index.runs.values()
    return run


@pytest.mark.parametrize("tag", TAGS)
def test_summaries_of_the_users_own_are_no_problem(tag: str, tmp_path: Path) -> None:
    table = schema.MeasureTable("t", layers=(LAYER,), measures={"dead_channels": (0.5,)})
    own = [*drawing("t").values(), *Measured(table).values()]
    others = [
        summaries.scalar(tag, 1.0),
        text(tag, b"{}"),
        text(tag, b"one", b"two"),
        without_metadata(tag),
    ]
    run = index_of(tmp_path, own, others, [*others, *own], [*own, *others])
    assert run.all_problems() == (0, [])
    (series,) = run.series.values()
    assert series.tag == "t/conv/image_0"
    assert list(series.step) == [0, 2, 3]
    assert [measure.measure for measure in run.measures] == ["dead_channels"]


@pytest.mark.parametrize("name", ["keras_viz", "keras_viz_measures", "keras_viz_contents"])
def test_a_callback_may_have_any_of_these_names(name: str, tmp_path: Path) -> None:
    table = schema.MeasureTable(name, layers=(LAYER,), measures={"dead_channels": (0.5,)})
    scalar = (schema.scalar_tag("dead_channels", "conv", name), 0.5)
    own = [*drawing(name).values(), *Measured(table, [scalar]).values()]
    irregular = [*drawing(name).values(), summaries.image("other", b"png", 1, 1)]  # no contents
    run = index_of(tmp_path, own, irregular)
    assert run.all_problems() == (0, [])
    (series,) = run.series.values()
    assert series.tag == f"{name}/conv/image_0"
    assert list(series.step) == [0, 1]


def test_scalars_of_a_measure_are_no_records(tmp_path: Path) -> None:
    scalar = summaries.scalar("keras_viz/cka/conv", 0.5)
    run = index_of(tmp_path, [scalar], [*drawing("t").values(), scalar])
    assert run.all_problems() == (0, [])
    assert list(run.series) == ["t/conv/image_0"]
