from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.run_index import RunIndex
from tests.helpers import synthetic_logs
from tests.helpers.indexed import picture_of, stamps_of

IndexOf = Callable[..., LogIndex]
SMALL = synthetic_logs.Spec(epochs=3, layers=1, images=1, channels=2, cell=4, size=8)


def test_a_restarted_training_overwrites_its_steps(tmp_path: Path, index_of: IndexOf) -> None:
    first = synthetic_logs.write(str(tmp_path), SMALL)
    index = index_of(tmp_path)
    before = stamps_of(index.runs["keras_viz"])
    again = synthetic_logs.write(
        str(tmp_path),
        synthetic_logs.Spec(**{**vars(SMALL), "first_epoch": 2, "epochs": 2, "seed": 7}),
    )
    assert again.path > first.path
    index.refresh(seconds=60)
    run = index.runs["keras_viz"]
    tag = "activations/conv2d_0/image_0"
    assert run.series[tag].step.tolist() == [0, 1, 2, 3]
    assert picture_of(run, tag, 1) == first.pictures[tag, 1].png
    assert picture_of(run, tag, 2) == again.pictures[tag, 2].png != first.pictures[tag, 2].png
    after = stamps_of(run)
    assert [after[s] == before[s] for s in (0, 1, 2)] == [True, True, False]
    assert run.pictures == sum(len(s.step) for s in run.series.values())
    assert stamps_of(index_of(tmp_path).runs["keras_viz"]) == after, "known to another server too"


def test_a_step_written_twice_in_one_file_shows_the_latest(
    tmp_path: Path, index_of: IndexOf
) -> None:
    file = event_file.EventFile(str(tmp_path / "keras_viz"))
    record = summaries.record(schema.Record("activations", "activations/a", 1, 1))

    def write(step: int, png: bytes) -> str:
        file.write(step, [record, summaries.image("activations/a", png, 1, 1)])
        file.flush()
        index.refresh(seconds=60)
        return index.runs["keras_viz"].stamp(step)

    index = index_of(tmp_path)
    a, b = write(5, b"first"), write(5, b"second")
    assert a != b
    assert write(6, b"other") != b
    assert index.runs["keras_viz"].stamp(5) == b
    assert picture_of(index.runs["keras_viz"], "activations/a", 5) == b"second"


def test_stamps_stay_while_more_of_a_step_arrives(tmp_path: Path, index_of: IndexOf) -> None:
    file = event_file.EventFile(str(tmp_path / "keras_viz"))
    index = index_of(tmp_path)
    ((step, capture),) = synthetic_logs.captures(synthetic_logs.Spec(epochs=1))
    stamps = set()
    for written in capture:
        synthetic_logs.write_capture(file, step, [written])
        index.refresh(seconds=60)
        stamps.add(index.runs["keras_viz"].stamp(step))
    assert len(stamps) == 1


def test_problems_are_counted_and_said(tmp_path: Path, index_of: IndexOf) -> None:
    log = synthetic_logs.write(str(tmp_path), SMALL)
    damaged = bytearray(synthetic_logs.without_contents(Path(log.path).read_bytes()))
    damaged[damaged.index(b'"epoch":1') + 4] ^= 1  # in the record of a series that is known
    Path(log.path).write_bytes(damaged[:-10])
    index = index_of(tmp_path)
    run = index.runs["keras_viz"]
    count, problems = run.all_problems()
    assert (count, [p.kind for _, p in problems]) == (1, ["checksum"])
    assert run.pictures == len(log.pictures), "its picture is whole, and only a scalar is cut"

    synthetic_logs.write(str(tmp_path), synthetic_logs.Spec(**{**vars(SMALL), "first_epoch": 3}))
    index.refresh(seconds=60)
    count, problems = run.all_problems()
    assert (count, [p.kind for _, p in problems]) == (2, ["truncated", "checksum"])


def layer_of(path: str, index: int = 0) -> schema.Layer:
    return schema.Layer(path, "Conv2D", index, (4, 4, 8))


def write_table(
    directory: Path, step: int, measures: dict[str, tuple[float | None, ...]], *paths: str
) -> None:
    file = event_file.EventFile(str(directory))
    layers = tuple(layer_of(path, i) for i, path in enumerate(paths))
    table = schema.MeasureTable(
        "drift",
        epoch=step,
        batch=10 * step,
        layers=layers,
        measures=measures,
        metrics={"loss": 2.0},
    )
    file.write(step, [summaries.measures(table)])
    file.close()


