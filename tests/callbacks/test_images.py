"""A callback that draws something about each held-out image, without a layer."""

import numpy as np
import pytest
from PIL import Image

from keras_viz_callbacks import GradCAM
from keras_viz_callbacks.callbacks.images import HeldOutImagesCallback
from keras_viz_callbacks.capture.backend import survey
from keras_viz_callbacks.render.picture import encode
from keras_viz_callbacks.summary.run import Drawing
from tests.helpers.event_logs import rgb
from tests.helpers.models import small_model


class Inverted(HeldOutImagesCallback):
    """Draws each image with its colours inverted."""

    def __init__(self, log_dir, images, **options):
        super().__init__(log_dir, images, default_name="inverted", **options)

    def _prepare(self, run):
        found = survey(self.model, self.held.inputs)
        self._hang(run, found, found.outputs[0])
        run.claim(self, self.gallery.tags(self.name))

    def _capture_images(self):
        def draw(moment):
            for index, pixels in enumerate(self.gallery.pixels):
                picture = encode(Image.fromarray(255 - pixels))
                record = self.gallery.record(self.name, index, picture, moment)
                yield Drawing(record, picture.data)

        return draw


def test_a_callback_need_not_have_layers(tmp_path, images, labels, read_log):
    own = Inverted(tmp_path, images, max_images=2, on_error="raise")
    small_model().fit(images, labels, epochs=2, verbose=0, callbacks=[own])
    log = read_log(tmp_path)
    assert log.tags("inverted") == {"inverted/image_0", "inverted/image_1"}
    assert log.tags("images") == {"images/image_0", "images/image_1"}
    for index in (0, 1):
        assert log.steps(f"inverted/image_{index}") == [0, 1]
        record = log.records["keras_viz", f"inverted/image_{index}", 1]
        assert (record.layer, record.kind, record.image_index) == (None, "evidence", index)
        inverted = rgb(log.pictures["keras_viz", record.tag, 1])
        np.testing.assert_array_equal(inverted, 255 - own.gallery.pixels[index])


def test_images_are_shared_with_a_callback_that_has_layers(tmp_path, images, labels, read_log):
    own = [Inverted(tmp_path, images[1:3]), GradCAM(tmp_path, images[:2])]
    small_model().fit(images, labels, verbose=0, callbacks=own)
    log = read_log(tmp_path)
    assert log.tags("images") == {f"images/image_{i}" for i in range(3)}
    assert log.tags("grad_cam") == {"grad_cam/conv_b/image_0", "grad_cam/conv_b/image_2"}


def test_labels_are_checked_against_the_classes(tmp_path, images, labels):
    own = Inverted(tmp_path, images, labels=[3] * 6)
    with pytest.raises(ValueError, match=r"`labels` must hold classes .* from 0 to 2"):
        small_model().fit(images, labels, verbose=0, callbacks=[own])
