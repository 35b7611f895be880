"""Which run a training writes to and from which step on, wherever its log directory lies."""

import threading

import pytest

from keras_viz_callbacks.summary.run import Drawing, Measured, open_run
from tensorboard_plugin import schema
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tests.helpers.event_logs import Log
from tests.helpers.stores import copy_from


class Model:
    """Whose training it is; nothing else is asked of it."""


def train(log_dir, model, epochs, first=0):
    """Makes the calls that a callback makes in a ``fit`` from epoch ``first`` on."""
    owner, failures = Model(), []
    run = open_run(log_dir)
    run.join(owner, model, object())
    for epoch in range(first, epochs):
        run.begin_epoch(epoch, None)
        record = schema.Record("t", "t/a", 1, 1, epoch=epoch)
        results = [Drawing(record, b"png"), Measured(schema.MeasureTable("t"), [("s", 1.0)])]
        run.submit(run.epoch_step(epoch), lambda results=results: results, failures.append)
    run.leave(owner)
    assert failures == []


@pytest.fixture
def steps(log_url, tmp_path):
    """Steps of every run, from a fresh copy."""
    copies = iter(range(9))

    def steps():
        log = Log(copy_from(log_url, tmp_path / f"copy{next(copies)}"))
        return {run: log.steps("t/a", run) for run, _, _ in log.pictures}

    return steps


def test_a_training_from_the_beginning_has_a_run_of_its_own(log_url, steps):
    for number in range(3):
        train(log_url, Model(), epochs=2 + number)
    assert steps() == {
        "keras_viz": [0, 1],
        "keras_viz-2": [0, 1, 2],
        "keras_viz-3": [0, 1, 2, 3],
    }


def test_the_same_model_continues_after_its_last_step(log_url, steps):
    model = Model()
    train(log_url, model, epochs=2)
    train(log_url, model, epochs=3)
    assert steps() == {"keras_viz": [0, 1, 2, 3, 4]}


def test_a_restart_continues_in_the_newest_run(log_url, steps):
    train(log_url, Model(), epochs=3)
    train(log_url, Model(), epochs=2)
    train(log_url, Model(), epochs=4, first=2)
    assert steps() == {"keras_viz": [0, 1, 2], "keras_viz-2": [0, 1, 2, 3]}
    train(log_url + "/elsewhere", Model(), epochs=4, first=3)
    assert steps()["elsewhere/keras_viz"] == [3]


def test_drain_waits_until_all_is_written(tmp_path):
    owner, written = Model(), threading.Event()
    run = open_run(str(tmp_path))
    run.join(owner, Model(), object())
    run.begin_epoch(0, None)

    def draw():
        assert written.wait(10)
        yield Drawing(schema.Record("t", "t/a", 1, 1), b"png")

    for step in range(3):
        assert run.submit(step, draw, pytest.fail)
    assert not run.drain(timeout=0.05)
    written.set()
    assert run.drain()
    assert Log(tmp_path).steps("t/a") == [0, 1, 2]
    assert run.submit(3, draw, pytest.fail), "the run can be used further"
    assert run.drain()
    assert Log(tmp_path).steps("t/a") == [0, 1, 2, 3]
    run.leave(owner)


def test_numbers_are_written_without_any_picture(log_url, tmp_path):
    layers = tuple(schema.Layer(f"conv{i}", "Conv2D", i, (4, 4, 8)) for i in range(2))
    owner, failures = Model(), []
    run = open_run(log_url)
    run.join(owner, Model(), object())
    for epoch in range(2):
        run.begin_epoch(epoch, None)
        values = (0.5, epoch / 4)
        table = schema.MeasureTable("t", epoch, 10 * epoch, layers, {"m": values}, {"loss": 1.0})
        tags = [schema.scalar_tag("m", layer.path, "t") for layer in layers]
        run.claims.claim(owner, tags)
        measured = Measured(table, list(zip(tags, values, strict=True)))
        run.submit(run.epoch_step(epoch), lambda one=measured: [one], failures.append)
    run.leave(owner)
    assert failures == []
    copy = copy_from(log_url, tmp_path / "copy")
    log = Log(copy)
    assert log.scalars == {
        ("keras_viz", "m/t/conv0", 0): 0.5,
        ("keras_viz", "m/t/conv0", 1): 0.5,
        ("keras_viz", "m/t/conv1", 0): 0.0,
        ("keras_viz", "m/t/conv1", 1): 0.25,
    }
    assert log.layer_measure("t", "m", 1) == {"conv0": 0.5, "conv1": 0.25}
    index = LogIndex(log_directories(str(copy)))
    index.refresh(seconds=60)
    (found,) = index.runs.values()
    assert found.all_problems() == (0, [])
    assert [(m.measure, m.of, m.names) for m in found.measures] == [("m", "layer", ("t",))]
    assert [layer["path"] for layer in found.layers] == ["conv0", "conv1"]
    assert found.sorted_steps == [0, 1]


def test_two_callbacks_may_not_write_the_same_scalar(tmp_path):
    run, one, other = open_run(str(tmp_path)), Model(), Model()
    run.claims.claim(one, ["m/conv0"])
    with pytest.raises(ValueError, match=r"^Two callbacks on .* write 'm/conv0'\. Give one of"):
        run.claims.claim(other, ["m/conv0"])
    run.end_session()
    run.claims.claim(other, ["m/conv0"])
    run.end_session()


def test_what_was_drawn_before_a_failure_is_written(tmp_path):
    owner, failures = Model(), []
    run = open_run(str(tmp_path))
    run.join(owner, Model(), object())
    run.begin_epoch(0, None)

    def draw():
        yield Drawing(schema.Record("t", "t/a", 1, 1), b"png")
        raise FloatingPointError("the second is NaN")

    run.submit(0, draw, failures.append)
    run.leave(owner)
    assert [str(error) for error in failures] == ["the second is NaN"]
    assert Log(tmp_path).tags() == {"t/a"}
