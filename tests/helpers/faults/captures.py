"""Faults inside a capture, or in what a capture is given."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_viz_callbacks import ActivationGrid, GradCAM
from tests.helpers.backends import by_backend
from tests.helpers.faults import tiny_training
from tests.helpers.faults.fault import fault
from tests.helpers.faults.log_checks import readable, steps
from tests.helpers.faults.tiny_training import At, WaitUntilWritten
from tests.helpers.models import six_images, six_labels

EPOCHS = tiny_training.EPOCHS
GRID = "activations/conv_a/image_0"


@fault(
    "A model whose weights turn NaN",
    checked="the weights; activations are still drawn, with empty statistics where they are not "
    "finite; earlier class maps stay",
    seen="warning: “could not draw 'grad_cam': ValueError: … NaN or infinite …”",
    times=5,
)
def nan(directory: Path, number: int) -> None:
    def trained(own: list[Any]) -> list[np.ndarray]:
        model = tiny_training.model()
        tiny_training.fit(model, [At("on_epoch_begin", lambda: _spoil(model), 2), *own])
        return tiny_training.variables(model)

    own = tiny_training.callbacks(directory)
    with tiny_training.our_warnings() as warned:
        found = trained(own)
    wanted = trained([])
    for mine, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert not np.isfinite(found[0]).all()
    assert len(warned) == 1, warned
    assert "could not draw 'grad_cam'" in warned[0]
    assert "NaN or infinite" in warned[0]
    log = readable(directory)
    assert log.steps(GRID) == list(range(tiny_training.EPOCHS))
    statistics = log.records["keras_viz", GRID, tiny_training.EPOCHS - 1].statistics
    assert statistics is not None
    assert statistics.mean[0] in (None, 0)  # where a ReLU turns it into 0
    assert log.steps("grad_cam/conv_b/image_0") == [0, 1]


def _spoil(model: keras.Model) -> None:
    """Sets a weight of the first layer, for the activations, and one of the last, for the score.

    The first is not enough: in a ReLU, some processors turn NaN into 0.
    """
    for layer in ("conv_a", "classes"):
        kernel = model.get_layer(layer).kernel
        value = np.array(keras.ops.convert_to_numpy(kernel))
        value[(0,) * value.ndim] = np.nan
        kernel.assign(value)


class WithoutMemory(ActivationGrid):  # type: ignore[misc]
    """Draws its second capture with the memory that the process already has (RLIMIT_AS)."""

    captures = 0

    def _capture(self) -> Any:
        self.captures += 1
        draw = super()._capture()
        return self._limited(draw) if self.captures == 2 else draw

    def _limited(self, draw: Any) -> Any:
        def limited(moment: Any) -> Iterator[Any]:
            soft, hard = resource.getrlimit(resource.RLIMIT_AS)
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), hard))
            try:
                yield from draw(moment)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

        return limited


def _no_limits() -> str | None:
    return None if Path("/proc/self/statm").exists() else "the size of a process is read from /proc"


@fault(
    "No memory for drawing (RLIMIT_AS at what the process has, while it draws 64 MB)",
    checked="the weights; every other capture",
    seen="warning: “could not draw 'activations': MemoryError …”",
    times=5,
    cannot=_no_limits,
)
def no_memory_to_draw(directory: Path, number: int) -> None:
    own = WithoutMemory(directory, six_images()[:1], layers="conv_a", cell_size=4096)
    model = tiny_training.model()
    with tiny_training.our_warnings() as warned:
        # After `WaitUntilWritten`, nothing of the training runs while there is no memory.
        tiny_training.fit(
            model, [own, WaitUntilWritten(own), *tiny_training.callbacks(directory, name="cam")[1:]]
        )
    tiny_training.assert_same(tiny_training.variables(model), tiny_training.expected())
    assert len(warned) == 1, warned
    assert "could not draw 'activations'" in warned[0]
    assert "MemoryError" in warned[0]
    assert steps(readable(directory), {GRID}) == [0, 2, 3]


class HugeTarget:
    """A target that needs 64 TiB once the training runs.

    A compiled one needs them when it is run. On torch, where it is called for each capture, the
    first call needs less: it checks the target before the training.
    """

    calls = 0

    def __call__(self, outputs: Any) -> Any:
        score = outputs[:, 0]
        self.calls += 1
        if self.calls <= by_backend(tensorflow=0, jax=0, torch=1):
            return score
        row = keras.ops.arange(1 << 22, dtype="float32") * keras.ops.stop_gradient(score[0])
        many = keras.ops.sin(row[:, None] + row[None, :])
        # What is sorted has to be in memory: no compiler can avoid it.
        return score * (1 + 0 * keras.ops.sort(many, axis=0)[0, 0])


@fault(
    "No memory in a capture (a `target` that asks the backend for 64 TiB)",
    checked="the weights; all pictures of the other callback",
    seen="warning: “could not draw 'grad_cam': …” with the backend's message",
    times=5,
)
def no_memory_to_capture(directory: Path, number: int) -> str:
    grid, _ = tiny_training.callbacks(directory)
    # TensorFlow tries for ten seconds: so only in the first capture and in the last.
    own = GradCAM(
        directory,
        six_images()[:1],
        layers="conv_b",
        target=HugeTarget(),
        every=tiny_training.EPOCHS,
    )
    model = tiny_training.model()
    with tiny_training.our_warnings() as warned:
        tiny_training.fit(model, [own, grid] if number % 2 else [grid, own])
    tiny_training.assert_same(tiny_training.variables(model), tiny_training.expected())
    assert len(warned) == 1, warned
    assert "could not draw 'grad_cam'" in warned[0]
    assert any(word in warned[0].lower() for word in ("memory", "allocat", "exhausted")), warned[0]
    assert steps(readable(directory), {GRID}) == list(range(tiny_training.EPOCHS))
    return warned[0][:160]


class LostError(OSError):
    """The error of a dataset whose files are gone."""


def _breaks_at_once() -> Iterator[Any]:
    raise LostError("the file is gone")
    yield


def _breaks_half_way() -> Iterator[Any]:
    yield six_images()[:1], six_labels()[:1]
    raise LostError("the file is gone")


class BreaksWhenRead(keras.utils.PyDataset):  # type: ignore[misc]
    """A dataset whose second batch is gone."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        if index:
            raise LostError("the file is gone")
        return six_images()[:1], six_labels()[:1]


