import threading

from keras_viz_callbacks.summary import worker
from keras_viz_callbacks.summary.worker import Worker


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