def numbers_of(run: RunIndex, path: str, measure: str) -> dict[int, float]:
    series = run.layer_series["drift", path]
    return dict(zip(series.step, series.columns.measures[measure], strict=True))


def test_measures_of_layers_need_no_picture(tmp_path: Path, index_of: IndexOf) -> None:
    write_table(tmp_path / "keras_viz", 3, {"cka": (0.5, None), "moved": (-1.5, 2.0)}, "a", "b")
    run = index_of(tmp_path).runs["keras_viz"]
    assert (run.pictures, run.sorted_steps, run.all_problems()) == (0, [3], (0, []))
    assert (run.steps[3].epoch, run.steps[3].batch) == (3, 30)
    assert run.metric_names == {"loss": 0}
    assert [layer["path"] for layer in run.layers] == ["a", "b"]
    assert run.measures == [("cka", "layer", ("drift",)), ("moved", "layer", ("drift",))]
    assert numbers_of(run, "a", "cka") == {3: 0.5}
    assert numbers_of(run, "b", "moved") == {3: 2.0}
    assert "cka" not in run.layer_series["drift", "b"].columns.measures
    assert run.last_wall_time is not None


def test_a_restarted_training_replaces_measures(tmp_path: Path, index_of: IndexOf) -> None:
    for step in (0, 1):
        write_table(tmp_path / "keras_viz", step, {"cka": (0.5,)}, "a")
    index = index_of(tmp_path)
    token = index.token(index.runs["keras_viz"])
    write_table(tmp_path / "keras_viz", 1, {"cka": (0.25,)}, "a")
    index.refresh(seconds=60)
    run = index.runs["keras_viz"]
    assert numbers_of(run, "a", "cka") == {0: 0.5, 1: 0.25}
    assert index.token(run) != token


def test_a_table_beside_pictures_is_listed_in_their_contents(
    tmp_path: Path, index_of: IndexOf
) -> None:
    log = synthetic_logs.write(str(tmp_path), SMALL)
    tag = "activations/conv2d_0/image_0"
    expected = {step: log.pictures[tag, step].dead for step in log.steps(tag)}
    for _ in range(2):
        run = index_of(tmp_path).runs["keras_viz"]
        series = run.layer_series_of(run.series[tag])
        assert series is not None
        assert run.layer_series_of(run.series["images/image_0"]) is None
        numbers = series.columns.measures["dead_channels"]
        assert dict(zip(series.step, numbers, strict=True)) == pytest.approx(expected, abs=1e-6)
        path = Path(log.path)  # and then without them
        path.write_bytes(synthetic_logs.without_contents(path.read_bytes()))


@pytest.mark.parametrize("tag", ["keras_viz/cka", "keras_viz_measures/x", "keras_viz_contents"])
def test_tags_like_ours_do_no_harm(tmp_path: Path, index_of: IndexOf, tag: str) -> None:
    """A user may write any tags into any folder."""
    log = synthetic_logs.write(str(tmp_path), SMALL)
    file = event_file.EventFile(str(tmp_path / "keras_viz"))
    file.write(9, [summaries.scalar(tag, 1.0), summaries.image(f"{tag}/x", b"theirs", 1, 1)])
    file.close()
    run = index_of(tmp_path).runs["keras_viz"]
    assert run.all_problems() == (0, [])
    assert run.pictures == len(log.pictures)


def test_a_callback_may_be_called_like_our_runs(tmp_path: Path, index_of: IndexOf) -> None:
    tag = schema.picture_tag(schema.PLUGIN_NAME, "conv1", "image_0")
    record = schema.Record(schema.PLUGIN_NAME, tag, 1, 1, kind="channels", layer=layer_of("conv1"))
    file = event_file.EventFile(str(tmp_path / "keras_viz"))
    file.write(0, [summaries.record(record), summaries.image(tag, b"a picture", 1, 1)])
    file.close()
    (path,) = (tmp_path / "keras_viz").iterdir()
    for _ in range(2):
        run = index_of(tmp_path).runs["keras_viz"]
        assert run.all_problems() == (0, [])
        assert picture_of(run, tag, 0) == b"a picture"
        path.write_bytes(synthetic_logs.without_contents(path.read_bytes()))
