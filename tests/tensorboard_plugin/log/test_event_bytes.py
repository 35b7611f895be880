from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2

from keras_viz_callbacks.summary import summaries
from tensorboard_plugin.log import event_bytes


@settings(max_examples=60)
@given(
    step=st.integers(-(2**63), 2**63 - 1),
    wall_time=st.floats(allow_nan=False),
    tag=st.text(st.characters(codec="utf-8"), max_size=300),
    png=st.binary(max_size=300),
    known=st.integers(0, 700),
)
def test_the_head_is_what_protocol_buffers_read(
    step: int, wall_time: float, tag: str, png: bytes, known: int
) -> None:
    value = summaries.image(tag, png, 3, 4)
    event = event_pb2.Event(step=step, wall_time=wall_time)
    event.summary.value.add().MergeFromString(b"".join(value[:3]))
    data = event.SerializeToString()
    try:
        head = event_bytes.read_event_head(data[:known], len(data))
    except event_bytes.MoreBytesNeeded:
        # Without a tag it is searched for after the picture; else nothing there is needed.
        assert known < len(data) - (len(png) if tag else 0)
        return
    assert head is not None or not tag  # an empty tag is not written at all
    if head is not None:
        strings = [data[a : a + n] for a, n in head.strings]
        assert (head.step, head.wall_time, head.tag) == (step, wall_time, tag)
        assert strings[:2] == [b"3", b"4"]
        assert head.strings[2][1] == len(png)
