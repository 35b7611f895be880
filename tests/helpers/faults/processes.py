"""Several processes: on one log directory, one after the other, and the workers of data loaders."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tests.helpers.backends import BACKEND
from tests.helpers.faults import tiny_training
from tests.helpers.faults.batches import Batches
from tests.helpers.faults.fault import fault
from tests.helpers.faults.fork_server import child
from tests.helpers.faults.killed import load, save
from tests.helpers.faults.log_checks import readable, steps
from tests.helpers.faults.tiny_training import At
from tests.helpers.models import six_images, six_labels

EPOCHS = 6


class Seeds(keras.callbacks.Callback):
    """Seeds each epoch: torch's dropout draws from the global generator, which no backup saves."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        keras.utils.set_random_seed(epoch)


def train(
    directory: str, log_dir: str | None = None, meet: str | None = None, epochs: int = EPOCHS
) -> None:
    """A process that trains.

    Args:
        directory: Directory for its weights.
        log_dir: Log directory; None for a training without our callbacks.
        meet: A directory in which two of them wait for each other before the first epoch.
        epochs: Number of epochs.
    """
    model = tiny_training.model()
    own = [] if log_dir is None else tiny_training.callbacks(log_dir)
    begin = [At("on_epoch_begin", lambda: _meet(Path(meet)), 0)] if meet else []
    tiny_training.fit(model, [Seeds(), *begin, *own], epochs)
    save(Path(directory) / "trained.npz", model)


def _meet(place: Path) -> None:
    (place / str(os.getpid())).touch()
    wait = threading.Event()
    while len(list(place.iterdir())) < 2:
        wait.wait(0.01)


@functools.cache
def _expected(epochs: int = EPOCHS) -> list[np.ndarray]:
    """State of the model after the training of a process without callbacks."""
    with tempfile.TemporaryDirectory() as place:
        child(
            "tests.helpers.faults.processes:train", directory=place, epochs=epochs
        ).check_success()
        return load(Path(place) / "trained.npz")


@fault(
    "Two processes that begin to write to one log directory at the same moment",
    checked="the weights of both; each has a run of its own with all its pictures",
    seen="the runs `keras_viz` and `keras_viz-2`",
    times=20,
)
def two(directory: Path, number: int) -> None:
    places = [directory / "a", directory / "b"]
    log_dir, meet = directory / "log", directory / "meet"
    for place in (*places, meet):
        place.mkdir()
    function = "tests.helpers.faults.processes:train"
    both = [child(function, directory=p, log_dir=log_dir, meet=meet) for p in places]
    for each in both:
        each.check_success()
    for place in places:
        tiny_training.assert_same(load(place / "trained.npz"), _expected())
    log = readable(log_dir)
    for run in ("keras_viz", "keras_viz-2"):
        assert steps(log, tiny_training.TAGS, run) == list(range(EPOCHS))


def train_with_backup(directory: str, log_dir: str | None, die_at: int | None = None) -> None:
    """A process with Keras' own backup, which kills itself in an epoch, or trains to the end."""
    place = Path(directory)
    model = tiny_training.model()
    own = [] if log_dir is None else tiny_training.callbacks(log_dir)
    own.append(keras.callbacks.BackupAndRestore(place / "backup"))
    if die_at is not None:
        own.append(At("on_train_batch_end", lambda: os.kill(os.getpid(), signal.SIGKILL), die_at))
    tiny_training.fit(model, [Seeds(), *own], EPOCHS)
    save(place / "trained.npz", model)


def _killed_and_restored(directory: Path, log_dir: Path | None, die_at: int) -> list[np.ndarray]:
    function = "tests.helpers.faults.processes:train_with_backup"
    directory.mkdir(exist_ok=True)
    killed = child(function, directory=directory, log_dir=log_dir, die_at=die_at)
    status, output = killed.wait()
    assert status == -signal.SIGKILL, output
    child(function, directory=directory, log_dir=log_dir).check_success()
    return load(directory / "trained.npz")


