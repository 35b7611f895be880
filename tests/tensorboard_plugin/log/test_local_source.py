from __future__ import annotations

import os
import typing
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin.index.log_index import LogIndex
from tests.helpers import synthetic_logs

IndexOf = Callable[..., LogIndex]
SMALL = synthetic_logs.Spec(epochs=3, layers=1, images=1, channels=2, cell=4, size=8)


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
