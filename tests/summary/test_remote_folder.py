"""What a log directory at a URL may be, and the errors where it can't be written to."""

import sys

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from keras_viz_callbacks.summary import summaries
from keras_viz_callbacks.summary.run import log_folder_of, open_run
from tests.helpers.stores import copy_to, files_at


def message_of(log_dir):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared whole
        open_run(log_dir)
    return str(raised.value)


class Disk(LocalFileSystem):
    """A store that has directories, as SFTP and HDFS have: they have to be made."""

    protocol = "disk"

    @classmethod
    def _strip_protocol(cls, path):
        return path.removeprefix("disk://").rstrip("/")


@pytest.fixture
def disk(tmp_path):
    """URL of an empty directory in such a store."""
    fsspec.register_implementation("disk", Disk, clobber=True)
    return f"disk://{tmp_path}"


def write(folder, run, step=1):
    writer = folder.writer(run)
    writer.write(step, [summaries.scalar("a", 0.0)])
    writer.flush()
    writer.close()


def test_a_url_without_fsspec(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    assert message_of("s3://bucket/logs") == (
        "`log_dir` needs the package fsspec where it is a URL. Received: "
        "log_dir='s3://bucket/logs'. Install it (the extra `remote`), and the package for this "
        "kind of store, such as s3fs."
    )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("shelf://logs", "Install shelffs to access shelves"),
        ("nope://x", "Protocol not known: nope"),
    ],
)
def test_a_url_that_fsspec_can_not_open(url, reason):
    install = "Install shelffs to access shelves"
    fsspec.register_implementation("shelf", "shelffs.Shelf", errtxt=install, clobber=True)
    assert message_of(url) == (
        f"`log_dir` must be a path or a URL that fsspec can open ({reason}). Received: "
        f"log_dir={url!r}. Each kind of store has a package of its own, such as s3fs; the extra "
        "`remote` brings fsspec alone."
    )


def test_a_bucket_that_is_not_there_is_not_made(s3):
    assert message_of("s3://no-such-bucket/logs") == (
        "`log_dir` must be a directory that can be written to (FileNotFoundError: The specified "
        "bucket does not exist). Received: log_dir='s3://no-such-bucket/logs'"
    )
    assert not fsspec.filesystem("s3").exists("s3://no-such-bucket")


def test_a_bucket_that_may_not_be_written_to(s3, bucket):
    s3.denied = "PUT"
    assert message_of(f"{bucket}/logs") == (
        "`log_dir` must be a directory that can be written to (PermissionError: Access Denied). "
        f"Received: log_dir='{bucket}/logs'"
    )


def test_the_check_leaves_nothing_behind(log_url):
    open_run(log_url)
    assert files_at(log_url) == {}


def test_who_may_write_but_not_delete_may_write(s3, bucket):
    s3.denied = "DELETE"
    s3fs_deletes = fsspec.filesystem("s3")
    open_run(f"{bucket}/logs")
    with pytest.raises(PermissionError):
        s3fs_deletes.rm_file(f"{bucket}/logs/.keras_viz_probe")


def test_one_log_directory_is_one_run_however_it_is_written(log_url):
    assert open_run(log_url) is open_run(log_url + "/")
    assert open_run(log_url) is not open_run(log_url + "/below")


def test_runs_are_those_that_hold_events(log_url, tmp_path):
    folder = open_run(log_url).folder
    assert folder.runs() == set()
    source = tmp_path / "source"
    for name in ("keras_viz/notes.txt", "keras_viz-2x/tfevents", "train/a.tfevents.1", "tfevents"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"")
    copy_to(log_url, source)
    assert folder.runs() == set()
    write(folder, "keras_viz-3")
    assert folder.runs() == {"keras_viz-3"}
    write(folder, "keras_viz")
    assert folder.runs() == {"keras_viz", "keras_viz-3"}


def test_what_was_there_at_the_check_will_do_when_the_store_is_silent(s3, bucket):
    write(log_folder_of(bucket), "keras_viz")
    run = open_run(bucket)
    s3.denied = "GET"
    assert run.folder.runs() == {"keras_viz"}


def test_directories_are_made_where_the_store_has_them(disk, tmp_path):
    folder = open_run(f"{disk}/deep/er").folder
    write(folder, "keras_viz")
    assert len(list((tmp_path / "deep/er/keras_viz").iterdir())) == 1
    assert folder.runs() == {"keras_viz"}
