from __future__ import annotations

import os
import shutil
import threading
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing import data_ingester, event_accumulator

from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema
from tensorboard_plugin.answers import json_bodies, pictures
from tensorboard_plugin.index import log_index as index_module
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.run_index import RunIndex
from tensorboard_plugin.log.event_reader import EventReader
from tensorboard_plugin.log.local_source import LocalSource
from tests.helpers import synthetic_logs

IndexOf = Callable[..., LogIndex]
SMALL = synthetic_logs.Spec(epochs=3, layers=1, images=1, channels=2, cell=4, size=8)


def picture_of(run: RunIndex, tag: str, step: int) -> bytes:
    series = run.series[tag]
    i = series.find(step)
    assert i is not None
    return pictures.read(run.location(series, i))


def stamps_of(run: RunIndex) -> dict[int, str]:
    return {step: run.stamp(step) for step in run.sorted_steps}


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


def test_a_restarted_training_overwrites_its_steps(tmp_path: Path, index_of: IndexOf) -> None:
    first = synthetic_logs.write(str(tmp_path), SMALL)
    index = index_of(tmp_path)
    before = stamps_of(index.runs["keras_viz"])
    again = synthetic_logs.write(
        str(tmp_path),
        synthetic_logs.Spec(**{**vars(SMALL), "first_epoch": 2, "epochs": 2, "seed": 7}),
    )
    assert again.path > first.path
    index.refresh(seconds=60)
    run = index.runs["keras_viz"]
    tag = "activations/conv2d_0/image_0"
    assert run.series[tag].step.tolist() == [0, 1, 2, 3]
    assert picture_of(run, tag, 1) == first.pictures[tag, 1].png
    assert picture_of(run, tag, 2) == again.pictures[tag, 2].png != first.pictures[tag, 2].png
    after = stamps_of(run)
    assert [after[s] == before[s] for s in (0, 1, 2)] == [True, True, False]
    assert run.pictures == sum(len(s.step) for s in run.series.values())
    assert stamps_of(index_of(tmp_path).runs["keras_viz"]) == after, "known to another server too"


def test_a_step_written_twice_in_one_file_shows_the_latest(
    tmp_path: Path, index_of: IndexOf
) -> None:
    file = event_file.EventFile(str(tmp_path / "keras_viz"))
    record = summaries.record(schema.Record("activations", "activations/a", 1, 1))

    def write(step: int, png: bytes) -> str:
        file.write(step, [record, summaries.image("activations/a", png, 1, 1)])
        file.flush()
        index.refresh(seconds=60)
        return index.runs["keras_viz"].stamp(step)

    index = index_of(tmp_path)
    a, b = write(5, b"first"), write(5, b"second")
    assert a != b
    assert write(6, b"other") != b
    assert index.runs["keras_viz"].stamp(5) == b
    assert picture_of(index.runs["keras_viz"], "activations/a", 5) == b"second"


def test_stamps_stay_while_more_of_a_step_arrives(tmp_path: Path, index_of: IndexOf) -> None:
    file = event_file.EventFile(str(tmp_path / "keras_viz"))
    index = index_of(tmp_path)
    ((step, capture),) = synthetic_logs.captures(synthetic_logs.Spec(epochs=1))
    stamps = set()
    for written in capture:
        synthetic_logs.write_capture(file, step, [written])
        index.refresh(seconds=60)
        stamps.add(index.runs["keras_viz"].stamp(step))
    assert len(stamps) == 1


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


def test_logdir_spec(tmp_path: Path, index_of: IndexOf) -> None:
    synthetic_logs.write(str(tmp_path / "x"), SMALL)
    synthetic_logs.write(str(tmp_path / "y" / "deep"), SMALL)
    synthetic_logs.write(str(tmp_path / "z"), SMALL)
    spec = f"one:{tmp_path}/x,two:{tmp_path}/y,{tmp_path}/z,gone:{tmp_path}/nothing"
    expected = {"one/keras_viz": "one", "two/deep/keras_viz": "two/deep", "keras_viz": "."}
    assert {r.name: r.label for r in index_of(None, spec).runs.values()} == expected
    assert {r.name: r.label for r in index_of(spec).runs.values()} == expected
    both = index_of(None, f"{tmp_path}/x,{tmp_path}/z").runs
    assert len(both) == 2, "two directories whose runs have the same name are both there"
    assert {run.name for run in both.values()} == set(both)


