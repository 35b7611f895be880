"""Protocol buffers by hand are those that the library makes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2

from keras_viz_callbacks.summary.encoding import field_head, varint


@settings(deadline=None)
@given(st.integers(0, 2**63 - 1))
def test_a_varint_is_the_one_of_the_library(number):
    expected = event_pb2.Event(step=number).SerializeToString() or b"\x10\x00"
    assert b"\x10" + varint(number) == expected


@pytest.mark.parametrize("number", [0x7F, 0x80, 0x3FFF, 0x4000, 0x1FFFFF, 0x200000])
def test_a_varint_at_each_change_of_its_length(number):
    found = varint(number)
    assert sum((byte & 0x7F) << 7 * i for i, byte in enumerate(found)) == number
    assert [byte >> 7 for byte in found] == [1] * (len(found) - 1) + [0]
    assert len(found) == max(1, -(-number.bit_length() // 7))


@pytest.mark.parametrize("length", [1, 127, 128, 70_000])
def test_a_field_head_is_what_the_library_writes_before_a_text(length):
    text = "x" * length
    expected = event_pb2.Event(file_version=text).SerializeToString()
    assert field_head(3, length) + text.encode() == expected
