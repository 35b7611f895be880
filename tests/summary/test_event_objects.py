"""Writing where a file can't be appended to: a new event file for each capture."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_viz_callbacks.summary import chunk, event_objects, summaries
from keras_viz_callbacks.summary.event_objects import EventObjects
from keras_viz_callbacks.summary.remote_folder import RemoteFolder
from tests.helpers.stores import copy_from, copy_to, files_at


@pytest.fixture(params=["memory", "s3"])
def url(request):
    """URL of a run, on stores that have no directories."""
    if request.param == "s3":
        return request.getfixturevalue("bucket") + "/logs/keras_viz"
    return "memory://test_remote/logs/keras_viz"


@pytest.fixture(autouse=True)
def empty_memory():
    import fsspec

    yield
    memory = fsspec.filesystem("memory")
    if memory.exists("/test_remote"):
        memory.rm("/test_remote", recursive=True)


def writer_at(url):
    return RemoteFolder(url.rpartition("/")[0]).writer("keras_viz")


def scalar(value=0.0):
    return [summaries.scalar("a", value)]


def steps(url, tmp_path):
    """As TensorBoard reads them: file after file, in the order of names."""
    accumulator = EventAccumulator(str(copy_from(url, tmp_path)), {"tensors": 0})
    accumulator.Reload()
    return [event.step for event in accumulator.Tensors("a")]


def test_nothing_is_there_before_the_end_of_a_capture(url):
    writer = writer_at(url)
    writer.write(1, scalar())
    assert files_at(url) == {}
    writer.flush()
    assert len(files_at(url)) == 1


def test_a_capture_without_pictures_makes_no_file(url):
    writer = writer_at(url)
    writer.flush()
    writer.close()
    assert files_at(url) == {}


def test_what_was_not_flushed_goes_with_close(url, tmp_path):
    writer = writer_at(url)
    writer.write(1, scalar())
    writer.write(2, scalar())
    writer.close()
    assert len(files_at(url)) == 1
    assert steps(url, tmp_path) == [1, 2]


def test_a_long_capture_is_one_file(url, tmp_path, monkeypatch):
    monkeypatch.setattr(chunk, "MOST_BYTES", 100)
    writer = writer_at(url)
    writer.write(1, scalar() * 20)
    assert files_at(url) == {}
    writer.flush()
    assert len(files_at(url)) == 1
    assert steps(url, tmp_path) == [1] * 20


def test_each_capture_is_one_file_that_is_never_touched_again(url, s3):
    writer = writer_at(url)
    before = {}
    for step in range(3):
        writer.write(step, scalar())
        writer.write(step, scalar())
        writer.flush()
        now = files_at(url)
        assert len(now) == step + 1
        assert before.items() <= now.items()
        before = now
    puts = [path for method, path, _ in s3.requests if method == "PUT"]
    assert len(puts) == len(set(puts))


def test_tensorboard_reads_them_in_the_order_of_writing(url, tmp_path):
    for session in range(2):
        writer = writer_at(url)
        for step in range(12):  # more than nine, within one second
            writer.write(12 * session + step, scalar())
            writer.flush()
        writer.close()
    assert steps(url, tmp_path) == list(range(24))


def test_a_later_file_sorts_after_every_earlier_one(url, tmp_path):
    future = tmp_path / "source" / "events.out.tfevents.9000000000.host.1.0"
    future.parent.mkdir()
    future.write_bytes(b"")
    copy_to(url, future.parent)
    writer = writer_at(url)
    writer.write(1, scalar())
    writer.flush()
    assert len(files_at(url)) == 2
    assert min(files_at(url)) == future.name


def test_a_refused_capture_goes_with_the_next_one(s3, bucket, tmp_path):
    url = f"{bucket}/logs/keras_viz"
    writer = writer_at(url)
    for step, denied in enumerate([None, "PUT", "PUT", "GET", None]):
        s3.denied = denied
        writer.write(step, scalar())
        if denied == "PUT":
            with pytest.raises(PermissionError, match="Access Denied"):
                writer.flush()
        else:
            writer.flush()
    s3.denied = None
    assert len(files_at(url)) == 3
    assert steps(url, tmp_path) == [0, 1, 2, 3, 4]


def test_what_waits_for_a_store_has_an_end(s3, bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(event_objects, "MOST_UNSENT", 1000)
    writer = writer_at(f"{bucket}/keras_viz")
    s3.denied = "PUT"
    for step in range(100):
        writer.write(step, scalar())
        with pytest.raises(PermissionError):
            writer.flush()
        assert writer.unsent <= 1000
    s3.denied = None
    writer.write(100, scalar())
    writer.flush()
    kept = steps(f"{bucket}/keras_viz", tmp_path)
    assert kept == list(range(kept[0], 101)), "the latest ones, without a gap"
    assert len(kept) > 1


def test_what_a_closed_session_could_not_write_is_dropped(s3, bucket, tmp_path):
    writer = writer_at(f"{bucket}/keras_viz")
    writer.write(0, scalar())
    s3.denied = "PUT"
    with pytest.raises(PermissionError):
        writer.flush()
    writer.close()
    s3.denied = None
    writer.write(1, scalar())
    writer.flush()
    assert steps(f"{bucket}/keras_viz", tmp_path) == [1]


def test_a_session_begins_only_when_its_place_among_others_is_known(s3, bucket, tmp_path):
    writer = EventObjects(RemoteFolder(bucket).store, bucket.removeprefix("s3://"))
    writer.write(0, scalar())
    s3.denied = "GET"
    with pytest.raises(PermissionError):
        writer.flush()
    s3.denied = None
    assert files_at(bucket) == {}
    writer.flush()
    assert steps(bucket, tmp_path) == [0]
