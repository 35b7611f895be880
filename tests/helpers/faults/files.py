"""Event files of an earlier training that are damaged, and foreign files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_viz_callbacks.summary import run, summaries
from keras_viz_callbacks.summary.event_file import EventFile
from tensorboard_plugin.answers import pictures
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.log.log_errors import Damaged
from tests.helpers.event_logs import Log, decode
from tests.helpers.faults import tiny_training
from tests.helpers.faults.fault import fault
from tests.helpers.faults.log_checks import Key, in_tensorboard

FIRST, ALL = 3, 6
"""Number of epochs of the earlier training, and of both together."""


def _begin(log_dir: Path) -> tuple[dict[Key, bytes], Path]:
    """A training of `FIRST` epochs: its pictures, and its event file."""
    tiny_training.fit(tiny_training.model(), tiny_training.callbacks(log_dir), FIRST)
    log = Log(log_dir)
    (file,) = log.files
    return log.pictures, file


def _resume(log_dir: Path, files: list[Path]) -> None:
    """Resumes the training; checks its weights, and that no earlier file changes."""
    run._forget()  # like another process, which knows only what is on the disk
    kept = {path: path.read_bytes() for path in files}

    def trained(own: list[object]) -> list[np.ndarray]:
        model = tiny_training.model()
        tiny_training.fit(model, own, ALL, initial_epoch=FIRST)
        return tiny_training.variables(model)

    tiny_training.assert_same(trained(tiny_training.callbacks(log_dir)), trained([]))
    assert {path: path.read_bytes() for path in files} == kept


def _in_the_tab(directory: Path) -> dict[Key, bytes]:
    """Pictures that the tab returns; for a damaged one it returns an error."""
    index = LogIndex(log_directories(str(directory)))
    index.refresh(seconds=60)
    found = {}
    for each in index.runs.values():
        for tag, series in each.series.items():
            for at, step in enumerate(series.step):
                try:
                    found[each.name, tag, int(step)] = pictures.read(each.location(series, at))
                except Damaged:
                    continue
    return found


def _check(log_dir: Path, before: dict[Key, bytes], lost: int) -> None:
    """Checks what all readers return after the second training.

    Args:
        log_dir: Log directory of both trainings.
        before: Pictures of the first one, before the damage.
        lost: Number of them that may be missing from the tab.
    """
    tab = _in_the_tab(log_dir)
    assert len(before.keys() - tab.keys()) <= lost, before.keys() - tab.keys()
    for multifile in (False, True):
        board = in_tensorboard(log_dir, multifile=multifile)
        assert board.items() <= tab.items()  # it stops reading a file at the first damaged record
        new = {key for key in board if key[2] >= FIRST and key[1] in tiny_training.TAGS}
        assert new == {
            ("keras_viz", tag, s) for tag in tiny_training.TAGS for s in range(FIRST, ALL)
        }
    for key, png in tab.items():
        decode(png)
        assert key[2] >= FIRST or png == before[key], key


@fault(
    "An event file of the earlier training cut at a random byte, then a restart",
    checked="the weights; the file stays as it is; the tab shows all complete pictures in it, and "
    "every reader shows all of the second training",
    seen="nothing",
    times=50,
    tested=2,
)
def truncated(directory: Path, number: int) -> str:
    before, file = _begin(directory)
    length = int(np.random.default_rng(number).integers(0, file.stat().st_size))
    file.write_bytes(file.read_bytes()[:length])
    complete = Log(directory).pictures
    _resume(directory, [file])
    _check(directory, before, len(before) - len(complete))
    assert complete.items() <= _in_the_tab(directory).items()
    return f"cut at byte {length}, {len(complete)} of {len(before)} pictures complete"


@fault(
    "A bit of an event file of the earlier training flipped, then a restart",
    checked="the weights; the file stays as it is; the tab shows all pictures except the damaged "
    "one, and every reader shows all of the second training",
    seen="a damaged picture is not shown",
    times=50,
    tested=2,
)
def flipped(directory: Path, number: int) -> str:
    before, file = _begin(directory)
    random = np.random.default_rng(number)
    data = bytearray(file.read_bytes())
    at = int(random.integers(0, len(data)))
    data[at] ^= 1 << int(random.integers(0, 8))
    file.write_bytes(data)
    _resume(directory, [file])
    _check(directory, before, 1)
    return f"byte {at}"


def _foreign(directory: Path) -> dict[str, bytes]:
    """Files without events, or of another tool, by name."""
    random = np.random.default_rng(0)
    other = EventFile(str(directory))
    other.write(7, [summaries.scalar("of/another/tool", 1.0)])
    other.flush()
    assert other.path is not None
    theirs = Path(other.path)
    other.close()
    events = theirs.read_bytes()
    theirs.unlink()
    return {
        "events.out.tfevents.1.noise": random.bytes(5000),
        "events.out.tfevents.2.text": b"These are no events.\n" * 50,
        "events.out.tfevents.3.empty": b"",
        "events.out.tfevents.4.other": events,
        "events.out.tfevents.9999999999.later": random.bytes(5000),
        "notes.txt": b"to be kept",
    }


@fault(
    "Foreign files among the event files: noise, text, nothing, another tool's, one that is "
    "last by its name",
    checked="the weights; the files stay as they are; every reader shows every picture of both "
    "trainings",
    seen="nothing",
    times=6,
    tested=1,
)
def foreign(directory: Path, number: int) -> str:
    before, file = _begin(directory)
    name, data = list(_foreign(directory / "elsewhere").items())[number % 6]
    path = file.parent / name
    path.write_bytes(data)
    _resume(directory, [file, path])
    _check(directory, before, 0)
    board = in_tensorboard(directory, multifile=True)
    assert before.items() <= board.items()
    return name
