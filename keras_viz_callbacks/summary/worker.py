"""One thread that draws, encodes and writes, with a bounded queue before it."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Callable

Job = Callable[[], None]
"""A job for the worker, which only runs it: the job itself catches what it may raise."""

CAPACITY = 4
"""Captures that may wait. More would hold more arrays in memory and gain nothing."""

PATIENCE = 30.0
"""Seconds that the training thread waits for a place in the queue before captures are skipped."""

IDLE = 1.0
"""Seconds without a job after which the thread ends: when ``fit`` raises, Keras calls no hook."""


class Worker:
    """Runs jobs in order on a thread, which lives while there are jobs, and a little longer."""

    def __init__(self) -> None:
        self._jobs: collections.deque[Job] = collections.deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._waited = 0.0

    def submit(self, job: Job) -> bool:
        """Queues a job.

        Returns:
            False where the queue is full and `PATIENCE` is used up: the disk has stopped or is too
            slow, and it is better to skip the capture than to hold the training. Seconds waited
            add up until the queue is empty.

        Raises:
            RuntimeError: No thread can be started.
        """
        with self._changed:
            began = time.monotonic()
            patience = max(0.0, PATIENCE - self._waited)
            has_place = self._changed.wait_for(lambda: len(self._jobs) < CAPACITY, patience)
            self._waited += time.monotonic() - began
            if not has_place:
                return False
            self._is_closing = False
            self._start()
            self._jobs.append(job)
            self._changed.notify_all()
        return True

    def close(self, timeout: float | None = None) -> bool:
        """Waits until every queued job has run, and ends the thread; `submit` starts another.

        Args:
            timeout: Seconds to wait at most; None waits for as long as it takes.

        Returns:
            Whether the thread has ended.
        """
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="keras_viz", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            job()
            del job  # so that the capture's arrays are freed while the queue is empty

    def _next(self) -> Job | None:
        with self._changed:
            if not self._jobs:
                self._waited = 0.0
            self._changed.wait_for(lambda: self._jobs or self._is_closing, IDLE)
            if not self._jobs:
                # Under the lock, so that the next `submit` sees that it has to start a thread.
                self._thread = None
                return None
            job = self._jobs.popleft()
            self._changed.notify_all()
            return job
