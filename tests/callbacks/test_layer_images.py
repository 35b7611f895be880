"""A callback of one's own that draws layers on held-out images, and measures them."""

import numpy as np
import pytest
from PIL import Image

from keras_viz_callbacks import ActivationGrid, activation_maps
from keras_viz_callbacks.callbacks.layer_images import LayerImagesCallback
from keras_viz_callbacks.callbacks.measures import Measurement
from keras_viz_callbacks.callbacks.records import layer_record
from keras_viz_callbacks.explain.activations import Activations
from keras_viz_callbacks.render.picture import encode
from keras_viz_callbacks.summary.run import Drawing
from tests.helpers.event_logs import rgb
from tests.helpers.models import small_model


class Strength(LayerImagesCallback):
    """Draws the mean of all channels as grey, and reports the largest one."""

    def __init__(self, log_dir, images, **options):
        super().__init__(log_dir, images, default_name="strength", measures=["peak"], **options)

    def _plan(self):
        self._activations = Activations(self.model, self.held, self.layers, self.tokens_to_grid)
        return self._activations.plan

    def _pass(self):
        return self._activations.capture()

    def _draw_layer(self, call, signals, moment):
        means = signals[call.path].mean(axis=-1)
        shape = signals[call.path].shape[1:]
        yield Measurement("peak", layer_record(call, shape), float(means.max()))
        for index, mean in enumerate(means):
            picture = encode(Image.fromarray(as_grey(mean)))
            record = self.gallery.record(
                self.name, index, picture, moment, call=call, shape=shape, note="mean"
            )
            yield Drawing(record, picture.data)


def as_grey(mean):
    return np.repeat((mean / mean.max() * 255).astype(np.uint8)[..., None], 3, axis=-1)


def test_each_chosen_layer_is_drawn_for_each_image(tmp_path, images, labels, read_log):
    model = small_model()
    own = Strength(tmp_path, images[:2], layers=["conv_a", "norm"], on_error="raise")
    model.fit(images, labels, epochs=2, verbose=0, callbacks=[own])
    log = read_log(tmp_path)
    assert log.tags("strength") == {
        f"strength/{path}/image_{index}" for path in ("conv_a", "norm") for index in (0, 1)
    }
    expected = activation_maps(model, images[:2], ["conv_a"])["conv_a"].mean(axis=-1)
    record = log.records["keras_viz", "strength/conv_a/image_1", 1]
    assert (record.layer.path, record.layer.shape) == ("conv_a", (16, 16, 4))
    assert (record.channels, record.note) == (4, "mean")
    drawn = rgb(log.pictures["keras_viz", record.tag, 1])
    np.testing.assert_allclose(drawn, as_grey(expected[1]), atol=1)
    peaks = log.layer_measure("strength", "peak", 1)
    assert list(peaks) == ["conv_a", "norm"]
    assert peaks["conv_a"] == pytest.approx(expected.max(), rel=1e-5)
    assert log.scalars["keras_viz", "peak/conv_a", 1] == pytest.approx(peaks["conv_a"])


def test_it_shares_images_but_no_tag_with_others(tmp_path, images, labels, read_log):
    own = [
        Strength(tmp_path, images[:1], layers="conv_a"),
        Strength(tmp_path, images[:1], layers="conv_a", name="again"),
        ActivationGrid(tmp_path, images[:1], layers="conv_a"),
    ]
    small_model().fit(images, labels, verbose=0, callbacks=own)
    log = read_log(tmp_path)
    assert log.tags("images") == {"images/image_0"}
    tags = {tag for _, tag, _ in log.scalars}
    assert {"peak/conv_a", "peak/again/conv_a", "dead_channels/conv_a"} <= tags
    same = [Strength(tmp_path, images[1:2], layers="conv_a") for _ in range(2)]
    with pytest.raises(ValueError, match="Give one of them another `name`"):
        small_model().fit(images, labels, verbose=0, callbacks=same)


def test_tokens_to_grid_is_checked_at_once(tmp_path, images):
    with pytest.raises(ValueError, match="`tokens_to_grid` must be"):
        Strength(tmp_path, images, tokens_to_grid="7x7")
