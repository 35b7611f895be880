"""Training with a log directory elsewhere: the same pictures as in one on this machine."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_viz_callbacks import ActivationGrid, FilterPatterns
from tests.helpers.event_logs import Log
from tests.helpers.models import small_model
from tests.helpers.stores import copy_from, files_at


@pytest.fixture
def images(images):
    """One is enough."""
    return images[:1]


def test_every_picture_is_that_of_a_local_directory(bucket, tmp_path, images):
    logs = []
    for log_dir in (str(tmp_path / "local"), bucket, f"memory://{bucket[5:]}"):
        own = [
            ActivationGrid(log_dir, images, layers="conv_a", on_error="raise"),
            FilterPatterns(log_dir, layers="conv_b", filters=1, steps=1, on_error="raise"),
        ]
        small_model().fit(images, np.zeros(1), epochs=2, verbose=0, callbacks=own)
        logs.append(Log(copy_from(log_dir, tmp_path / f"copy{len(logs)}")))
    local, *remote = logs
    assert local.tags() == {"images/image_0", "activations/conv_a/image_0", "filters/conv_b"}
    for log in remote:
        assert log.pictures == local.pictures
        assert log.records.keys() == local.records.keys()
        assert log.scalars == local.scalars


def test_there_is_a_file_for_each_capture_as_soon_as_it_is_drawn(bucket, images):
    counts = []

    class Count(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            own.run.drain()
            counts.append(len(files_at(bucket)))

    own = ActivationGrid(bucket, images, layers="conv_a")
    small_model().fit(images, np.zeros(1), epochs=3, verbose=0, callbacks=[own, Count()])
    assert counts == [1, 2, 3]


def test_a_store_that_can_not_be_written_to_is_said_before_the_first_batch(s3, bucket, images):
    class NoBatch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            raise AssertionError("a batch was begun")

    s3.denied = "PUT"
    own = [ActivationGrid(bucket, images), NoBatch()]
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared whole
        small_model().fit(images, np.zeros(1), verbose=0, callbacks=own)
    assert str(raised.value) == (
        "`log_dir` must be a directory that can be written to (PermissionError: Access Denied). "
        f"Received: log_dir='{bucket}'"
    )


def test_a_store_that_refuses_for_a_while_costs_a_warning_only(s3, bucket, tmp_path, images):
    own = ActivationGrid(bucket, images, layers="conv_a")

    class Deny(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            s3.denied = "PUT" if epoch < 2 else None

        def on_epoch_end(self, epoch, logs=None):
            own.run.drain()

    with pytest.warns(UserWarning, match="could not draw 'activations': PermissionError: Access"):
        history = small_model().fit(
            images, np.zeros(1), epochs=4, verbose=0, callbacks=[own, Deny()]
        )
    assert len(history.epoch) == 4
    log = Log(copy_from(bucket, tmp_path))
    assert log.steps("activations/conv_a/image_0") == [0, 1, 2, 3]
    assert ("keras_viz", "images/image_0", 0) in log.pictures, "written once a training"


def test_what_is_drawn_before_a_failure_is_kept(bucket, tmp_path, images, monkeypatch):
    own = ActivationGrid(bucket, np.concatenate([images, 1 - images]), layers="conv_a")
    draw_all = own._draw_layer

    def draw_one(*arguments):
        yield next(draw_all(*arguments))
        raise RuntimeError("no second picture")

    monkeypatch.setattr(own, "_draw_layer", draw_one)
    with pytest.warns(UserWarning, match="RuntimeError: no second picture"):
        small_model().fit(images, np.zeros(1), verbose=0, callbacks=[own])
    log = Log(copy_from(bucket, tmp_path))
    assert log.steps("activations/conv_a/image_0") == [0]
    assert log.steps("activations/conv_a/image_1") == []


# The worker is still drawing when the script ends by an exception.
CRASH = """
import sys, time
from keras_viz_callbacks.summary.run import Drawing, open_run
from tensorboard_plugin import schema

def draw():
    time.sleep(1)
    yield Drawing(schema.Record("t", "t/a", 1, 1), b"png")

class Model:
    pass

run, model = open_run(sys.argv[1]), Model()
run.join(model, model, None)
run.begin_epoch(0, None)
for step in range(2):
    run.submit(step, draw, lambda error: print(repr(error)))
raise RuntimeError("the training fails")
"""


def test_a_script_that_crashes_writes_what_was_captured(bucket, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", CRASH, bucket], capture_output=True, text=True, timeout=120
    )
    assert "RuntimeError: the training fails" in ran.stderr
    assert ran.stdout == ""
    assert Log(copy_from(bucket, tmp_path)).steps("t/a") == [0, 1]
