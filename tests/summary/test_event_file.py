import errno
import os
import shutil
import sys

import pytest
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto import event_pb2

from keras_viz_callbacks.summary import summaries
from keras_viz_callbacks.summary.event_file import EventFile


def steps(path):
    events = [event_pb2.Event.FromString(raw) for raw in RawEventFileLoader(str(path)).Load()]
    return [event.step for event in events if event.HasField("summary")]


def scalar(value=0.0):
    return [summaries.scalar("a", value)]


def test_nothing_is_made_before_the_first_event(tmp_path):
    EventFile(str(tmp_path / "run")).close()
    assert not (tmp_path / "run").exists()


def write(file, step, values=None, **options):
    """A capture."""
    file.write(step, scalar() if values is None else values, **options)
    file.flush()


def test_what_was_flushed_is_on_disk_without_close(tmp_path):
    file = EventFile(str(tmp_path))
    write(file, 1)
    assert steps(file.path) == [1]
    write(file, 2)
    assert steps(file.path) == [1, 2]


def test_what_was_not_flushed_is_on_disk_after_close(tmp_path):
    file = EventFile(str(tmp_path))
    file.write(1, scalar())
    file.write(2, scalar())
    file.close()
    (path,) = tmp_path.iterdir()
    assert steps(path) == [1, 2]


def test_close_gives_the_run_free_even_where_the_disk_refuses(tmp_path, monkeypatch):
    file, other = EventFile(str(tmp_path)), EventFile(str(tmp_path))
    assert file.claim()
    file.write(1, scalar())
    half_then_full(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        file.close()
    assert other.claim()


def test_a_later_file_sorts_after_every_earlier_one(tmp_path):
    future = tmp_path / "events.out.tfevents.9000000000.host.1.0"
    future.write_bytes(b"")
    file = EventFile(str(tmp_path))
    write(file, 1)
    assert sorted(os.listdir(tmp_path))[-1] == os.path.basename(file.path)


def half_then_full(monkeypatch):
    """The disk takes half of the next write and nothing more."""
    real = os.write

    def half(descriptor, pieces):
        data = b"".join(pieces)
        return real(descriptor, data[: len(data) // 2])

    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "writev", half)
    monkeypatch.setattr(os, "write", full)


def test_a_failed_write_leaves_complete_records_only(tmp_path, monkeypatch):
    file = EventFile(str(tmp_path))
    write(file, 1)
    half_then_full(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        write(file, 2)
    monkeypatch.undo()
    write(file, 3)
    assert steps(file.path) == [1, 3]


@pytest.mark.parametrize("many_pieces_at_once", [True, False])
def test_a_write_in_parts_is_finished(tmp_path, monkeypatch, many_pieces_at_once):
    real = os.write
    if many_pieces_at_once:
        monkeypatch.setattr(os, "writev", lambda d, pieces: real(d, b"".join(pieces)[:7]))
    else:
        monkeypatch.delattr(os, "writev")  # as on Windows
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    file = EventFile(str(tmp_path))
    write(file, 1)
    assert steps(file.path) == [1]


def test_more_values_than_the_system_takes_pieces(tmp_path):
    file = EventFile(str(tmp_path))
    write(file, 1, scalar() * 2000)
    assert steps(file.path) == [1] * 2000


def test_a_directory_that_vanishes_is_made_again(tmp_path):
    file = EventFile(str(tmp_path / "run"))
    write(file, 1)
    shutil.rmtree(tmp_path / "run")
    write(file, 2)
    assert steps(file.path) == [2]


def test_a_file_whose_first_write_failed_begins_with_its_header(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    file = EventFile(str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", full)
        with pytest.raises(OSError, match="No space left"):
            write(file, 1)
    write(file, 2)
    raw = list(RawEventFileLoader(file.path).Load())
    assert event_pb2.Event.FromString(raw[0]).file_version == "brain.Event:2"
    assert steps(file.path) == [2]


def test_a_file_that_can_not_be_cut_back_is_left_for_another_one(tmp_path, monkeypatch):
    file = EventFile(str(tmp_path))
    write(file, 1)
    first, real = file.path, os.writev

    def half(descriptor, pieces):
        real(descriptor, [b"".join(pieces)[:10]])
        raise OSError(errno.EIO, "Input/output error")

    def refuse(descriptor, length):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", half)
        patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(OSError, match="Input/output error"):
            write(file, 2)
    write(file, 3)
    assert steps(first) == [1]
    assert steps(file.path) == [3]
    assert sorted(os.listdir(tmp_path)) == [os.path.basename(p) for p in (first, file.path)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_a_run_belongs_to_one_writer_until_it_is_closed(tmp_path):
    one, other = (EventFile(str(tmp_path / "run")) for _ in range(2))
    assert one.claim()
    assert not other.claim()
    write(one, 1)
    one.close()
    assert other.claim()
    other.close()
    assert len(list((tmp_path / "run").iterdir())) == 1


def test_a_run_that_was_claimed_and_never_written_to_leaves_nothing(tmp_path):
    file = EventFile(str(tmp_path / "run"))
    assert file.claim()
    file.close()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("taken", [0, 1, 500])
def test_a_write_that_fails_between_two_calls_leaves_nothing(tmp_path, monkeypatch, taken):
    """More than the system takes at once; it takes the first of them and then no more."""
    file = EventFile(str(tmp_path))
    write(file, 1)
    real, calls = os.writev, iter([1024, taken])

    def writev(descriptor, pieces):
        most = next(calls)
        if most < len(pieces):
            real(descriptor, pieces[:most])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, pieces)

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", writev)
        with pytest.raises(OSError, match="No space left"):
            write(file, 2, scalar() * 3000)
    write(file, 3)
    assert steps(file.path) == [1, 3]