@functools.cache
def _restored_without(die_at: int) -> list[np.ndarray]:
    """Keras' backup leaves out the optimizer's state, so a killed training ends differently."""
    with tempfile.TemporaryDirectory() as place:
        return _killed_and_restored(Path(place), None, die_at)


@fault(
    "A restart by `BackupAndRestore` after `kill -9`",
    checked="the weights of one without our callbacks that is killed and restored in the same way; "
    "the log continues in its run, with all pictures from the restored epoch on",
    seen="nothing",
    times=10,
    slow=True,
)
def restored(directory: Path, number: int) -> str:
    log_dir, die_at = directory / "log", 1 + number % (EPOCHS - 1)
    found = _killed_and_restored(directory / "training", log_dir, die_at)
    tiny_training.assert_same(found, _restored_without(die_at))
    log = readable(log_dir)
    assert {run for run, _, _ in log.pictures} == {"keras_viz"}
    for tag in tiny_training.TAGS:
        assert set(range(die_at, EPOCHS)) <= set(log.steps(tag)), tag
    return f"killed in epoch {die_at}"


def train_on_loader(directory: str, log_dir: str, method: str, loader: str, epochs: int) -> None:
    """The function of a process whose batches come from other processes.

    Args:
        directory: Directory for its weights.
        log_dir: Log directory.
        method: How they are started: ``fork`` or ``spawn``.
        loader: ``keras`` or ``torch``.
        epochs: Number of epochs; each starts them again, after the first while our thread runs.
    """
    multiprocessing.set_start_method(method, force=True)
    if loader == "torch":
        import torch

        data = torch.utils.data.TensorDataset(
            torch.tensor(six_images()), torch.tensor(six_labels())
        )
        batches: Any = torch.utils.data.DataLoader(data, batch_size=2, num_workers=2)
    else:
        batches = Batches(six_images(), six_labels())
    model, has_worker = tiny_training.model(), []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: has_worker.append(
            any(thread.name == "keras_viz" for thread in threading.enumerate())
        )
    )
    tiny_training.fit(
        model,
        [Seeds(), *tiny_training.callbacks(log_dir), watch],
        epochs,
        x=batches,
        y=None,
        batch_size=None,
    )
    assert has_worker == [False] + [True] * (epochs - 1), has_worker
    save(Path(directory) / "trained.npz", model)


def _loader(directory: Path, method: str, loader: str) -> None:
    log_dir = directory / "log"
    # Each spawned process imports the backend: seconds.
    epochs = 2 if method == "spawn" else 3
    arguments = {"method": method, "loader": loader, "epochs": epochs}
    function = "tests.helpers.faults.processes:train_on_loader"
    child(function, directory=directory, log_dir=log_dir, **arguments).check_success()
    tiny_training.assert_same(load(directory / "trained.npz"), _expected(epochs))
    log = readable(log_dir)
    assert steps(log, tiny_training.TAGS) == list(range(epochs))
    assert {run for run, _, _ in log.pictures} == {"keras_viz"}


_CHECKED = "the weights; all pictures, once; every process ends"


@fault(
    "A `PyDataset` with two processes, forked while our worker thread runs",
    checked=_CHECKED,
    seen="nothing",
    times=10,
)
def forked(directory: Path, number: int) -> None:
    _loader(directory, "fork", "keras")


@fault(
    "A `PyDataset` with two processes, spawned while our worker thread runs",
    checked=_CHECKED,
    seen="nothing",
    times=3,
    slow=True,
)
def spawned(directory: Path, number: int) -> None:
    _loader(directory, "spawn", "keras")


@fault(
    "A torch `DataLoader` with two workers, forked or spawned while our worker thread runs",
    checked=_CHECKED,
    seen="nothing",
    times=6,
    cannot=lambda: None if BACKEND == "torch" else "only on torch: its loader, with its tensors",
)
def torch_loader(directory: Path, number: int) -> str:
    method = ("fork", "spawn")[number % 2]
    _loader(directory, method, "torch")
    return method
