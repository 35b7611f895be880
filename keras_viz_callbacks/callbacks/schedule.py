"""When to capture, from what the hooks of a training report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Due:
    """A capture that has to be made now.

    Attributes:
        is_last: True for the last epoch of the training.
    """

    is_last: bool = False


class Schedule:
    """Decides at the end of each batch and epoch whether a capture is due.

    It knows neither Keras nor what a capture is. A training calls `begin`, then `begin_epoch`,
    `end_batch` and `end_epoch` for each epoch, then `end`.

    Args:
        update_freq: ``"epoch"``, or a number of training batches between captures. Batches are
            counted over epochs.
        every: Number of epochs between captures, counted from epoch 0; the last epoch is always
            captured.

    Attributes:
        epoch: Current epoch, from 0.
        batches: Number of batches since the training began.

    Raises:
        ValueError: One of them is no positive number, or both are given.
    """

    def __init__(self, update_freq: Literal["epoch"] | int = "epoch", every: int = 1) -> None:
        if update_freq != "epoch" and not _is_count(update_freq):
            raise ValueError(
                '`update_freq` must be "epoch" or a positive number of training batches. '
                f"Received: update_freq={update_freq!r}"
            )
        if not _is_count(every):
            raise ValueError(
                f"`every` must be a positive number of epochs. Received: every={every!r}"
            )
        if update_freq != "epoch" and every != 1:
            raise ValueError(
                '`every` counts epochs, so it goes with update_freq="epoch" only. '
                f"Received: every={every!r}, update_freq={update_freq!r}"
            )
        self._update_freq = update_freq
        self._every = every
        self.epoch = 0
        self.begin()

    def begin(self, epochs: int | None = None, steps: int | None = None) -> None:
        """A training begins.

        Args:
            epochs: Number of the epoch after its last one, if known.
            steps: Number of batches in an epoch, if known.
        """
        self._epochs = epochs
        self._steps = steps
        self._captured_epoch: int | None = None
        self.batches = 0
        self._batches_at_epoch_begin = 0

    def begin_epoch(self, epoch: int) -> None:
        """An epoch begins."""
        self.epoch = epoch
        self._batches_at_epoch_begin = self.batches

    def end_batch(self, batch: int, batches_before: int = 0) -> Due | None:
        """A batch has ended.

        Args:
            batch: Its number in the epoch, from 0. Keras reports only the last batch of each
                execution where ``steps_per_execution`` is above 1.
            batches_before: Number of batches of earlier trainings in the same run.

        Returns:
            A capture that is due now, or None.
        """
        before = batches_before + self.batches
        self.batches = self._batches_at_epoch_begin + batch + 1
        if self._update_freq == "epoch":
            return None
        after = batches_before + self.batches
        return Due() if after // self._update_freq > before // self._update_freq else None

    def end_epoch(self, epoch: int, *, is_stopped: bool = False) -> Due | None:
        """An epoch has ended.

        Args:
            epoch: Its number, from 0.
            is_stopped: True where the training ends with it before its time.

        Returns:
            A capture that is due now, or None.
        """
        is_last = is_stopped or self._epochs == epoch + 1
        if self._update_freq != "epoch" or not (epoch % self._every == 0 or is_last):
            return None
        self._captured_epoch = epoch
        return Due(is_last)

    def skip(self) -> None:
        """The capture that was due was not made; should this epoch be the last, it still is."""
        self._captured_epoch = None

    def end(self) -> Due | None:
        """The training has ended.

        Returns:
            A capture of its last epoch, where none was made: a callback that comes after ours in
            the list may have stopped the training.
        """
        if self._update_freq != "epoch" or not self.batches or self._captured_epoch == self.epoch:
            return None
        return Due(is_last=True)

    def planned_captures(self) -> int | None:
        """Number of captures in the whole training, if known."""
        if self._epochs is None:
            return None
        if self._update_freq == "epoch":
            return len({*range(0, self._epochs, self._every), self._epochs - 1})
        return None if self._steps is None else self._epochs * self._steps // self._update_freq


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
