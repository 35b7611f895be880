"""Pictures, records and measures of activation grids."""

import keras
import numpy as np

from keras_viz_callbacks import ActivationGrid
from keras_viz_callbacks.maps.measures import MEASURES, measure, names_of
from tensorboard_plugin import schema
from tests.helpers.models import small_model


def test_activation_pictures_show_the_activations(tmp_path, images, labels, read_log):
    model = small_model(functional=True)
    model.fit(
        images,
        labels,
        verbose=0,
        callbacks=[ActivationGrid(tmp_path, images[:1], layers="conv_a", channels=[2])],
    )
    expected = keras.Model(model.inputs, model.get_layer("conv_a").output)(images[:1])
    expected = keras.ops.convert_to_numpy(expected)[0, ..., 2]
    log = read_log(tmp_path)
    record = log.records["keras_viz", "activations/conv_a/image_0", 0]
    assert record.grid.items == (2,)
    np.testing.assert_allclose(record.statistics.maximum, [expected.max()], rtol=1e-3)
    np.testing.assert_allclose(record.statistics.mean, [expected.mean()], rtol=1e-3)

    entries = np.asarray(log.picture("activations/conv_a/image_0", 0))[2:66:4, 2:66:4]
    hottest = np.unravel_index(expected.argmax(), expected.shape)
    assert entries[hottest] == schema.PALETTE_LEVELS - 1
    low, high = expected.min(), expected.max()
    values = low + entries.astype(float) / (schema.PALETTE_LEVELS - 1) * (high - low)
    np.testing.assert_allclose(values, expected, atol=(high - low) / 200)


def test_blank_channels_are_counted(tmp_path, images, labels, read_log):
    model = small_model()
    model.optimizer.learning_rate = 0.0
    conv = model.get_layer("conv_a")
    kernel, bias = conv.get_weights()
    kernel[..., 1], bias[1] = 0, -1
    conv.set_weights([kernel, bias])
    own = ActivationGrid(tmp_path, images[:2], layers="conv_a")
    model.fit(images, labels, verbose=0, callbacks=[own])
    log = read_log(tmp_path)
    assert log.scalars["keras_viz", "dead_channels/conv_a", 0] == 0.25
    record = log.records["keras_viz", "activations/conv_a/image_1", 0]
    assert record.measures["blank_channels"] == 0.25
    assert tuple(record.measures) == names_of("picture")
    assert log.layer_measure("activations", "dead_channels", 0) == {"conv_a": 0.25}
    assert record.statistics.maximum[1] == 0


def test_max_channels_and_images_are_bounded_and_said(tmp_path, images, labels, read_log, caplog):
    own = ActivationGrid(tmp_path, images, layers="conv_b", max_channels=3, max_images=1)
    small_model().fit(images, labels, verbose=0, callbacks=[own])
    log = read_log(tmp_path)
    assert log.tags("activations") == {"activations/conv_b/image_0"}
    record = log.records["keras_viz", "activations/conv_b/image_0", 0]
    assert record.grid.items == (0, 1, 2)
    assert record.channels == 5
    assert record.note == "the first 3 of 5 channels (max_channels)"


def test_records_say_that_they_are_grids_of_channels(tmp_path, images, labels, read_log):
    own = ActivationGrid(tmp_path, images[:1], layers="conv_a", name="mine")
    small_model().fit(images, labels, verbose=0, callbacks=[own])
    record = read_log(tmp_path).records["keras_viz", "mine/conv_a/image_0", 0]
    assert (record.name, record.kind, record.title, record.item) == (
        "mine",
        "channels",
        "Activations",
        "channel",
    )
    assert (record.colormap, record.scale, record.channels) == ("viridis", "channel", 4)


def test_a_measure_that_is_registered_is_reported_everywhere(tmp_path, images, labels, read_log):
    before = names_of("layer")
    with MEASURES.restored():

        @measure(of="layer")
        def highest(activations):
            return activations.max()

        @measure(of="picture")
        def highest_here(activations):
            return activations.max()

        own = [
            ActivationGrid(tmp_path, images[:2]),
            ActivationGrid(tmp_path, images[:2], name="mine", layers="conv_a"),
        ]
        small_model().fit(images, labels, verbose=0, callbacks=own)
    log = read_log(tmp_path)
    tags = {tag for _, tag, _ in log.scalars}
    assert tags == {
        *(f"{m}/{path}" for m in (*before, "highest") for path in ("conv_a", "conv_b")),
        *(f"{m}/mine/conv_a" for m in (*before, "highest")),
    }
    pictures = [log.records["keras_viz", f"activations/conv_b/image_{i}", 0] for i in (0, 1)]
    highest_of_each = [record.measures["highest_here"] for record in pictures]
    table = log.layer_measure("activations", "highest", 0)
    assert list(table) == ["conv_a", "conv_b"]
    assert table["conv_b"] == max(highest_of_each)
    assert table["conv_b"] == log.scalars["keras_viz", "highest/conv_b", 0]
    assert [record.value_range[1] for record in pictures] == highest_of_each
