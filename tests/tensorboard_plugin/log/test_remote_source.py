"""The tab on logs that lie elsewhere, and what it asks of their storage."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import typing
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from tensorboard.plugins import base_plugin

from keras_viz_callbacks.summary.event_objects import EventObjects
from tensorboard_plugin.answers import pictures
from tensorboard_plugin.index.log_directories import log_directories, log_source_of
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.run_index import RunIndex
from tensorboard_plugin.log import file_window, log_errors, remote_source
from tensorboard_plugin.plugin import KerasVizPlugin
from tests.helpers import synthetic_logs, tensorboards
from tests.helpers.stores import S3, copy_to
from tests.helpers.tab_api import Api

IndexOf = Callable[..., LogIndex]
ApiOf = Callable[[typing.Any], Api]
SMALL = synthetic_logs.Spec(epochs=3, layers=1, images=1, channels=2, cell=4, size=8)
TAG = "activations/conv2d_0/image_0"
RUN = "run1/keras_viz"
ROUTES: tuple[tuple[str, dict[str, str]], ...] = (
    ("run", {"run": RUN}),
    ("series", {"run": RUN, "tag": TAG}),
    ("record", {"run": RUN, "tag": TAG, "step": "1"}),
    ("picture", {"run": RUN, "tag": TAG, "step": "2"}),
    ("cell", {"run": RUN, "tag": TAG, "step": "0", "item": "1"}),
    ("heat_map", {"run": RUN, "tag": "grad_cam/conv2d_0/image_0", "step": "1"}),
    ("channel", {"run": RUN, "tag": TAG, "item": "1"}),
    ("export.gif", {"run": RUN, "tag": TAG}),
    ("export.zip", {"run": RUN, "tag": TAG}),
)


def write(url: str, spec: synthetic_logs.Spec = SMALL) -> Callable[[], bool]:
    """A training at a URL: each call writes its next capture, until there is none."""
    store, path = fsspec.core.url_to_fs(f"{url}/keras_viz")
    writer = EventObjects(store, path)
    captures = synthetic_logs.captures(spec)

    def capture() -> bool:
        for step, written in captures:
            synthetic_logs.write_capture(writer, step, written)
            return True
        return False

    return capture


def write_all(url: str, spec: synthetic_logs.Spec = SMALL) -> None:
    capture = write(url, spec)
    while capture():
        pass


def settle(index: LogIndex) -> LogIndex:
    """Looks at the storage and reads all that is new."""
    index.look_again()
    index.refresh(seconds=60)
    return index


def problems(run: RunIndex) -> list[str]:
    return [problem.message for _, problem in run.all_problems()[1]]


def test_the_tab_shows_what_it_shows_of_a_local_log(
    log_url: str, tmp_path: Path, api_of: ApiOf
) -> None:
    synthetic_logs.write(str(tmp_path / "local" / "run1"), SMALL)
    copy_to(log_url, tmp_path / "local")
    local, remote = api_of(tmp_path / "local"), api_of(log_url)
    for api in (local, remote):
        assert [run["run"] for run in api.settled()["runs"]] == [RUN]
    for route, query in ROUTES:
        expected, found = local.get(route, **query), remote.get(route, **query)
        assert expected.status_code == found.status_code == 200
        if expected.is_json:
            assert {**found.get_json(), "token": ""} == {**expected.get_json(), "token": ""}
        else:
            assert found.data == expected.data


@pytest.mark.parametrize("log_url", ["memory", "s3"], indirect=True)
def test_a_training_is_followed_capture_by_capture(log_url: str, index_of: IndexOf, s3: S3) -> None:
    index = index_of(log_url)
    assert not index.has_runs()
    capture = write(f"{log_url}/run1")
    seen = []
    while capture():
        (run,) = settle(index).runs.values()
        seen.append(run.series[TAG].step.tolist())
    assert seen == [[0], [0, 1], [0, 1, 2]]
    assert problems(run) == []
    if log_url.startswith("s3:"):
        sizes = {reader.name: reader.size for reader in run.readers}
        assert s3.bytes_read() == sizes, "each file is read once, whole and alone"


def test_a_growing_object_is_read_on(
    s3: S3, bucket: str, tmp_path: Path, index_of: IndexOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log is copied there again and again while it grows."""
    monkeypatch.setattr(remote_source, "BLOCK", 4096)
    log = synthetic_logs.write(str(tmp_path), synthetic_logs.Spec(epochs=4))
    whole = Path(log.path).read_bytes()
    store = fsspec.filesystem("s3")
    path = f"{bucket}/keras_viz/{Path(log.path).name}"
    store.pipe_file(path, whole[: len(whole) // 2])
    index = index_of(bucket)
    (run,) = index.runs.values()
    (reader,) = run.readers
    half = reader.position
    assert 0 < half < len(whole) // 2
    before = sum(s3.bytes_read().values())

    store.pipe_file(path, whole)
    settle(index)
    assert run.readers == [reader]
    assert run.pictures == len(log.pictures)
    read_again = sum(s3.bytes_read().values()) - before - (len(whole) - half)
    assert read_again < 2 * remote_source.BLOCK, "no more than the head and the block it goes on in"


@pytest.mark.parametrize("log_url", ["memory", "s3"], indirect=True)
@pytest.mark.parametrize("change", ["other content", "shorter", "deleted", "another before it"])
def test_what_was_replaced_is_read_anew(
    change: str, log_url: str, tmp_path: Path, index_of: IndexOf
) -> None:
    first = synthetic_logs.write(str(tmp_path / "a"), SMALL)
    other = synthetic_logs.write(
        str(tmp_path / "b"), synthetic_logs.Spec(**{**vars(SMALL), "seed": 7})
    )
    store, root = fsspec.core.url_to_fs(f"{log_url}/keras_viz")
    store.makedirs(root, exist_ok=True)
    content = Path(first.path).read_bytes()
    store.pipe_file(f"{root}/b.tfevents", content)
    index = index_of(log_url)
    time.sleep(0.01)  # a store distinguishes versions by their time

    expected = dict.fromkeys((TAG, step) for step in range(3))
    if change == "other content":
        changed = Path(other.path).read_bytes()
        store.pipe_file(f"{root}/b.tfevents", changed[: len(content)].ljust(len(content), b"\0"))
        expected = {key: other.pictures[key].png for key in expected}
    elif change == "shorter":
        store.pipe_file(f"{root}/b.tfevents", content[: len(content) // 2])
        expected = {(TAG, 0): first.pictures[TAG, 0].png}
    elif change == "deleted":
        store.rm_file(f"{root}/b.tfevents")
        expected = {}
    else:  # and what the later file holds is shown
        store.pipe_file(f"{root}/a.tfevents", Path(other.path).read_bytes())
        expected = {key: first.pictures[key].png for key in expected}
    for _ in range(2):
        settle(index)
    found = {
        (TAG, step): pictures.read(run.location(run.series[TAG], i))
        for run in index.runs.values()
        if TAG in run.series
        for i, step in enumerate(run.series[TAG].step)
    }
    assert found == expected


def test_only_our_runs_are_found_and_by_the_names_they_have_locally(
    log_url: str, tmp_path: Path, index_of: IndexOf
) -> None:
    for directory in ("", "a", "a/b c", "ä/run:1"):
        synthetic_logs.write(str(tmp_path / "local" / directory), SMALL)
    synthetic_logs.write(str(tmp_path / "local" / "a"), SMALL, "keras_viz-2")
    synthetic_logs.write(str(tmp_path / "local" / "a" / "keras_viz" / "below"), SMALL)
    synthetic_logs.write(str(tmp_path / "local" / "a"), SMALL, "train")
    (tmp_path / "local" / "keras_viz" / "notes.txt").write_text("hello")
    copy_to(log_url, tmp_path / "local")
    expected = index_of(tmp_path / "local").runs
    found = index_of(log_url).runs
    assert {(r.name, r.label, r.training, r.pictures) for r in found.values()} == {
        (r.name, r.label, r.training, r.pictures) for r in expected.values()
    }
    assert set(found) >= {"keras_viz", "a/keras_viz-2", "ä/run:1/keras_viz"}
    assert set(index_of(f"{log_url}/a/keras_viz-2").runs) == {"."}
    both = index_of(None, f"here:{tmp_path}/local/a,there:{log_url}/a").runs
    assert {name.partition("/")[0] for name in both} == {"here", "there"}
    assert len(both) == 6


def test_a_log_of_many_files_is_listed_at_once(s3: S3, bucket: str, index_of: IndexOf) -> None:
    write_all(f"{bucket}/a/run1", synthetic_logs.Spec(**{**vars(SMALL), "epochs": 20}))
    write_all(f"{bucket}/b/run2")
    index = LogIndex(log_directories(bucket))
    s3.requests.clear()
    assert index.has_runs()
    assert len(s3.requests) == 1


def test_a_store_that_refuses_takes_nothing_away(
    s3: S3, bucket: str, index_of: IndexOf, caplog: pytest.LogCaptureFixture
) -> None:
    write_all(bucket)
    index = index_of(bucket)
    s3.denied = "GET"
    for _ in range(3):
        settle(index)
    assert index.runs["keras_viz"].pictures > 0
    assert [record.message for record in caplog.records] == [
        f"Keras Viz can't list {bucket}. PermissionError: Access Denied"
    ], "it is said once"
    s3.denied = None
    write_all(f"{bucket}/later")
    assert set(settle(index).runs) == {"keras_viz", "later/keras_viz"}


def test_a_file_that_can_not_be_read_is_said_and_read_later(
    s3: S3, bucket: str, index_of: IndexOf
) -> None:
    write_all(bucket)
    index = LogIndex(log_directories(bucket))
    assert index.has_runs()
    s3.denied = "GET"
    index.refresh(seconds=60)
    run = index.runs["keras_viz"]
    assert problems(run) == ["PermissionError: Access Denied"]
    assert run.pictures == 0
    s3.denied = None
    settle(index)
    assert problems(run) == []
    assert run.series[TAG].step.tolist() == [0, 1, 2]


def test_a_picture_that_can_not_be_read_just_now(
    s3: S3, bucket: str, api_of: ApiOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_source, "KEPT_BLOCKS", 0)
    write_all(bucket)
    api = api_of(bucket)
    api.settled()
    s3.denied = "GET"
    response = api.get("picture", run="keras_viz", tag=TAG, step=1)
    assert response.status_code == 503
    assert response.get_json()["error"] == {
        "code": "unreachable",
        "parameter": None,
        "message": "The log can't be read just now: PermissionError: Access Denied. Try again.",
    }
    s3.denied = None
    assert api.get("picture", run="keras_viz", tag=TAG, step=1).status_code == 200


def test_a_store_that_does_not_answer_delays_no_request_for_long(
    s3: S3, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_all(bucket)
    monkeypatch.setattr(remote_source, "LISTING_TIMEOUT", 0.05)
    index = LogIndex(log_directories(bucket))
    s3.delay = 1.0
    begin = time.monotonic()
    assert not index.has_runs()
    assert time.monotonic() - begin < 0.9
    monkeypatch.setattr(remote_source, "LISTING_TIMEOUT", 30)
    assert settle(index).has_runs(), "and what it answers late is taken"


def test_a_package_that_is_missing_costs_the_pictures_and_not_tensorboard(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    plugin = KerasVizPlugin(base_plugin.TBContext(logdir="s3://bucket/logs"))
    assert not plugin.is_active()
    assert [record.message for record in caplog.records] == [
        "Keras Viz can't list s3://bucket/logs. ImportError: A URL needs the package fsspec "
        "(the extra `remote` of keras-viz-callbacks)"
    ]


def test_a_local_log_needs_no_fsspec(
    log: synthetic_logs.Log, log_dir: str, index_of: IndexOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    for directory in (log_dir, f"file://{log_dir}", f"local://{log_dir}"):
        assert index_of(directory).runs[RUN].pictures == len(log.pictures)


def test_bytes_are_those_of_the_object_wherever_blocks_end(
    log_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_source, "BLOCK", 7)
    data = os.urandom(100)
    (tmp_path / "source" / "keras_viz").mkdir(parents=True)
    (tmp_path / "source" / "keras_viz" / "a.tfevents").write_bytes(data)
    copy_to(log_url, tmp_path / "source")
    place = log_source_of(log_url)
    ((directory, parts),) = place.runs()
    assert parts == ("keras_viz",)
    file, status = place.open(f"{directory}/a.tfevents")
    assert status.size == 100
    with file:
        for offset, length in [(0, 1), (6, 2), (13, 30), (90, 50), (99, 1), (100, 5), (0, 100)]:
            file.seek(offset)
            assert file_window.read_fully(file, length) == data[offset : offset + length]
    with pytest.raises(log_errors.Gone):
        place.open(f"{directory}/b.tfevents")


# TensorFlow's file systems know no s3://, and TensorBoard reads through them where TensorFlow is
# installed. It has a switch of its own to do without: a module of this name.
WITHOUT_TENSORFLOW = """
import sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
from tensorboard.main import run_main
run_main()
"""


def test_a_whole_tensorboard_on_s3(bucket: str, tmp_path: Path) -> None:
    url = f"{bucket}/logs"
    log = synthetic_logs.write(str(tmp_path / "run1"), SMALL)
    write_all(f"{url}/run1")
    options = ["--logdir", url, "--port=0", "--host=127.0.0.1", "--reload_interval=1"]
    board = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *options], stderr=subprocess.PIPE, text=True
    )
    try:
        assert board.stderr is not None
        address = tensorboards.address_in(iter(board.stderr.readline, ""))
        listing = tensorboards.get_json(f"{address}/data/plugins_listing")
        assert listing["keras_viz"]["enabled"]
        (run,) = tensorboards.settled_runs(address)
        assert (run["run"], run["steps"]) == (RUN, 3)
        for step in range(3):
            picture = f"{address}/data/plugin/keras_viz/picture"
            png = tensorboards.get(picture, run=RUN, tag=TAG, step=step)
            assert png == log.pictures[TAG, step].png
        # TensorBoard's own loader works in the background.
        stock: list[typing.Any] = []
        images = f"{address}/data/plugin/images"
        end = time.monotonic() + 60
        while len(stock) < 3 and time.monotonic() < end:
            time.sleep(0.2)
            if TAG in tensorboards.get_json(f"{images}/tags").get(RUN, ()):
                stock = tensorboards.get_json(f"{images}/images", run=RUN, tag=TAG, sample=0)
        assert [picture["step"] for picture in stock] == [0, 1, 2]
    finally:
        board.terminate()
        board.communicate(timeout=30)
