import threading
import time

from keras_viz_callbacks.summary import worker
from keras_viz_callbacks.summary.worker import Worker


def wait_until(is_so):
    until = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_jobs_run_in_order_on_one_other_thread():
    done = []
    own = Worker()
    for number in range(10):
        own.submit(lambda n=number: done.append((n, threading.current_thread())))
    assert own.close()
    assert [number for number, _ in done] == list(range(10))
    threads = {thread for _, thread in done}
    assert len(threads) == 1
    assert threading.current_thread() not in threads


def test_a_closed_worker_starts_again():
    done = []
    own = Worker()
    own.submit(lambda: done.append(1))
    own.close()
    own.submit(lambda: done.append(2))
    own.close()
    assert done == [1, 2]


def test_no_thread_is_left():
    before = threading.active_count()
    own = Worker()
    own.submit(lambda: None)
    own.close()
    assert threading.active_count() == before


def test_a_stalled_worker_holds_the_queue_and_then_refuses(monkeypatch):
    monkeypatch.setattr(worker, "PATIENCE", 0.05)
    release = threading.Event()
    own = Worker()
    assert own.submit(release.wait)
    taken = [own.submit(lambda: None) for _ in range(worker.CAPACITY + 2)]
    assert not taken[-1]
    assert not own.close(timeout=0.05)
    release.set()
    assert own.close()


def test_a_thread_without_jobs_ends_by_itself_and_another_one_begins(monkeypatch):
    monkeypatch.setattr(worker, "IDLE", 0.01)
    threads = []
    own = Worker()
    for number in (1, 2):
        assert own.submit(lambda: threads.append(threading.current_thread()))
        wait_until(lambda n=number: len(threads) == n and not threads[-1].is_alive())
        assert own.close(timeout=0)
    assert len(set(threads)) == 2


def test_nothing_is_waited_for_again_before_a_stalled_queue_is_empty(monkeypatch):
    monkeypatch.setattr(worker, "PATIENCE", 0.3)
    own, may_end = Worker(), threading.Semaphore(0)

    def fill():
        """Submits until one is refused; how long that took."""
        began = time.monotonic()
        while own.submit(may_end.acquire):
            pass
        return time.monotonic() - began

    assert fill() >= 0.3
    assert fill() < 0.3
    may_end.release()
    wait_until(lambda: len(own._jobs) < worker.CAPACITY)
    assert fill() < 0.3  # the free place is taken, and nothing waited for
    for _ in range(worker.CAPACITY + 1):
        may_end.release()
    wait_until(lambda: not own._waited)
    assert fill() >= 0.3
    for _ in range(worker.CAPACITY + 1):
        may_end.release()
    assert own.close(timeout=10)


def test_jobs_after_a_close_that_timed_out_are_done():
    release, done = threading.Event(), []
    own = Worker()
    own.submit(release.wait)
    assert not own.close(timeout=0.01)
    own.submit(lambda: done.append(1))
    release.set()
    assert own.close(timeout=10)
    assert done == [1]


def test_seconds_waited_for_a_slow_disk_add_up(monkeypatch):
    monkeypatch.setattr(worker, "PATIENCE", 0.5)
    own = Worker()
    began = time.monotonic()
    taken = 0
    while own.submit(lambda: time.sleep(0.2)):
        taken += 1
    assert 0.5 <= time.monotonic() - began < 1.0
    # One at work, those that wait, and those whose place became free in half a second.
    assert worker.CAPACITY + 2 <= taken <= worker.CAPACITY + 5
    assert own.close(timeout=10)
