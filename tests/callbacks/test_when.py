"""When captures are made, which step they get, and in which run they land."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import keras
import numpy as np
import pytest

from keras_viz_callbacks import ActivationGrid, GradCAM
from tests.helpers.backends import needs_tensorflow, not_on
from tests.helpers.models import small_model

TAG = "activations/conv_a/image_0"


def grid(tmp_path, images, **arguments):
    return ActivationGrid(tmp_path, images[:1], layers="conv_a", **arguments)


def fit(model, images, labels, *own, epochs=1, **arguments):
    return model.fit(
        images, labels, epochs=epochs, batch_size=2, verbose=0, callbacks=list(own), **arguments
    )


@pytest.fixture
def steps(tmp_path, read_log):
    return lambda run="keras_viz": read_log(tmp_path).steps(TAG, run)


@pytest.mark.parametrize(
    ("every", "epochs", "expected"), [(1, 3, [0, 1, 2]), (2, 5, [0, 2, 4]), (3, 5, [0, 3, 4])]
)
def test_every_n_epochs_and_the_last(every, epochs, expected, tmp_path, images, labels, steps):
    fit(small_model(), images, labels, grid(tmp_path, images, every=every), epochs=epochs)
    assert steps() == expected


@needs_tensorflow
def test_steps_are_those_of_keras_own_callback(tmp_path, images, labels, steps):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    own = keras.callbacks.TensorBoard(tmp_path)
    fit(small_model(), images, labels, own, grid(tmp_path, images), epochs=5, initial_epoch=2)
    accumulator = EventAccumulator(str(tmp_path / "train"))
    accumulator.Reload()
    assert steps() == [e.step for e in accumulator.Tensors("epoch_loss")] == [2, 3, 4]


@pytest.mark.parametrize("in_front", [True, False])
def test_the_epoch_in_which_early_stopping_ends_is_drawn(in_front, tmp_path, images, labels, steps):
    stopping = keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=2)
    own = [grid(tmp_path, images, every=100), stopping]
    history = fit(small_model(), images, labels, *(own[::-1] if in_front else own), epochs=50)
    last = history.epoch[-1]
    assert last < 49
    assert steps() == [0, last]


@pytest.mark.parametrize(
    ("update_freq", "steps_per_execution", "expected"),
    [
        (1, 1, [1, 2, 3, 4, 5, 6]),
        (2, 1, [2, 4, 6]),
        (4, 1, [4]),
        pytest.param(2, 3, [3, 6], marks=not_on("torch", "Keras has no steps_per_execution there")),
    ],
)
def test_batches_are_counted_over_epochs(
    update_freq, steps_per_execution, expected, tmp_path, images, labels, steps
):
    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=steps_per_execution)
    fit(model, images, labels, grid(tmp_path, images, update_freq=update_freq), epochs=2)
    assert steps() == expected


def test_a_restart_knows_its_global_batch(tmp_path, images, labels, steps):
    fit(small_model(), images, labels, grid(tmp_path, images, update_freq=3), epochs=2)
    own = grid(tmp_path, images, update_freq=3)
    fit(small_model(), images, labels, own, epochs=4, initial_epoch=2)
    assert steps() == [3, 6, 9, 12]


def test_one_callback_in_several_fits_goes_on(tmp_path, images, labels, steps, read_log):
    model, own = small_model(), grid(tmp_path, images)
    for _ in range(3):
        fit(model, images, labels, own, epochs=2)
    assert steps() == [0, 1, 2, 3, 4, 5]
    fit(model, images, labels, own, epochs=8, initial_epoch=6)
    assert steps() == [0, 1, 2, 3, 4, 5, 6, 7]
    log = read_log(tmp_path)
    assert log.records["keras_viz", TAG, 5].epoch == 1
    assert len({path.parent for path in log.files}) == 1


def test_batches_go_on_in_several_fits(tmp_path, images, labels, steps):
    model, own = small_model(), grid(tmp_path, images, update_freq=2)
    for _ in range(2):
        fit(model, images, labels, own)
    assert steps() == [2, 4, 6]


def test_a_restart_goes_on_in_its_run(tmp_path, images, labels, steps):
    fit(small_model(), images, labels, grid(tmp_path, images), epochs=2)
    fit(small_model(), images, labels, grid(tmp_path, images), epochs=4, initial_epoch=2)
    assert steps() == [0, 1, 2, 3]


def test_a_fresh_training_in_an_old_directory_gets_a_run_of_its_own(
    tmp_path, images, labels, steps
):
    for _ in range(3):
        fit(small_model(), images, labels, grid(tmp_path, images), epochs=2)
    assert steps() == steps("keras_viz-2") == steps("keras_viz-3") == [0, 1]
    fit(small_model(), images, labels, grid(tmp_path, images), epochs=3, initial_epoch=2)
    assert steps("keras_viz-3") == [0, 1, 2]


def test_backup_and_restore_goes_on_where_it_was(tmp_path, images, labels, steps):
    class Crash(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise RuntimeError("crash")

    def train(*more):
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        own = grid(tmp_path, images)
        fit(small_model(), images, labels, own, backup, *more, epochs=5)

    with pytest.raises(RuntimeError, match="crash"):
        train(Crash())
    train()
    assert steps() == [0, 1, 2, 3, 4]


def test_callbacks_share_one_file_and_one_thread(tmp_path, images, labels, read_log):
    own = [grid(tmp_path, images), GradCAM(tmp_path, images[:1])]
    before = set(threading.enumerate())
    threads = set()

    class Count(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            new = set(threading.enumerate()) - before
            threads.update(thread for thread in new if thread.name == "keras_viz")

    fit(small_model(), images, labels, *own, Count(), epochs=3)
    log = read_log(tmp_path)
    assert len(log.files) == 1
    assert log.steps(TAG) == log.steps("grad_cam/conv_b/image_0") == [0, 1, 2]
    assert len(threads) == 1
    assert not any(t.is_alive() for t in threads)


class Stop(keras.callbacks.Callback):
    """Ends the training by an exception at the end of epoch 1."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise self.error


