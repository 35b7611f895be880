"""What every callback does: failures, measures, notes and logs of its captures."""

import copy
import pickle
import time

import keras
import numpy as np
import pytest

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM, Saliency
from keras_viz_callbacks.callbacks.base import VisualizationCallback
from keras_viz_callbacks.callbacks.measures import Measurement
from keras_viz_callbacks.patterns import objectives
from keras_viz_callbacks.summary.event_file import EventFile
from keras_viz_callbacks.summary.run import open_run
from tensorboard_plugin import schema
from tests.helpers.models import small_model


class Breaks(ActivationGrid):
    """Fails on the training thread, or on the worker, at its second capture."""

    where = "capture"
    captures = 0

    def _capture(self):
        self.captures += 1
        draw = super()._capture()
        if self.captures != 2:
            return draw
        if self.where == "capture":
            raise RuntimeError("no memory for this")

        def broken(moment):
            raise RuntimeError("no memory for this")

        return broken


@pytest.mark.parametrize("where", ["capture", "draw"])
def test_a_failed_capture_warns_once_and_training_goes_on(
    where, tmp_path, images, labels, read_log
):
    own = Breaks(tmp_path, images[:1], layers="conv_a")
    own.where = where
    model = small_model()
    with pytest.warns(UserWarning, match="could not draw 'activations': RuntimeError: no memory"):
        history = model.fit(images, labels, epochs=4, verbose=0, callbacks=[own])
    assert len(history.epoch) == 4
    assert read_log(tmp_path).steps("activations/conv_a/image_0") == [0, 2, 3]


@pytest.mark.parametrize("where", ["capture", "draw"])
def test_on_error_raise_stops_the_training(where, tmp_path, images, labels, read_log):
    own = Breaks(tmp_path, images[:1], layers="conv_a", on_error="raise")
    own.where = where
    with pytest.raises(RuntimeError, match="no memory for this"):
        small_model().fit(images, labels, epochs=9, verbose=0, callbacks=[own])
    open_run(str(tmp_path)).drain()  # Keras calls no hook after an exception
    assert read_log(tmp_path).steps("activations/conv_a/image_0")[0] == 0


def test_the_time_of_writing_counts(tmp_path, images, monkeypatch):
    callback = ActivationGrid(tmp_path, images[:1], max_overhead=0.5, on_error="raise")
    flush = EventFile.flush

    def slow(self):
        time.sleep(0.3)
        flush(self)

    monkeypatch.setattr(EventFile, "flush", slow)
    small_model().fit(images, np.zeros(len(images)), verbose=0, callbacks=[callback])
    assert callback.budget.spent >= 0.3


def test_skipped_captures_are_noted_and_the_last_epoch_is_drawn(
    tmp_path, images, labels, read_log, monkeypatch
):
    model = small_model()
    callback = ActivationGrid(tmp_path, images[:1], max_overhead=0.01, on_error="raise")
    capture = callback._capture

    def slow():
        time.sleep(0.2)
        return capture()

    monkeypatch.setattr(callback, "_capture", slow)
    model.fit(images, labels, epochs=6, verbose=0, callbacks=[callback])
    log = read_log(tmp_path)
    tag = "activations/conv_a/image_0"
    assert log.steps(tag) == [0, 5]
    assert log.records["keras_viz", tag, 0].note is None
    note = log.records["keras_viz", tag, 5].note
    assert note == "4 captures before this one were skipped (max_overhead)"


@pytest.mark.parametrize("share", [0, -0.1, 1.5])
def test_a_share_is_between_0_and_1(share, tmp_path):
    with pytest.raises(ValueError, match=r"`max_overhead` must be a share .* max_overhead="):
        ActivationGrid(tmp_path, np.zeros((1, 4, 4, 3)), max_overhead=share)


@pytest.mark.parametrize(
    ("arguments", "captures"), [({}, 5), ({"every": 3}, 3), ({"update_freq": 2}, 7)]
)
def test_the_first_capture_logs_how_much_the_training_will_write(
    tmp_path, images, labels, caplog, read_log, arguments, captures
):
    callback = FilterPatterns(tmp_path, filters=2, steps=1, **arguments)
    with caplog.at_level("INFO", logger="keras_viz_callbacks"):
        small_model().fit(images, labels, batch_size=2, epochs=5, verbose=0, callbacks=[callback])
    (said,) = [r for r in caplog.records if "a capture" in r.getMessage()]
    log = read_log(tmp_path)
    first = min(step for _, _, step in log.pictures)
    size = sum(len(png) for (_, _, step), png in log.pictures.items() if step == first)
    total = f"about {captures * size / 1e6:.0f} MB in {captures}."
    assert said.getMessage() == f"filters writes {size / 1e6:.2f} MB a capture, {total}"
    assert len({step for _, _, step in log.pictures}) == captures


class LargestWeight(VisualizationCallback):
    """Reports the largest weight of each convolution, and draws nothing."""

    def __init__(self, log_dir, **options):
        super().__init__(log_dir, default_name="weights", **options)

    def _prepare(self, run):
        self.convolutions = [x for x in self.model.layers if isinstance(x, keras.layers.Conv2D)]
        run.claims.claim(
            self, [self._scalar_tag("largest", layer.name) for layer in self.convolutions]
        )

    def _capture(self):
        arrays = [layer.get_weights()[0] for layer in self.convolutions]

        def draw(moment):
            for index, (layer, kernel) in enumerate(zip(self.convolutions, arrays, strict=True)):
                described = schema.Layer(layer.name, "Conv2D", index, kernel.shape)
                value = None if layer.name == "conv_b" else float(kernel.max())
                yield Measurement("largest", described, value)

        return draw


