"""Large logs: what is not read. benchmarks/index.py measures the rest."""

from __future__ import annotations

import os
import typing
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema
from tensorboard_plugin.index import log_index as index_module
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.log import file_window
from tests.helpers import synthetic_logs
from tests.helpers.counted_reads import CountingSource

IndexOf = Callable[..., LogIndex]

LAYERS = 10


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingSource:
    """What every index of the test reads through."""
    made = CountingSource(str(tmp_path))
    monkeypatch.setattr(index_module, "log_source_of", lambda _: made)
    return made


def write_capture(file: event_file.EventFile, step: int, size: int) -> None:
    """A capture of pictures of so many bytes."""
    for layer in range(LAYERS):
        tag = schema.picture_tag("activations", f"conv2d_{layer}", "image_0")
        place = schema.Layer(f"conv2d_{layer}", "Conv2D", layer, (48, 48, 64))
        record = schema.Record("activations", tag, 9, 9, epoch=step, layer=place)
        picture = summaries.image(tag, os.urandom(size), 9, 9)
        file.write(step, [summaries.record(record), picture])
    file.flush()


@pytest.mark.parametrize(
    ("size", "share", "listed"),
    [
        (1_000_000, 0.02, False),
        (300_000, 0.06, False),
        (100_000, 0.2, False),
        (2_000, 1.0, False),
        (1_000_000, 0.003, True),
        (100_000, 0.03, True),
        (2_000, 1.0, True),
    ],
)
def test_large_pictures_are_not_read(
    tmp_path: Path,
    index_of: IndexOf,
    storage: CountingSource,
    size: int,
    share: float,
    listed: bool,
) -> None:
    file = event_file.EventFile(str(tmp_path / schema.RUN_NAME))
    for step in range(4):
        write_capture(file, step, size)
    file.close()
    (path,) = (tmp_path / schema.RUN_NAME).iterdir()
    if not listed:
        path.write_bytes(synthetic_logs.without_contents(path.read_bytes()))
    run = index_of(tmp_path).runs[schema.RUN_NAME]
    assert run.pictures == 4 * LAYERS
    _, count = storage.take()
    assert count <= share * path.stat().st_size


@pytest.mark.parametrize("size", [2_000, 20_000, 300_000])
def test_growth_is_followed_without_reading_again(
    tmp_path: Path, index_of: IndexOf, storage: CountingSource, size: int
) -> None:
    file = event_file.EventFile(str(tmp_path / schema.RUN_NAME))
    write_capture(file, 0, size)
    index = index_of(tmp_path)
    run = index.runs[schema.RUN_NAME]
    storage.take()
    end = os.path.getsize(typing.cast(str, file.path))
    for step in range(1, 30):
        write_capture(file, step, size)
        begin, end = end, os.path.getsize(typing.cast(str, file.path))
        index.refresh(seconds=60)
        lowest, count = storage.take()
        assert run.pictures == (step + 1) * LAYERS
        assert lowest >= begin
        # A record at the edge of a block is read with the block before and the one after.
        assert count <= (end - begin) * 1.1
    before = len(storage.reads)
    index.refresh(seconds=60)
    assert len(storage.reads) == before, "where nothing has come nothing is read"
    file.close()


@pytest.mark.parametrize(("listed", "events_of_a_capture"), [(True, 1), (False, 2 * LAYERS)])
def test_slices_read_little_twice(
    tmp_path: Path, storage: CountingSource, listed: bool, events_of_a_capture: int
) -> None:
    """An index that is stopped after every event begins each slice where the last one ended."""
    file = event_file.EventFile(str(tmp_path / schema.RUN_NAME))
    for step in range(3):
        write_capture(file, step, 300_000)
    file.close()
    (path,) = (tmp_path / schema.RUN_NAME).iterdir()
    if not listed:
        path.write_bytes(synthetic_logs.without_contents(path.read_bytes()))
    index = LogIndex(log_directories(str(tmp_path)))
    slices = 0
    while not index.runs or not all(r.is_caught_up for r in index.runs[schema.RUN_NAME].readers):
        index.refresh(seconds=0)
        slices += 1
        index.look_again()
    assert slices >= 3 * events_of_a_capture
    assert index.runs[schema.RUN_NAME].pictures == 3 * LAYERS
    _, count = storage.take()
    assert count <= 2 * slices * file_window.WINDOW
