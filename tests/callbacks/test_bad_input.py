"""Wrong arguments raise before the first batch; later failures only cost pictures."""

import errno
import os
import shutil
import warnings

import keras
import numpy as np
import pytest

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from keras_viz_callbacks.summary import event_file, worker
from tests.helpers.models import small_model


class NoBatch(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        raise AssertionError("a batch was begun")


def begin(own, images, labels):
    """Fits up to the first batch, with the callback attached by what ``own`` makes."""
    small_model().fit(images, labels, verbose=0, callbacks=[own(), NoBatch()])


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (lambda d, x: ActivationGrid(d, x, layers="conv_aa"), "nearest are: 'conv_a'"),
        (lambda d, x: ActivationGrid(d, x, layers="classes"), "has no spatial maps"),
        (lambda d, x: GradCAM(d, x, layers="nope"), "No layer of the model"),
        (lambda d, x: FilterPatterns(d, layers="nope"), "No layer of the model"),
        (lambda d, x: FilterPatterns(d, layers="po*"), "only layers that cannot be drawn"),
        (lambda d, x: ActivationGrid(d, x[:, :8]), r"must fit .*\(batch, 16, 16, 3\)"),
        (lambda d, x: GradCAM(d, x[..., :1]), r"must fit .*\(6, 16, 16, 1\)"),
        (lambda d, x: GradCAM(d, x, labels=[0]), "one class for each of the 6 images"),
        (lambda d, x: GradCAM(d, x, labels=[9] * 6), "from 0 to 2. Received: labels with 9"),
        (lambda d, x: GradCAM(d, x, target=3), "from 0 to 2. Received: target with 3"),
        (lambda d, x: GradCAM(d, x, class_names=["a"]), "must name each of the model's 3 classes"),
        (lambda d, x: GradCAM(d, x, method="x"), "`method` must be one of"),
        (lambda d, x: GradCAM(d, x, colormap="x"), "`colormap` must be the name"),
        (lambda d, x: GradCAM(d, x[:0]), "`images` must hold at least one image"),
        (lambda d, x: GradCAM(d, x * np.nan), "`images` must be finite"),
        (lambda d, x: FilterPatterns(d, layers="conv_a", filters=[4]), "`filters` must be below"),
        (lambda d, x: ActivationGrid(d, x, layers="conv_a", channels=[4]), "from 0 to 3"),
        (lambda d, x: ActivationGrid(d, x, channels=[]), "`channels` must pick"),
        (lambda d, x: ActivationGrid(d, x, scale="x"), '`scale` must be "channel" or "layer"'),
        (lambda d, x: ActivationGrid(d, x, cell_size=0), "`cell_size` must be at least 1"),
        (lambda d, x: ActivationGrid(d, x, every=0), "`every` must be a positive number"),
        (lambda d, x: ActivationGrid(d, x, update_freq="batch"), '`update_freq` must be "epoch"'),
        (lambda d, x: ActivationGrid(d, x, update_freq=2, every=2), "`every` counts epochs"),
        (lambda d, x: ActivationGrid(d, x, on_error="x"), '`on_error` must be "warn" or "raise"'),
        (lambda d, x: ActivationGrid(d, x, name="a/b"), "`name` must be a text without '/'"),
        (
            lambda d, x: ActivationGrid("no://store", x),
            "must be a path or a URL that fsspec can open",
        ),
    ],
)
def test_wrong_arguments_raise_before_the_first_batch(own, message, tmp_path, images, labels):
    with pytest.raises(ValueError, match=message) as raised:
        begin(lambda: own(tmp_path, images), images, labels)
    assert "Received: " in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_log_directory_that_can_not_be_written_to(tmp_path, images, labels):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ValueError, match=r"`log_dir` must be .* written to \(.*Received: log_dir="):
        begin(lambda: ActivationGrid(file / "run", images), images, labels)
    with pytest.raises(ValueError, match="`log_dir` must be"):
        begin(lambda: ActivationGrid(file, images), images, labels)


