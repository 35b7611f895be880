"""Events are those that protocol buffers make, in frames that TensorBoard reads."""

import tempfile

from google_crc32c import value as crc32c
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto import event_pb2

from keras_viz_callbacks.summary import framing, summaries
from keras_viz_callbacks.summary.event_file import EventFile
from tensorboard_plugin.tfrecord import FRAME_BYTES, masked


@settings(deadline=None, max_examples=50)
@given(
    step=st.integers(-(2**63), 2**63 - 1),
    wall_time=st.floats(allow_nan=False),
    size=st.sampled_from([0, 1, 100, 127, 128, 16383, 16384, 100_000]) | st.integers(0, 40_000),
)
def test_an_event_is_the_one_that_protocol_buffers_make(step, wall_time, size):
    value = summaries.image("a", b"p" * size, 3, 4)
    with tempfile.TemporaryDirectory() as directory:
        file = EventFile(directory)
        file.write(step, [value], wall_time=wall_time)
        file.flush()
        (_, raw) = RawEventFileLoader(file.path).Load()
        file.close()
    expected = event_pb2.Event(wall_time=wall_time, step=step)
    expected.summary.value.add().MergeFromString(b"".join(value[:3]))
    assert raw == expected.SerializeToString()


def test_a_small_frame_is_one_piece_and_a_large_picture_is_not_copied():
    head, large = framing.event_head(1, 2.0), bytes(20_000)
    small = framing.frame(head, b"front", b"picture", b"back")
    assert framing.pieces(small) == [small.front]
    assert len(small.front) == small.length + FRAME_BYTES
    frame = framing.frame(head, b"front", large, b"back")
    front, picture, back = framing.pieces(frame)
    assert picture is large
    assert back.startswith(b"back")
    assert len(front) + len(picture) + len(back) == frame.length + FRAME_BYTES
    payload = front[12:] + picture + back[:-4]
    assert back[-4:] == masked(crc32c(payload)).to_bytes(4, "little")


def test_a_file_begins_with_the_version_of_its_format(tmp_path):
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(framing.file_header())
    (raw,) = RawEventFileLoader(str(path)).Load()
    assert event_pb2.Event.FromString(raw).file_version == "brain.Event:2"
