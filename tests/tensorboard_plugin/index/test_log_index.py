from __future__ import annotations

import os
import shutil
import threading
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing import event_accumulator

from keras_viz_callbacks.summary import event_file
from tensorboard_plugin.answers import json_bodies
from tensorboard_plugin.index import log_index as index_module
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.log.event_reader import EventReader
from tensorboard_plugin.log.local_source import LocalSource
from tests.helpers import synthetic_logs
from tests.helpers.indexed import picture_of

IndexOf = Callable[..., LogIndex]
SMALL = synthetic_logs.Spec(epochs=3, layers=1, images=1, channels=2, cell=4, size=8)


def test_every_picture_ever_written_is_there(
    log: synthetic_logs.Log, log_dir: str, index_of: IndexOf
) -> None:
    run = index_of(log_dir).runs["run1/keras_viz"]
    assert {(t, step) for t, s in run.series.items() for step in s.step} == set(log.pictures)
    assert run.pictures == len(log.pictures)
    for (tag, step), written in log.pictures.items():
        assert picture_of(run, tag, step) == written.png


def test_tensorboards_own_reader_sees_the_same(
    log: synthetic_logs.Log, log_dir: str, index_of: IndexOf
) -> None:
    run = index_of(log_dir).runs["run1/keras_viz"]
    accumulator = event_accumulator.EventAccumulator(log.directory, {"tensors": 0})
    accumulator.Reload()
    for tag in accumulator.summary_metadata:
        if accumulator.SummaryMetadata(tag).plugin_data.plugin_name != "images":
            continue
        series = run.series.pop(tag)
        events = accumulator.Tensors(tag)
        assert series.step.tolist() == [e.step for e in events]
        assert series.columns.fixed["wall_time"].tolist() == [e.wall_time for e in events]
    assert not run.series


def test_names_are_those_of_tensorboard(tmp_path: Path, index_of: IndexOf) -> None:
    for directory in ("", "a", "a/b c", "ä/run:1"):
        synthetic_logs.write(str(tmp_path / directory), SMALL)
    synthetic_logs.write(str(tmp_path / "a"), SMALL, "keras_viz-2")
    (tmp_path / "other").mkdir()
    runs = index_of(tmp_path).runs
    assert {(r.name, r.label, r.training) for r in runs.values()} == {
        ("keras_viz", ".", 1),
        ("a/keras_viz", "a", 1),
        ("a/keras_viz-2", "a", 2),
        ("a/b c/keras_viz", "a/b c", 1),
        ("ä/run:1/keras_viz", "ä/run:1", 1),
    }
    assert list(index_of(tmp_path / "a" / "keras_viz-2").runs) == ["."]


def test_a_deleted_file_and_a_deleted_run(tmp_path: Path, index_of: IndexOf) -> None:
    first = synthetic_logs.write(str(tmp_path), SMALL)
    second = synthetic_logs.write(str(tmp_path), synthetic_logs.Spec(**{**vars(SMALL), "seed": 7}))
    index = index_of(tmp_path)
    tag = "activations/conv2d_0/image_0"
    assert picture_of(index.runs["keras_viz"], tag, 1) == second.pictures[tag, 1].png
    os.unlink(second.path)
    for _ in range(2):
        index.refresh(seconds=60)
    assert picture_of(index.runs["keras_viz"], tag, 1) == first.pictures[tag, 1].png
    shutil.rmtree(first.directory)
    index.refresh(seconds=60)
    assert index.runs == {}


def test_a_replaced_file(tmp_path: Path, index_of: IndexOf) -> None:
    log = synthetic_logs.write(str(tmp_path), SMALL)
    index = index_of(tmp_path)
    token = index.token(index.runs["keras_viz"])
    other = synthetic_logs.write(
        str(tmp_path / "other"), synthetic_logs.Spec(**{**vars(SMALL), "seed": 7})
    )
    os.replace(other.path, log.path)
    for _ in range(2):
        index.refresh(seconds=60)
    run = index.runs["keras_viz"]
    tag = "activations/conv2d_0/image_0"
    assert picture_of(run, tag, 1) == other.pictures[tag, 1].png
    assert index.token(run) != token


def test_slices_come_to_the_same_end(
    log: synthetic_logs.Log, log_dir: str, index_of: IndexOf
) -> None:
    whole = index_of(log_dir)
    index = LogIndex(log_directories(log_dir))
    shares = []
    while not shares or shares[-1][0] < shares[-1][1]:
        index.refresh(seconds=0.001)
        shares.append(index.runs["run1/keras_viz"].progress)
    assert len(shares) >= 2
    assert shares == sorted(shares)
    a, b = (json_bodies.run_body(i, i.runs["run1/keras_viz"]) for i in (whole, index))
    assert {**a, "token": ""} == {**b, "token": ""}


def test_is_active_reads_no_file(
    log_dir: str, index_of: IndexOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = LogIndex(log_directories(log_dir))
    monkeypatch.setattr(EventReader, "read", lambda self: pytest.fail("a file was read"))
    assert index.has_runs()


def test_many_threads_while_a_training_writes(tmp_path: Path, index_of: IndexOf) -> None:
    index = index_of(tmp_path)
    spec = synthetic_logs.Spec(epochs=30, layers=2, images=1, channels=2, cell=4, size=8)
    log = synthetic_logs.Log(str(tmp_path / "keras_viz"), "")
    failures: list[BaseException] = []
    done = threading.Event()

    def look() -> None:
        try:
            while not done.is_set():
                index.refresh(seconds=0.01)
                json_bodies.runs_body(index)
                with index.lock:
                    for run in index.runs.values():
                        content = json_bodies.run_body(index, run)
                        assert content["steps"]["step"] == sorted(run.steps)
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs in the report
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    file = event_file.EventFile(log.directory)
    for step, capture in synthetic_logs.captures(spec):
        synthetic_logs.write_capture(file, step, capture)
        log.pictures.update(((w.record.tag, step), w) for w in capture)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    index.refresh(seconds=60)
    run = index.runs["keras_viz"]
    assert {(t, step) for t, s in run.series.items() for step in s.step} == set(log.pictures)


def test_a_walk_of_a_huge_tree_is_rare(log_dir: str, monkeypatch: pytest.MonkeyPatch) -> None:
    walks = []
    now = 0.0

    def slow(storage: LocalSource) -> list[typing.Any]:
        nonlocal now
        now += 2.0  # seconds that the walk took
        walks.append(storage.path)
        return []

    monkeypatch.setattr(LocalSource, "runs", slow)
    monkeypatch.setattr(index_module.time, "monotonic", lambda: now)
    index = LogIndex(log_directories(log_dir))
    for _ in range(100):
        index.has_runs()
        index.refresh()
        now += 1.0
    assert len(walks) <= 4