@pytest.mark.parametrize(
    "spec",
    [
        "/a",
        "/a,/b",
        "x:/a,y:/b",
        "/foo:bar/baz",
        "gs://bucket/x",
        "x:/a:b",
        "x:gs://b",
        "x:s3://b/c,memory://d",
    ],
)
def test_logdir_spec_is_read_as_tensorboard_reads_it(spec: str) -> None:
    expected = data_ingester._parse_event_files_spec(spec)
    assert {root.path: root.group for root in log_directories(None, spec)} == expected


def test_no_log_directory_at_all(tmp_path: Path, index_of: IndexOf) -> None:
    for directory in (None, "", tmp_path / "none", tmp_path):
        index = index_of(directory)
        assert index.runs == {}
        assert not index.has_runs()
    index = index_of(tmp_path / "later")
    synthetic_logs.write(str(tmp_path / "later"), SMALL)
    assert index.has_runs()


def test_links_do_not_lead_out(tmp_path: Path, index_of: IndexOf) -> None:
    outside = synthetic_logs.write(str(tmp_path / "outside" / "run"), SMALL)
    inside = tmp_path / "logs"
    (inside / "linked file" / "keras_viz").mkdir(parents=True)
    (inside / "linked file" / "keras_viz" / Path(outside.path).name).symlink_to(outside.path)
    (inside / "linked run").symlink_to(tmp_path / "outside" / "run")
    (inside / "keras_viz").symlink_to(outside.directory)
    index = index_of(inside)
    assert {name: run.pictures for name, run in index.runs.items()} == {"linked file/keras_viz": 0}
    (tmp_path / "alias").symlink_to(tmp_path / "outside")  # the log directory itself may be one
    assert index_of(tmp_path / "alias").runs["run/keras_viz"].pictures == len(outside.pictures)


def test_files_of_others_are_left_alone(tmp_path: Path, index_of: IndexOf) -> None:
    log = synthetic_logs.write(str(tmp_path), SMALL)
    (tmp_path / "keras_viz" / "notes.txt").write_text("hello")
    (tmp_path / "keras_viz" / "events.out.tfevents.1.dir").mkdir()
    os.mkfifo(tmp_path / "keras_viz" / "events.out.tfevents.2.pipe")
    (tmp_path / "events.out.tfevents.3.user").write_bytes(b"junk")
    foreign = event_file.EventFile(str(tmp_path / "keras_viz"))
    foreign.write(0, [summaries.scalar("loss", 1.0), summaries.image("theirs", b"x", 1, 1)])
    foreign.close()
    run = index_of(tmp_path).runs["keras_viz"]
    assert run.pictures == len(log.pictures)
    assert run.all_problems() == (0, [])


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


def test_problems_are_counted_and_said(tmp_path: Path, index_of: IndexOf) -> None:
    log = synthetic_logs.write(str(tmp_path), SMALL)
    damaged = bytearray(synthetic_logs.without_contents(Path(log.path).read_bytes()))
    damaged[damaged.index(b'"epoch":1') + 4] ^= 1  # in the record of a series that is known
    Path(log.path).write_bytes(damaged[:-10])
    index = index_of(tmp_path)
    run = index.runs["keras_viz"]
    count, problems = run.all_problems()
    assert (count, [p.kind for _, p in problems]) == (1, ["checksum"])
    assert run.pictures == len(log.pictures), "its picture is whole, and only a scalar is cut"

    synthetic_logs.write(str(tmp_path), synthetic_logs.Spec(**{**vars(SMALL), "first_epoch": 3}))
    index.refresh(seconds=60)
    count, problems = run.all_problems()
    assert (count, [p.kind for _, p in problems]) == (2, ["truncated", "checksum"])


def test_a_file_that_may_not_be_read_is_said(
    tmp_path: Path, index_of: IndexOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = synthetic_logs.write(str(tmp_path), SMALL)

    def refuse(*_: typing.Any) -> typing.NoReturn:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        index = index_of(tmp_path)
    run = index.runs["keras_viz"]
    assert [(f, p.kind, p.message) for f, p in run.all_problems()[1]] == [
        (Path(log.path).name, "unreadable", "Permission denied")
    ]
    index.refresh(seconds=60)
    assert run.pictures == len(log.pictures)
    assert run.all_problems() == (0, [])


def test_a_picture_costs_few_bytes(log_dir: str, index_of: IndexOf) -> None:
    run = index_of(log_dir).runs["run1/keras_viz"]
    series = run.series["activations/conv2d_0/image_0"]
    assert series.columns.bytes_of_a_row <= 100


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
