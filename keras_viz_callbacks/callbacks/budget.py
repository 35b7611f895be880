"""How much of a training's time its captures may take."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class Budget:
    """Keeps the time of captures below a share of the time since the training began.

    A capture counts with what it takes on the training thread, waiting for a place in the
    worker's queue included, and with what the worker spends on drawing and writing it, since that
    shares the processor's cores with the training.

    Args:
        share: Between 0 and 1; None for no bound.
        clock: Seconds.
    """

    def __init__(self, share: float | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self.share = share
        self._clock = clock
        self._lock = threading.Lock()  # the worker counts too
        self._began = clock()
        self._spent = 0.0
        self._begun = self._ended = 0
        self._spent_before_captures = 0.0

    def begin(self) -> None:
        """A training begins."""
        self._began = self._clock()
        with self._lock:
            self._spent = self._spent_before_captures = 0.0
            self._begun = self._ended = 0

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Counts the time of what is done within."""
        began = self._clock()
        try:
            yield
        finally:
            seconds = self._clock() - began
            with self._lock:
                self._spent += seconds

    def allows(self) -> bool:
        """Whether a capture more, of the usual length, would stay within the share.

        The first one does, so that there is something to see and a length to know. None does
        before that is known.
        """
        if self.share is None or not self._begun:
            return True
        with self._lock:
            if not self._ended:
                return False
            elapsed = self._clock() - self._began
            expected = (self._spent - self._spent_before_captures) / self._ended
            # Those that the worker has still to draw are not in what was spent.
            pending = self._begun - self._ended
            return self._spent + (pending + 1) * expected <= self.share * (elapsed + expected)

    def begin_capture(self) -> None:
        """A capture is made now."""
        with self._lock:
            if not self._begun:
                self._spent_before_captures = self._spent
            self._begun += 1

    def end_capture(self) -> None:
        """A capture is on disk, or has failed."""
        with self._lock:
            self._ended += 1
