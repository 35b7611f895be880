"""What can still be read of a log: by TensorBoard's loaders, by its parser, and by our tab."""

from __future__ import annotations

from pathlib import Path

from tensorboard.backend.event_processing import plugin_event_accumulator

from tensorboard_plugin.answers import pictures
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tests.helpers.event_logs import Log, decode

Key = tuple[str, str, int]
"""Run, tag, step."""


def in_the_tab(directory: Path | str) -> dict[Key, bytes]:
    """Every picture that our tab shows, as its routes return it."""
    index = LogIndex(log_directories(str(directory)))
    index.refresh(seconds=60)
    return {
        (run.name, tag, int(step)): pictures.read(run.location(series, at))
        for run in index.runs.values()
        for tag, series in run.series.items()
        for at, step in enumerate(series.step)
    }


def in_tensorboard(directory: Path | str, *, multifile: bool = False) -> dict[Key, bytes]:
    """Every picture that TensorBoard's own loader reads from our runs.

    Args:
        directory: The log directory.
        multifile: As with ``--reload_multifile``, with which all files of a run are read on.
    """
    found = {}
    for run in sorted(path for path in Path(directory).rglob("keras_viz*") if path.is_dir()):
        accumulator = plugin_event_accumulator.EventAccumulator(
            str(run),
            tensor_size_guidance={"images": 0, "keras_viz": 0, "scalars": 0},
            event_file_active_filter=(lambda _: True) if multifile else None,
        )
        accumulator.Reload()
        name = run.relative_to(directory).as_posix()
        for tag in accumulator.summary_metadata:
            if accumulator.SummaryMetadata(tag).plugin_data.plugin_name == "images":
                for event in accumulator.Tensors(tag):
                    found[name, tag, event.step] = event.tensor_proto.string_val[2]
    return found


def readable(directory: Path | str) -> Log:
    """Checks that all readers show the same pictures, and that each decodes.

    Returns:
        What was read.
    """
    log = Log(directory)
    assert in_the_tab(directory) == log.pictures
    assert in_tensorboard(directory) == log.pictures
    assert in_tensorboard(directory, multifile=True) == log.pictures
    assert log.pictures.keys() <= log.records.keys()
    for key, png in log.pictures.items():
        record = log.records[key]
        assert decode(png).size == (record.width, record.height), key
    return log


def steps(log: Log, tags: set[str], run: str = "keras_viz") -> list[int]:
    """Steps of these tags' pictures, which must be the same for all."""
    each = [log.steps(tag, run) for tag in sorted(tags)]
    assert all(found == each[0] for found in each), dict(zip(sorted(tags), each, strict=True))
    return each[0]
