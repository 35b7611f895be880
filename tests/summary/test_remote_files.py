"""Files in stores that have directories, and in stores that have none."""

import fsspec
import pytest

from keras_viz_callbacks.summary.remote_files import names_in, put


@pytest.fixture
def memory():
    store = fsspec.filesystem("memory")
    yield store
    if store.exists("/test_remote_files"):
        store.rm("/test_remote_files", recursive=True)


def test_what_is_put_is_listed_by_its_name(memory):
    assert names_in(memory, "/test_remote_files/a") == []
    put(memory, "/test_remote_files/a/one", b"1")
    put(memory, "/test_remote_files/a/two", b"2")
    put(memory, "/test_remote_files/a/below/three", b"3")
    assert sorted(names_in(memory, "/test_remote_files/a")) == ["below", "one", "two"]
    assert memory.cat_file("/test_remote_files/a/two") == b"2"


def test_directories_are_made_where_the_store_has_them(tmp_path):
    store = fsspec.filesystem("file")
    put(store, f"{tmp_path}/deep/er/one", b"1")
    put(store, f"{tmp_path}/deep/er/two", b"2")
    assert (tmp_path / "deep/er/two").read_bytes() == b"2"
    assert sorted(names_in(store, f"{tmp_path}/deep/er")) == ["one", "two"]


def test_the_first_directory_is_never_made():
    class Buckets:
        made: tuple = ()

        def pipe_file(self, path, data):
            raise FileNotFoundError(path)

        def mkdir(self, path, create_parents):
            self.made += (path,)

    store = Buckets()
    with pytest.raises(FileNotFoundError):
        put(store, "bucket/logs/run/file", b"")
    assert store.made == ("bucket/logs", "bucket/logs/run")
