"""One thread that draws, encodes and writes, behind a bounded queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

Job = Callable[[], None]
"""Catches what it may raise; the worker only runs it."""

CAPACITY = 4
"""Captures that may wait. More would hold more arrays in memory and gain nothing."""

PATIENCE = 30.0
"""Seconds that the training thread waits for a place in the queue before a capture is skipped."""


class Worker:
    """Runs jobs in order on a thread that starts with the first and ends with `close`."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Job | None] = queue.Queue(CAPACITY)
        self._thread: threading.Thread | None = None

    def submit(self, job: Job) -> bool:
        """Queues a job.

        Returns:
            False where the queue stayed full for `PATIENCE` seconds: the disk is stalled, and
            the capture is better skipped than the training held.
        """
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="keras_viz", daemon=True)
            self._thread.start()
        try:
            self._queue.put(job, timeout=PATIENCE)
        except queue.Full:
            return False
        return True

    def close(self, timeout: float | None = None) -> bool:
        """Lets every queued job finish and ends the thread.

        Args:
            timeout: Seconds to wait at most; None waits for as long as it takes.

        Returns:
            Whether the thread has ended.
        """
        thread = self._thread
        if thread is None or not thread.is_alive():
            return True
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            return False
        thread.join(timeout)
        return not thread.is_alive()

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            job()
            del job  # lets the capture's arrays go while the queue is empty
