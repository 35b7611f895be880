"""What goes wrong inside a capture, or in what a capture is given."""

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
from tests.helpers.faults.tiny_training import At, Settle
from tests.helpers.models import six_images, six_labels

GRID = "activations/conv_a/image_0"


@fault(
    "A model whose weights turn NaN",
    checked="the weights; activations are drawn on, their statistics empty where they are no "
    "numbers; class maps before it stay",
    seen="warning: “could not draw 'grad_cam': ValueError: … NaN or infinite …”",
    times=5,
)
def nan(directory: Path, number: int) -> None:
    def trained(own: list[Any]) -> list[np.ndarray]:
        model = tiny_training.model()
        tiny_training.fit(model, [At("on_epoch_begin", lambda: _spoil(model), 2), *own])
        return tiny_training.variables(model)

    own = tiny_training.callbacks(directory)
    with tiny_training.said() as warned:
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
    assert statistics.mean[0] in (None, 0)  # where a ReLU makes 0 of it
    assert log.steps("grad_cam/conv_b/image_0") == [0, 1]


def _spoil(model: keras.Model) -> None:
    """A weight in front, for the activations, and one behind, for the score and its gradients.

    The first alone would not do: some processors make 0 of NaN in a ReLU.
    """
    for layer in ("conv_a", "classes"):
        kernel = model.get_layer(layer).kernel
        value = np.array(keras.ops.convert_to_numpy(kernel))
        value[(0,) * value.ndim] = np.nan
        kernel.assign(value)


class Hungry(ActivationGrid):  # type: ignore[misc]
    """Draws its second capture without a byte more than the process has (RLIMIT_AS)."""

    captures = 0

    def _capture(self) -> Any:
        self.captures += 1
        draw = super()._capture()
        return self._starving(draw) if self.captures == 2 else draw

    def _starving(self, draw: Any) -> Any:
        def starving(moment: Any) -> Iterator[Any]:
            soft, hard = resource.getrlimit(resource.RLIMIT_AS)
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), hard))
            try:
                yield from draw(moment)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

        return starving


def _no_limits() -> str | None:
    return None if Path("/proc/self/statm").exists() else "/proc tells a process's size on Linux"


@fault(
    "No memory for drawing (RLIMIT_AS at what the process has, while it draws 64 MB)",
    checked="the weights; every other capture",
    seen="warning: “could not draw 'activations': MemoryError …”",
    times=5,
    cannot=_no_limits,
)
def no_memory_to_draw(directory: Path, number: int) -> None:
    own = Hungry(directory, six_images()[:1], layers="conv_a", cell_size=4096)
    model = tiny_training.model()
    with tiny_training.said() as warned:
        # Behind `Settle` nothing of the training runs while there is no memory.
        tiny_training.fit(
            model, [own, Settle(own), *tiny_training.callbacks(directory, name="cam")[1:]]
        )
    tiny_training.same(tiny_training.variables(model), tiny_training.expected())
    assert len(warned) == 1, warned
    assert "could not draw 'activations'" in warned[0]
    assert "MemoryError" in warned[0]
    assert steps(readable(directory), {GRID}) == [0, 2, 3]


class TooMuch:
    """A target that needs 64 TiB for a moment, once the training runs.

    A compiled one needs them when it is run; on torch, where it is called for each capture, only
    the first call, which checks it before the training, does without.
    """

    calls = 0

    def __call__(self, outputs: Any) -> Any:
        score = outputs[:, 0]
        self.calls += 1
        if self.calls <= by_backend(tensorflow=0, jax=0, torch=1):
            return score
        row = keras.ops.arange(1 << 22, dtype="float32") * keras.ops.stop_gradient(score[0])
        many = keras.ops.sin(row[:, None] + row[None, :])
        # What is sorted has to stand in memory: no compiler gets round it.
        return score * (1 + 0 * keras.ops.sort(many, axis=0)[0, 0])


@fault(
    "No memory in a capture (a `target` that asks the backend for 64 TiB)",
    checked="the weights; all pictures of the other callback",
    seen="warning: “could not draw 'grad_cam': …” with the backend's own words",
    times=5,
)
def no_memory_to_capture(directory: Path, number: int) -> str:
    grid, _ = tiny_training.callbacks(directory)
    # TensorFlow tries for ten seconds: in the first capture and in the last will do.
    own = GradCAM(
        directory, six_images()[:1], layers="conv_b", target=TooMuch(), every=tiny_training.EPOCHS
    )
    model = tiny_training.model()
    with tiny_training.said() as warned:
        tiny_training.fit(model, [own, grid] if number % 2 else [grid, own])
    tiny_training.same(tiny_training.variables(model), tiny_training.expected())
    assert len(warned) == 1, warned
    assert "could not draw 'grad_cam'" in warned[0]
    assert any(word in warned[0].lower() for word in ("memory", "allocat", "exhausted")), warned[0]
    assert steps(readable(directory), {GRID}) == list(range(tiny_training.EPOCHS))
    return warned[0][:160]


class LostError(OSError):
    """What a dataset raises whose files are gone."""


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
    """A dataset that is gone altogether."""

    def __len__(self) -> int:
        raise LostError("the file is gone")


@fault(
    "A held-out dataset that raises, at once or half-way",
    checked="it raises where the callback is made, before any training; nothing is written; a "
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
    tiny_training.same(tiny_training.variables(model), tiny_training.expected())
    assert steps(readable(directory), tiny_training.TAGS) == list(range(tiny_training.EPOCHS))


@fault(
    "A clock that jumps back by a day in the middle of a training, and again before a restart",
    checked="the weights; one order of steps in all readers: files sort in the order of writing",
    seen="nothing",
    times=5,
)
def clock(directory: Path, number: int) -> None:
    real, behind = time.time, [0.0]

    def jump() -> None:
        behind[0] += 86_400.0

    model = tiny_training.model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: real() - behind[0])
        own = tiny_training.callbacks(directory)
        tiny_training.fit(model, [At("on_epoch_begin", jump, 2), *own])
        tiny_training.same(tiny_training.variables(model), tiny_training.expected())
        jump()
        tiny_training.fit(model, tiny_training.callbacks(directory), epochs=6, initial_epoch=4)
    log = readable(directory)
    assert steps(log, tiny_training.TAGS) == list(range(6))
    assert len(log.files) == 2
