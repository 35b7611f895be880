from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing import data_ingester

from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tests.helpers import synthetic_logs

IndexOf = Callable[..., LogIndex]
SMALL = synthetic_logs.Spec(epochs=3, layers=1, images=1, channels=2, cell=4, size=8)


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
