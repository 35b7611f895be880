"""Log directories of this machine, and how they differ from URLs."""

import os
import sys
from pathlib import Path

import pytest

from keras_viz_callbacks.summary import summaries
from keras_viz_callbacks.summary.local_folder import LocalFolder
from keras_viz_callbacks.summary.run import open_run


def write(folder, run):
    writer = folder.writer(run)
    writer.write(1, [summaries.scalar("a", 0.0)])
    writer.flush()
    writer.close()


def test_a_directory_of_this_machine_needs_no_fsspec(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    for log_dir in (f"{tmp_path}/a", f"file://{tmp_path}/a", f"local://{tmp_path}/a"):
        run = open_run(log_dir)
        assert run.folder.key == os.path.realpath(tmp_path / "a")
    write(run.folder, "keras_viz")
    assert len(list((tmp_path / "a/keras_viz").iterdir())) == 1


def test_a_url_that_went_through_pathlib(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared whole
        open_run(str(Path("s3://bucket/logs")))
    assert str(raised.value) == (
        "`log_dir` must be text where it is a URL: pathlib.Path makes one slash of two. Received: "
        "log_dir='s3:/bucket/logs'. Write 's3://bucket/logs'."
    )
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "s3:").mkdir()  # if there is such a directory, it is meant
    assert open_run("s3:/bucket/logs").folder.key == f"{tmp_path}/s3:/bucket/logs"


def test_runs_are_those_that_hold_events(tmp_path):
    folder = LocalFolder(str(tmp_path / "logs"))
    assert folder.runs() == set()
    folder.check()
    for name in ("keras_viz/notes.txt", "train/a.tfevents.1", "tfevents"):
        path = tmp_path / "logs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert folder.runs() == set()
    write(folder, "keras_viz-2")
    assert folder.runs() == {"keras_viz-2"}


def test_two_names_of_one_directory_have_one_key(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "logs")
    keys = {
        LocalFolder(f"{tmp_path}/{name}").key for name in ("logs", "logs/", "link", "a/../logs")
    }
    assert keys == {os.path.realpath(tmp_path / "logs")}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written_to(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="permission denied"):
        LocalFolder(str(tmp_path)).check()