def test_a_callback_need_not_draw_to_report_a_number(tmp_path, images, labels, read_log, caplog):
    model = small_model()
    own = LargestWeight(tmp_path, every=2, on_error="raise")
    with caplog.at_level("INFO", logger="keras_viz_callbacks"):
        model.fit(images, labels, epochs=3, verbose=0, callbacks=[own])
    log = read_log(tmp_path)
    assert log.pictures == {}
    assert set(log.scalars) == {("keras_viz", "largest/conv_a", step) for step in (0, 2)}
    (table,) = log.tables["keras_viz", "weights", 2]
    assert [layer.path for layer in table.layers] == ["conv_a", "conv_b"]
    assert (table.epoch, table.batch) == (2, 3)
    assert table.metrics["loss"] > 0
    expected = float(model.get_layer("conv_a").get_weights()[0].max())
    assert table.measures == {"largest": (pytest.approx(expected), None)}
    assert log.scalars["keras_viz", "largest/conv_a", 2] == pytest.approx(expected)
    assert "a capture" not in caplog.text


def test_scalars_have_the_name_that_the_user_chose(tmp_path, images, labels, read_log):
    own = [LargestWeight(tmp_path), LargestWeight(tmp_path, name="mine")]
    small_model().fit(images, labels, verbose=0, callbacks=own)
    log = read_log(tmp_path)
    assert {tag for _, tag, _ in log.scalars} == {"largest/conv_a", "largest/mine/conv_a"}
    assert {name for _, name, _ in log.tables} == {"weights", "mine"}


def test_two_callbacks_can_not_report_one_scalar(tmp_path, images, labels):
    own = [LargestWeight(tmp_path), LargestWeight(tmp_path)]
    with pytest.raises(ValueError, match=r"'largest/conv_a'.*another `name`"):
        small_model().fit(images, labels, verbose=0, callbacks=own)


def test_what_was_measured_before_a_failure_is_written(tmp_path, images, labels, read_log):
    class Half(LargestWeight):
        def _capture(self):
            draw = super()._capture()

            def half(moment):
                yield next(iter(draw(moment)))
                raise RuntimeError("no second layer")

            return half

    with pytest.warns(UserWarning, match="could not draw 'weights': RuntimeError: no second"):
        small_model().fit(images, labels, verbose=0, callbacks=[Half(tmp_path)])
    (table,) = read_log(tmp_path).tables["keras_viz", "weights", 0]
    assert [layer.path for layer in table.layers] == ["conv_a"]


def test_a_callback_without_a_name_says_so(tmp_path):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared whole
        LargestWeight(tmp_path, name="")
    assert str(raised.value) == "`name` must be a text without '/'. Received: name=''"


def pickled(callback):
    return pickle.loads(pickle.dumps(callback))


def every_callback(log_dir, images):
    return [
        ActivationGrid(log_dir, images[:2]),
        GradCAM(log_dir, images[:2]),
        Saliency(log_dir, images[:2]),
        FilterPatterns(log_dir, filters=2, steps=2),
    ]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_and_the_original_both_draw(copied, tmp_path, images, labels, read_log):
    originals = every_callback(tmp_path / "original", images)
    copies = [copied(callback) for callback in originals]
    for callback in copies:
        callback.log_dir = str(tmp_path / "copy")
    model = small_model()
    for callbacks in (copies, originals):
        model.fit(images, labels, verbose=0, callbacks=callbacks)
    drawn = [read_log(tmp_path / name).tags() for name in ("copy", "original")]
    assert drawn[0] == drawn[1]
    assert {tag.partition("/")[0] for tag in drawn[0]} >= {"activations", "grad_cam", "filters"}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_has_nothing_of_a_training_that_went_on(copied, tmp_path, images, labels, read_log):
    class Copies(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            made.extend(copied(callback) for callback in originals)

    made = []
    originals = every_callback(tmp_path / "original", images)
    unused = [set(vars(callback)) for callback in originals]
    small_model().fit(images, labels, verbose=0, callbacks=[*originals, Copies()])
    for callback, attributes in zip(made, unused, strict=True):
        assert callback.run is None
        assert callback.model is None
        assert callback.params is None
        assert set(vars(callback)) == attributes
        callback.log_dir = str(tmp_path / "copy")
    small_model().fit(images, labels, verbose=0, callbacks=made)
    assert read_log(tmp_path / "copy").tags() == read_log(tmp_path / "original").tags()


def test_a_deep_copy_draws_the_layers_of_the_same_model(tmp_path, images, labels, read_log):
    model = small_model()
    layer = model.get_layer("conv_a")
    originals = [
        ActivationGrid(tmp_path, images[:1], layers=[layer]),
        FilterPatterns(tmp_path, filters=objectives.channel(layer, 2), steps=2),
    ]
    copies = copy.deepcopy(originals)
    assert copies[0].held.images is not originals[0].held.images
    model.fit(images, labels, verbose=0, callbacks=copies)
    assert {"activations/conv_a/image_0", "filters/conv_a"} <= set(read_log(tmp_path).tags())
