from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.image import metadata as image_metadata

from keras_viz_callbacks.summary import summaries
from keras_viz_callbacks.summary.event_file import EventFile
from tensorboard_plugin import schema


def accumulated(tmp_path, *values):
    file = EventFile(str(tmp_path))
    file.write(3, values)
    file.close()
    accumulator = EventAccumulator(str(tmp_path))
    accumulator.Reload()
    return accumulator


def test_tensorboard_reads_an_image(tmp_path):
    accumulator = accumulated(tmp_path, summaries.image("a/b", b"png", 7, 5))
    (event,) = accumulator.Tensors("a/b")
    assert event.step == 3
    assert list(event.tensor_proto.string_val) == [b"7", b"5", b"png"]
    content = accumulator.SummaryMetadata("a/b")
    assert content.plugin_data.plugin_name == image_metadata.PLUGIN_NAME


def test_tensorboard_reads_a_scalar(tmp_path):
    accumulator = accumulated(tmp_path, summaries.scalar("dead_channels/conv", 0.25))
    (event,) = accumulator.Tensors("dead_channels/conv")
    assert list(event.tensor_proto.float_val) == [0.25]


def test_a_record_has_a_tag_of_its_own_and_its_heat_map(tmp_path):
    record = schema.Record("grad_cam", "grad_cam/conv/image_0", 4, 4)
    accumulator = accumulated(tmp_path, summaries.record(record, b"heat"))
    tag = schema.record_tag(record.tag)
    (event,) = accumulator.Tensors(tag)
    text, heat = event.tensor_proto.string_val
    assert schema.decode_record(text) == record
    assert heat == b"heat"
    assert accumulator.SummaryMetadata(tag).plugin_data.plugin_name == schema.PLUGIN_NAME


def test_what_was_written_together_has_contents_that_tensorboard_ignores(tmp_path):
    record = schema.Record("grad_cam", "grad_cam/conv/image_0", 4, 4)
    values = summaries.record(record), summaries.image(record.tag, b"png", 4, 4)
    accumulator = accumulated(tmp_path, *values)
    (event,) = accumulator.Tensors(schema.CONTENTS_TAG)
    assert event.step == 3
    assert len(event.tensor_proto.string_val) == 2
    plugin = accumulator.SummaryMetadata(schema.CONTENTS_TAG).plugin_data.plugin_name
    assert plugin == schema.PLUGIN_NAME
    assert len(accumulator.Tensors(record.tag)) == 1
