"""``kill -9`` at random moments, and the restart after it."""

from __future__ import annotations

import functools
import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tests.helpers.event_logs import Log
from tests.helpers.faults import tiny_training
from tests.helpers.faults.fault import fault
from tests.helpers.faults.fork_server import child
from tests.helpers.faults.log_checks import readable, steps

EPOCHS = 8
TAGS = tiny_training.TAGS | {"filters/conv_a"}


class Backup(keras.callbacks.Callback):
    """Saves the whole state once an epoch, as a user does who wants to resume after a crash.

    A file is replaced in one step, so that a kill never leaves an incomplete one.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        keras.utils.set_random_seed(epoch)  # torch's dropout draws from the global generator

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        save(self.path, self.model, epoch=epoch + 1)

    def restore(self, model: keras.Model) -> int:
        """Restores the model, if anything was saved; returns the epoch to continue with."""
        if not self.path.exists():
            return 0
        saved = dict(np.load(self.path))
        epoch = int(saved.pop("epoch"))
        for variable, value in zip(tiny_training.all_variables(model), saved.values(), strict=True):
            variable.assign(value)
        return epoch


def save(path: Path, model: keras.Model, **more: Any) -> None:
    """All variables of a model and of its optimizer, and more."""
    values = {f"{i:03d}": value for i, value in enumerate(tiny_training.variables(model))}
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        np.savez(file, **more, **values)
    os.replace(file.name, path)


def load(path: Path) -> list[np.ndarray]:
    """The variables that `save` saved, in its order."""
    return [value for name, value in np.load(path).items() if name != "epoch"]


def train(log_dir: str | None, directory: str) -> None:
    """The function of a process: begins a training, or resumes one that was killed."""
    began = time.monotonic()
    place = Path(directory)
    model = tiny_training.model()
    backup = Backup(place / "backup.npz")
    epoch = backup.restore(model)
    epoch_ends = EpochEnds()
    own = (
        []
        if log_dir is None
        else [*tiny_training.callbacks(log_dir), tiny_training.patterns(log_dir), epoch_ends]
    )
    tiny_training.fit(model, [*own, backup], epochs=EPOCHS, initial_epoch=epoch)
    save(place / "trained.npz", model)
    times = [moment - began for moment in epoch_ends.moments]
    (place / "report.json").write_text(json.dumps({"began_with": epoch, "times": times}))


class EpochEnds(keras.callbacks.Callback):
    """Notes when epochs end."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.moments.append(time.monotonic())


@functools.cache
def undisturbed() -> tuple[list[np.ndarray], tuple[float, float], int]:
    """A training without callbacks, and one that is not killed.

    Returns:
        State of the model after the first; seconds from the fork to the first and to the last
        capture of the second, and its number of pictures.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for part in ("without", "with"):
            (place / part).mkdir()
        child(
            "tests.helpers.faults.killed:train", log_dir=None, directory=place / "without"
        ).check_success()
        log_dir, watched = place / "log", place / "with"
        child(
            "tests.helpers.faults.killed:train", log_dir=log_dir, directory=watched
        ).check_success()
        wanted = load(place / "without" / "trained.npz")
        tiny_training.assert_same(load(watched / "trained.npz"), wanted)
        times = json.loads((watched / "report.json").read_text())["times"]
        log = readable(log_dir)
        assert steps(log, TAGS) == list(range(EPOCHS))
        return wanted, (times[0], times[-1]), len(log.pictures)


@fault(
    "`kill -9` at a random moment, then a restart",
    checked="all readers show the same complete pictures, of every epoch except the last few "
    "captures; the restarted training (`initial_epoch`) ends with the weights of one that was not "
    "killed, bit for bit, and has all its pictures",
    seen="nothing: a record without its picture is not shown",
    times=100,
    tested=2,
)
def kill(directory: Path, number: int) -> str:
    wanted, (first, last), total = undisturbed()
    log_dir, place = directory / "log", directory / "training"
    place.mkdir()
    random = np.random.default_rng(number)
    # From before the first capture to after the last.
    delay = float(random.uniform(first * 0.7, last * 1.1))
    killed = child("tests.helpers.faults.killed:train", log_dir=log_dir, directory=place)
    time.sleep(delay)
    killed.kill()
    status, output = killed.wait()
    assert status in (0, -signal.SIGKILL), output
    before = readable(log_dir)
    for tag in TAGS:
        captured = before.steps(tag)
        assert captured == list(range(len(captured))), (tag, captured)
    again = child("tests.helpers.faults.killed:train", log_dir=log_dir, directory=place)
    again.check_success()
    tiny_training.assert_same(load(place / "trained.npz"), wanted)
    report = json.loads((place / "report.json").read_text())
    _check_restart(before, readable(log_dir), report["began_with"])
    return f"{len(before.pictures)} of {total} pictures, {report['began_with']} epochs saved"


def _check_restart(before: Log, after: Log, began_with: int) -> None:
    runs = {run for run, _, _ in after.pictures}
    # A training that begins again has another run, if there was one.
    newest = "keras_viz-2" if "keras_viz-2" in runs else "keras_viz"
    assert (newest == "keras_viz-2") <= (began_with == 0)
    for tag in TAGS:
        assert set(range(began_with, EPOCHS)) <= set(after.steps(tag, newest)), tag
    # What was drawn before is still there, except steps that were trained and drawn again.
    for key, png in before.pictures.items():
        if key[2] < began_with or newest != "keras_viz":
            assert after.pictures[key] == png
        else:
            assert key in after.pictures
