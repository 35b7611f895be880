"""One thread that draws, encodes and writes, behind a bounded queue."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Callable

Job = Callable[[], None]
"""Catches what it may raise; the worker only runs it."""

CAPACITY = 4
"""Captures that may wait. More would hold more arrays in memory and gain nothing."""

PATIENCE = 30.0
"""Seconds that the training thread waits for places in the queue before captures are skipped."""

IDLE = 1.0
"""Seconds without a job after which the thread ends: Keras does not tell when ``fit`` raises."""


class Worker:
    """Runs jobs in order on a thread that lives while there are any, and a little longer."""

    def __init__(self) -> None:
        self._jobs: collections.deque[Job] = collections.deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._waited = 0.0

    def submit(self, job: Job) -> bool:
        """Queues a job.

        Returns:
            False where there is no place in it, and `PATIENCE` is used up: the disk stands still
            or is too slow, and the capture is better skipped than the training held. Seconds
            waited add up until the queue has been worked off.

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
        """Lets every queued job finish and ends the thread.

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
            del job  # lets the capture's arrays go while the queue is empty

    def _next(self) -> Job | None:
        with self._changed:
            if not self._jobs:
                self._waited = 0.0
            self._changed.wait_for(lambda: self._jobs or self._is_closing, IDLE)
            if not self._jobs:
                # Within the lock, so that the next `submit` knows that it has to start another.
                self._thread = None
                return None
            job = self._jobs.popleft()
            self._changed.notify_all()
            return job