def test_after_an_exception_the_same_callback_goes_on(tmp_path, images, labels, steps):
    model, own = small_model(), grid(tmp_path, images)
    with pytest.raises(KeyboardInterrupt):
        fit(model, images, labels, own, Stop(KeyboardInterrupt()), epochs=9)
    fit(model, images, labels, own, epochs=2)
    assert steps() == [0, 1, 2, 3]


def test_a_new_model_after_an_exception_begins_a_run(tmp_path, images, labels, steps):
    with pytest.raises(ZeroDivisionError):
        fit(
            small_model(),
            images,
            labels,
            grid(tmp_path, images),
            Stop(ZeroDivisionError()),
            epochs=9,
        )
    fit(small_model(), images, labels, grid(tmp_path, images), epochs=1)
    assert steps() == [0, 1]
    assert steps("keras_viz-2") == [0]


SCRIPT = """
import os, signal, sys
import keras, numpy as np
from keras_viz_callbacks import ActivationGrid
from tests.helpers.models import small_model

# A shell's background jobs, and what they start, ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

class End(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            {ending}

x = np.random.default_rng(0).random((6, 16, 16, 3), np.float32)
own = ActivationGrid({log_dir!r}, x[:1], layers="conv_a")
small_model().fit(x, np.arange(6) % 3, epochs=9, verbose=0, callbacks=[own, End()])
"""


@pytest.mark.parametrize(
    "ending",
    ["raise ValueError('end')", "os.kill(os.getpid(), signal.SIGINT)", "sys.exit(3)"],
    ids=["exception", "Ctrl-C", "exit"],
)
def test_what_was_captured_is_on_disk_when_the_process_ends(ending, tmp_path, steps):
    script = SCRIPT.format(ending=ending, log_dir=str(tmp_path))
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode in (1, 3, 130, -signal.SIGINT), ended.stderr
    assert steps() == [0, 1, 2], ended.stderr


def test_in_a_loop_of_ones_own(tmp_path, images, labels, steps):
    model = small_model()
    own = keras.callbacks.CallbackList([grid(tmp_path, images)], model=model, epochs=2, steps=3)
    own.on_train_begin()
    for epoch in range(2):
        own.on_epoch_begin(epoch)
        for batch in range(3):
            logs = model.train_on_batch(images, labels, return_dict=True)
            own.on_train_batch_end(batch, logs)
        own.on_epoch_end(epoch, logs)
    own.on_train_end()
    assert steps() == [0, 1]


def test_by_hand_without_a_list(tmp_path, images, labels, steps):
    own = grid(tmp_path, images)
    own.set_model(small_model())
    own.on_train_begin()
    for epoch in range(2):
        own.on_epoch_begin(epoch)
        own.on_epoch_end(epoch)
    own.on_train_end()
    assert steps() == [0, 1]


def test_epoch_and_batch_metrics_are_numbers(tmp_path, images, labels, read_log):
    def nan(y_true, y_pred):
        return keras.ops.mean(y_pred) * np.nan

    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[nan])
    fit(model, images, labels, grid(tmp_path, images))
    metrics = read_log(tmp_path).records["keras_viz", TAG, 0].metrics
    assert metrics["nan"] is None
    assert metrics["loss"] > 0
    assert os.listdir(tmp_path) == ["keras_viz"]