def test_two_callbacks_can_not_draw_one_tag(tmp_path, images, labels):
    own = [GradCAM(tmp_path, images[:1]), GradCAM(tmp_path, images[:1], target=1)]
    with pytest.raises(ValueError, match=r"write 'grad_cam/conv_b/image_0'. Give one"):
        small_model().fit(images, labels, verbose=0, callbacks=own)
    own = [GradCAM(tmp_path, images[:1]), GradCAM(tmp_path, images[:1], target=1, name="of_1")]
    small_model().fit(images, labels, verbose=0, callbacks=own)


def test_one_name_can_not_mean_two_images(tmp_path, images, labels):
    own = [
        ActivationGrid(tmp_path, {"cat": images[0]}, layers="conv_a"),
        GradCAM(tmp_path, {"cat": images[1]}),
    ]
    with pytest.raises(ValueError, match=r"different images of one name. Received: .* 'cat'"):
        small_model().fit(images, labels, verbose=0, callbacks=own)


def test_a_model_that_turns_nan_is_drawn_and_goes_on(tmp_path, images, labels, read_log):
    model = small_model()
    model.optimizer.learning_rate = np.nan
    own = [
        ActivationGrid(tmp_path, images[:1], layers="norm"),
        FilterPatterns(tmp_path, layers="conv_a", filters=2, steps=1),
        GradCAM(tmp_path, images[:1]),
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(images, labels, epochs=3, verbose=0, callbacks=own)
    said = [str(w.message) for w in caught if "could not draw" in str(w.message)]
    assert [text.split()[0] for text in said] == ["GradCAM"]
    assert "NaN or infinite" in said[0]
    log = read_log(tmp_path)
    record = log.records["keras_viz", "activations/norm/image_0", 2]
    assert record.statistics.mean == (None,) * 4
    assert log.steps("filters/conv_a") == [0, 1, 2]


def test_a_full_disk_costs_pictures_only(tmp_path, images, labels, read_log, monkeypatch):
    real = os.writev

    def full(descriptor, pieces):
        raise OSError(errno.ENOSPC, "No space left on device")

    class Fill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            monkeypatch.setattr(event_file.os, "writev", full if epoch == 1 else real)

    own = ActivationGrid(tmp_path, images[:1], layers="conv_a")

    class Wait(keras.callbacks.Callback):
        """Lets the worker finish within the epoch, so that the disk is full just then."""

        def on_epoch_end(self, epoch, logs=None):
            own.run.drain()

    with pytest.warns(UserWarning, match="No space left on device"):
        small_model().fit(images, labels, epochs=4, verbose=0, callbacks=[Fill(), own, Wait()])
    assert read_log(tmp_path).steps("activations/conv_a/image_0") == [0, 2, 3]


def test_a_log_directory_that_is_removed_costs_pictures_only(tmp_path, images, labels, read_log):
    own = ActivationGrid(tmp_path / "run", images[:1], layers="conv_a")

    class Remove(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            own.run.drain()
            if epoch == 1:
                shutil.rmtree(tmp_path / "run")

    small_model().fit(images, labels, epochs=4, verbose=0, callbacks=[own, Remove()])
    steps = read_log(tmp_path).steps("activations/conv_a/image_0", "run/keras_viz")
    assert steps == [2, 3]


def test_a_stalled_disk_skips_captures_and_not_the_training(tmp_path, images, labels, monkeypatch):
    import threading

    monkeypatch.setattr(worker, "PATIENCE", 0.01)
    release = threading.Event()
    real = os.writev

    def stalled(descriptor, pieces):
        release.wait(30)
        return real(descriptor, pieces)

    monkeypatch.setattr(event_file.os, "writev", stalled)
    own = ActivationGrid(tmp_path, images[:1], layers="conv_a")

    class Release(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 11:
                release.set()

    with pytest.warns(UserWarning, match="TimeoutError: the disk of .* does not keep up"):
        history = small_model().fit(
            images, labels, epochs=12, verbose=0, callbacks=[own, Release()]
        )
    assert len(history.epoch) == 12
