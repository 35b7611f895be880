"""How much of a training's time its captures may take."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class Budget:
    """Keeps the time of captures below a share of the time since the training began.

    The time of a capture is what it takes on the training thread, waiting for a place in the
    worker's queue included, plus what the worker takes to draw and write it: the worker uses the
    same processor as the training.

    Args:
        share: Largest share, above 0 and up to 1; None for no limit.
        clock: Function that returns the time in seconds.
    """

    def __init__(self, share: float | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self.share = share
        self._clock = clock
        self._lock = threading.Lock()  # the worker adds its time too
        self.begin()

    @property
    def spent(self) -> float:
        """Seconds that captures have taken in this training, preparations included."""
        with self._lock:
            return self._spent

    def begin(self) -> None:
        """Starts to count anew, as a training begins."""
        with self._lock:
            self._began = self._clock()
            self._spent = self._spent_before_captures = 0.0
            self._begun = self._ended = 0

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Adds the time that the context takes."""
        began = self._clock()
        try:
            yield
        finally:
            seconds = self._clock() - began
            with self._lock:
                self._spent += seconds

    def allows(self) -> bool:
        """Whether one more capture would stay within the share, if it takes the mean time.

        The first capture is always allowed, because nothing is known about its time. Until it
        has ended, no other is.
        """
        if self.share is None or not self._begun:
            return True
        with self._lock:
            if not self._ended:
                return False
            elapsed = self._clock() - self._began
            expected = (self._spent - self._spent_before_captures) / self._ended
            # Time of the captures that the worker has not drawn yet is not in `_spent`.
            pending = self._begun - self._ended
            return self._spent + (pending + 1) * expected <= self.share * (elapsed + expected)

    def begin_capture(self) -> None:
        """Counts a capture as begun."""
        with self._lock:
            if not self._begun:
                self._spent_before_captures = self._spent
            self._begun += 1

    def end_capture(self) -> None:
        """Counts a capture as ended: it is on disk, or has failed."""
        with self._lock:
            self._ended += 1
