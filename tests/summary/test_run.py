"""Which run a training writes to and from which step on, wherever its log directory lies."""

import pytest

from keras_viz_callbacks.summary.run import Drawing, Measured, open_run
from tensorboard_plugin import schema
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


def test_the_same_model_goes_on_behind_its_last_step(log_url, steps):
    model = Model()
    train(log_url, model, epochs=2)
    train(log_url, model, epochs=3)
    assert steps() == {"keras_viz": [0, 1, 2, 3, 4]}


def test_a_restart_goes_on_in_the_newest_run(log_url, steps):
    train(log_url, Model(), epochs=3)
    train(log_url, Model(), epochs=2)
    train(log_url, Model(), epochs=4, first=2)
    assert steps() == {"keras_viz": [0, 1, 2], "keras_viz-2": [0, 1, 2, 3]}
    train(log_url + "/elsewhere", Model(), epochs=4, first=3)
    assert steps()["elsewhere/keras_viz"] == [3]
