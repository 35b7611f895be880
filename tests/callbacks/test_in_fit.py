"""The three callbacks inside a real `fit`: what they write, and what they must not change."""

import glob

import keras
import numpy as np
import pytest
from tbparse import SummaryReader
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from keras_viz_callbacks.capture.backend import backend
from keras_viz_callbacks.maps.measures import names_of
from tests.helpers.backends import BACKEND, by_backend
from tests.helpers.event_logs import Log, rgb
from tests.helpers.models import six_images, six_labels, small_model


def callbacks(log_dir, images, labels, **arguments):
    return [
        ActivationGrid(log_dir, images[:2], labels=labels[:2], **arguments),
        FilterPatterns(log_dir, filters=2, steps=2, **arguments),
        GradCAM(log_dir, images[:2], labels=labels[:2], layers=["conv_a", "conv_b"], **arguments),
    ]


TAGS = {
    *(f"{t}/conv_{c}/image_{i}" for t in ("activations", "grad_cam") for c in "ab" for i in (0, 1)),
    *(f"filters/conv_{c}" for c in "ab"),
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Where a training of three epochs wrote, with all callbacks; tests only read it."""
    directory = tmp_path_factory.mktemp("in_fit")
    images, labels = six_images(), six_labels()
    own = callbacks(directory / "run", images, labels)
    small_model().fit(images, labels, epochs=3, validation_split=0.5, verbose=0, callbacks=own)
    return directory


@pytest.fixture(scope="module")
def logged(directory):
    return Log(directory)


def test_every_callback_layer_image_and_epoch_is_written(logged):
    assert len(logged.files) == 1
    held_out = {"images/image_0", "images/image_1"}
    assert logged.tags() == TAGS | held_out
    for tag in TAGS:
        assert logged.steps(tag, "run/keras_viz") == [0, 1, 2]
    for tag in held_out:
        assert logged.steps(tag, "run/keras_viz") == [0]
    assert logged.pictures.keys() == logged.records.keys()


def test_pictures_decode_to_what_their_records_say_and_are_not_blank(logged):
    for key, png in logged.pictures.items():
        record = logged.records[key]
        pixels = rgb(png)
        assert pixels.shape[:2] == (record.height, record.width)
        assert len(png) == record.image_bytes
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 3, key
        if record.grid is not None:
            grid = record.grid
            assert record.width == grid.gap + grid.columns * (grid.cell_width + grid.gap)
            assert record.height == grid.gap + grid.rows * (grid.cell_height + grid.gap)


def test_records_say_what_a_picture_is(logged):
    record = logged.records["run/keras_viz", "grad_cam/conv_b/image_1", 2]
    assert (record.name, record.epoch, record.batch) == ("grad_cam", 2, 3)
    assert record.layer.path == "conv_b"
    assert record.layer.class_name == "Conv2D"
    assert record.layer.shape == (8, 8, 5)
    assert record.map_shape == (8, 8)
    assert record.label.index == 1
    assert 0 < record.label.probability < 1
    assert record.prediction.probability >= record.label.probability
    assert record.target == record.prediction
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= record.metrics.keys()
    assert logged.heat_maps.keys() == {k for k, r in logged.records.items() if r.map_shape}


def test_measures_are_scalars_of_each_layer_and_epoch(logged):
    tags = {(tag, step) for _, tag, step in logged.scalars}
    assert {(f"dead_channels/conv_{c}", s) for c in "ab" for s in range(3)} <= tags
    assert tags == {(f"{m}/conv_{c}", s) for m in names_of("layer") for c in "ab" for s in range(3)}


def test_tensorboards_own_accumulator_and_tbparse_read_it(directory):
    run = str(directory / "run" / "keras_viz")
    accumulator = EventAccumulator(run, size_guidance={"tensors": 0})
    accumulator.Reload()
    for tag in TAGS:
        assert [event.step for event in accumulator.Tensors(tag)] == [0, 1, 2]
    table = SummaryReader(run).tensors
    for tag in TAGS:
        own = table[table["tag"] == tag]
        assert list(own["step"]) == [0, 1, 2]
        width, height, png = own["value"].iloc[-1]
        assert rgb(png).shape == (int(height), int(width), 3)


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_training_gives_the_same_weights_bit_for_bit(kind, tmp_path, images, labels):
    def trained(own):
        model = small_model(functional=kind == "functional")
        keras.utils.set_random_seed(5)
        model.fit(images, labels, epochs=3, batch_size=2, verbose=0, callbacks=own)
        # Keras' and NumPy's global random states are where they were, too.
        rest = [keras.random.uniform((3,)), np.random.rand(3)]  # noqa: NPY002
        return [*model.get_weights(), *rest]

    without = trained([])
    everything = callbacks(tmp_path, images, labels)
    for own, other in zip(without, trained(everything), strict=True):
        np.testing.assert_array_equal(own, other)


class Between(keras.callbacks.Callback):
    """First in the list, it knows which epoch has just ended: what runs then is ours."""

    epoch = None

    def on_epoch_end(self, epoch, logs=None):
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = None


def test_nothing_is_retraced_after_the_first_capture(tmp_path, images, labels, monkeypatch):
    model = small_model()
    between, passes = Between(), [0] * 4
    conv = type(model.get_layer("conv_a"))
    call = conv.call

    def counting(self, *args, **kwargs):
        if between.epoch is not None:
            passes[between.epoch] += 1
        return call(self, *args, **kwargs)

    monkeypatch.setattr(conv, "call", counting)
    own = callbacks(tmp_path, images, labels)
    model.fit(images, labels, epochs=4, verbose=0, callbacks=[between, *own])
    # TensorFlow and JAX have traced everything before the first batch.
    # On torch the layers themselves run, as often in each capture as in the first.
    first, *later = passes
    assert (first == 0) == (BACKEND != "torch")
    assert later == by_backend(tensorflow=[0] * 3, jax=[0] * 3, torch=[first] * 3)


def test_nothing_is_compiled_after_the_first_batch(tmp_path, images, labels, monkeypatch):
    compiled, begun = [], []

    def noting(name, function):
        def noted(*args, **kwargs):
            compiled.append(name)
            return function(*args, **kwargs)

        return noted

    names = ("dry_run", "compile")
    for name in names:
        monkeypatch.setattr(backend(), name, noting(name, getattr(backend(), name)))

    class Begin(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            begun.append(list(compiled))

    own = callbacks(tmp_path, images, labels)
    small_model().fit(images, labels, epochs=3, verbose=0, callbacks=[*own, Begin()])
    assert set(begun[0]) == set(names)
    assert compiled == begun[0]


def test_names_and_images_are_shared_between_callbacks(tmp_path, images, labels, read_log):
    own = [
        ActivationGrid(tmp_path, images[:2], layers="conv_a"),
        GradCAM(tmp_path, images[1:3]),
        GradCAM(tmp_path, {"a/b <i>": images[5]}, name="other"),
    ]
    small_model().fit(images, labels, verbose=0, callbacks=own)
    log = read_log(tmp_path)
    assert log.tags("images") == {"images/image_0", "images/image_1", "images/image_2"} | {
        "images/a_b <i>"
    }
    assert log.tags("grad_cam") == {"grad_cam/conv_b/image_1", "grad_cam/conv_b/image_2"}
    record = log.records["keras_viz", "other/conv_b/a_b <i>", 0]
    assert record.image_name == "a/b <i>"


def test_a_shared_layer_has_a_picture_for_each_call(tmp_path, images, labels, read_log):
    from tests.helpers.models import shared_model

    own = [ActivationGrid(tmp_path, images[:1]), GradCAM(tmp_path, images[:1], layers="shared")]
    shared_model().fit(images, labels, verbose=0, callbacks=own)
    log = read_log(tmp_path)
    for name in ("activations", "grad_cam"):
        assert log.tags(name) == {
            f"{name}/shared/image_0",
            f"{name}/shared:1/image_0",
        }


def test_every_kind_of_model_is_drawn(any_model, tmp_path, images, labels, read_log):
    model, path = any_model
    own = [
        ActivationGrid(tmp_path, images[:1]),
        FilterPatterns(tmp_path, filters=1, steps=1),
        GradCAM(tmp_path, images[:1], labels=labels[:1]),
    ]
    model.fit(images, labels, epochs=2, verbose=0, callbacks=own)
    log = read_log(tmp_path)
    assert log.steps(f"grad_cam/{path}/image_0") == [0, 1]
    assert log.steps(f"activations/{path}/image_0") == [0, 1]
    assert log.steps(f"filters/{path}") == [0, 1]
    assert not glob.glob(str(tmp_path / "keras_viz-*"))


def deferred_model():
    """A Sequential model without an `Input`, as many people write it."""
    from tests.helpers.models import compiled

    keras.utils.set_random_seed(1)
    return compiled(
        keras.Sequential(
            [
                keras.layers.Conv2D(4, 3, activation="relu", name="conv_a"),
                keras.layers.Conv2D(5, 3, activation="relu", name="conv_b"),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(3, activation="softmax"),
            ]
        )
    )


def unbuilt_subclassed():
    from tests.helpers.models import Subclassed, compiled

    keras.utils.set_random_seed(1)
    return compiled(Subclassed())


@pytest.mark.parametrize("unbuilt", [deferred_model, unbuilt_subclassed])
def test_a_model_without_weights_yet_is_drawn_and_trained_as_without_us(
    unbuilt, tmp_path, images, labels, read_log
):
    def trained(own):
        model = unbuilt()
        assert not model.built
        model.fit(images, labels, epochs=2, batch_size=3, verbose=0, callbacks=own)
        return model.get_weights()

    own = [
        FilterPatterns(tmp_path, filters=1, steps=1),
        ActivationGrid(tmp_path, images[:1]),
        GradCAM(tmp_path, images[:1], update_freq=1),
    ]
    for mine, other in zip(trained([]), trained(own), strict=True):
        np.testing.assert_array_equal(mine, other)
    log = read_log(tmp_path)
    assert {tag.split("/")[0] for tag in log.tags()} == {
        "activations",
        "filters",
        "grad_cam",
        "images",
    }
    for tag in log.tags("grad_cam"):
        assert log.steps(tag) == [1, 2, 3, 4]
    for tag in log.tags("filters") | log.tags("activations"):
        assert log.steps(tag) == [0, 1]


def test_what_is_wrong_with_a_model_without_weights_is_said_after_its_first_batch(
    tmp_path, images, labels
):
    batches = []

    class Count(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            batches.append(batch)

    own = [Count(), ActivationGrid(tmp_path, images[:1], layers="conv_aa")]
    with pytest.raises(ValueError, match="nearest are: 'conv_a'"):
        deferred_model().fit(images, labels, batch_size=1, verbose=0, callbacks=own)
    # On TensorFlow the first batch builds a model, elsewhere Keras does before `on_train_begin`.
    assert batches == by_backend(tensorflow=[0], jax=[], torch=[])
