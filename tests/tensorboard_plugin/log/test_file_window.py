from __future__ import annotations

import io
import typing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorboard_plugin.log import file_window
from tensorboard_plugin.log.file_window import FileWindow, read_fully

DATA = bytes(range(256)) * 4096


class Reads(io.BytesIO):
    """Remembers offset and length of each read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.made: list[tuple[int, int]] = []

    def read(self, size: int | None = -1) -> bytes:
        offset = self.tell()
        data = super().read(size)
        self.made.append((offset, len(data)))
        return data


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, len(DATA) + 9), st.integers(0, 100_000)),
        max_size=8,
    )
)
def test_bytes_are_those_of_the_file(asked: list[tuple[bool, int, int]]) -> None:
    window = FileWindow(Reads(DATA))
    for only, offset, length in asked:
        found = (window.get_only if only else window.get)(offset, length)
        assert found == DATA[offset : offset + length]


def test_the_buffer_grows_while_nothing_is_skipped() -> None:
    file = Reads(DATA)
    window = FileWindow(file)
    for offset in range(0, 500_000, 1000):
        window.get(offset, 1000)
    lengths = [length for _, length in file.made]
    assert lengths[0] == file_window.WINDOW
    assert lengths == sorted(lengths)
    assert max(lengths) == file_window.LARGEST_WINDOW


def test_what_is_skipped_is_not_read() -> None:
    file = Reads(DATA)
    window = FileWindow(file)
    for offset in range(0, len(DATA), 200_000):
        window.get(offset, 100)
    assert [length for _, length in file.made] == [file_window.WINDOW] * len(file.made)


def test_a_few_bytes_elsewhere_leave_the_buffer_where_it_is() -> None:
    file = Reads(DATA)
    window = FileWindow(file)
    window.get(0, 100)
    window.get_only(500_000, 12)
    window.get(1000, 100)
    assert file.made == [(0, file_window.WINDOW), (500_000, 12)]


@pytest.mark.parametrize("length", [0, 1, 1000, len(DATA) + 1])
def test_a_file_that_gives_less_than_it_is_asked_for_is_read_on(
    length: int, tmp_path: Path
) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 300))

    assert read_fully(typing.cast(typing.BinaryIO, Slow(DATA)), length) == DATA[:length]