class BreaksWhenCounted(keras.utils.PyDataset):  # type: ignore[misc]
    """A dataset without any file."""

    def __len__(self) -> int:
        raise LostError("the file is gone")


@fault(
    "A held-out dataset that raises, at once or half-way",
    checked="it raises when the callback is made, before any training; nothing is written; a "
    "training with another dataset has the right weights and all its pictures",
    seen="the dataset's own exception",
    times=4,
    tested=4,
)
def dataset(directory: Path, number: int) -> None:
    made = (_breaks_at_once, _breaks_half_way, BreaksWhenRead, BreaksWhenCounted)[number]()
    with pytest.raises(LostError, match="the file is gone"):
        GradCAM(directory, made)
    assert list(directory.iterdir()) == []
    model = tiny_training.model()
    tiny_training.fit(model, tiny_training.callbacks(directory))
    tiny_training.assert_same(tiny_training.variables(model), tiny_training.expected())
    assert steps(readable(directory), tiny_training.TAGS) == list(range(tiny_training.EPOCHS))


@fault(
    "A clock that jumps back by a day in the middle of a training, and again before a restart",
    checked="the weights; one order of steps in all readers: files sort in the order of writing",
    seen="nothing",
    times=5,
)
def clock(directory: Path, number: int) -> None:
    real, offset = time.time, [0.0]

    def jump() -> None:
        offset[0] += 86_400.0

    model = tiny_training.model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: real() - offset[0])
        own = tiny_training.callbacks(directory)
        tiny_training.fit(model, [At("on_epoch_begin", jump, 2), *own])
        tiny_training.assert_same(tiny_training.variables(model), tiny_training.expected())
        jump()
        tiny_training.fit(model, tiny_training.callbacks(directory), epochs=6, initial_epoch=4)
    log = readable(directory)
    assert steps(log, tiny_training.TAGS) == list(range(6))
    assert len(log.files) == 2
