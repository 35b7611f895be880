"""A callback that draws something about each held-out image, without a layer."""

import numpy as np
import pytest
from PIL import Image

from keras_viz_callbacks import GradCAM
from keras_viz_callbacks.callbacks.images import HeldOutImagesCallback
from keras_viz_callbacks.explain.attributions import Attributions
from keras_viz_callbacks.render.picture import encode
from keras_viz_callbacks.summary.run import Drawing
from tests.helpers.event_logs import rgb
from tests.helpers.models import small_model


class Saliency(HeldOutImagesCallback):
    """Draws the largest absolute gradient of each pixel, as grey."""

    def __init__(self, log_dir, images, **options):
        super().__init__(log_dir, images, default_name="saliency", **options)

    def _prepare(self, run):
        self._attributions = Attributions(self.model, self.held)
        self._make_gallery(run, self._attributions.plan)
        run.claims.claim(self, self.gallery.tags(self.name))

    def _capture_images(self):
        captured = self._attributions.capture()

        def draw(moment):
            for index, attribution in enumerate(captured.finish()):
                picture = encode(Image.fromarray(as_grey(attribution)))
                record = self.gallery.record(self.name, index, picture, moment)
                yield Drawing(record, picture.data)

        return draw


def as_grey(attribution):
    strength = np.abs(attribution).max(axis=-1)
    return np.repeat((strength / strength.max() * 255).astype(np.uint8)[..., None], 3, axis=-1)


def test_a_callback_need_not_have_layers(tmp_path, images, labels, read_log):
    own = Saliency(tmp_path, images, max_images=2, on_error="raise")
    model = small_model()
    model.fit(images, labels, epochs=2, verbose=0, callbacks=[own])
    log = read_log(tmp_path)
    assert log.tags("saliency") == {"saliency/image_0", "saliency/image_1"}
    assert log.tags("images") == {"images/image_0", "images/image_1"}
    expected = Attributions(model, own.held).capture().finish()
    for index in (0, 1):
        assert log.steps(f"saliency/image_{index}") == [0, 1]
        record = log.records["keras_viz", f"saliency/image_{index}", 1]
        assert (record.layer, record.kind, record.image_index) == (None, "evidence", index)
        drawn = rgb(log.pictures["keras_viz", record.tag, 1])
        np.testing.assert_allclose(drawn, as_grey(expected[index]), atol=1)


def test_images_are_shared_with_a_callback_that_has_layers(tmp_path, images, labels, read_log):
    own = [Saliency(tmp_path, images[1:3]), GradCAM(tmp_path, images[:2])]
    small_model().fit(images, labels, verbose=0, callbacks=own)
    log = read_log(tmp_path)
    assert log.tags("images") == {f"images/image_{i}" for i in range(3)}
    assert log.tags("grad_cam") == {"grad_cam/conv_b/image_0", "grad_cam/conv_b/image_2"}


def test_labels_are_checked_against_the_classes(tmp_path, images, labels):
    own = Saliency(tmp_path, images, labels=[3] * 6)
    with pytest.raises(ValueError, match=r"`labels` must hold classes .* from 0 to 2"):
        small_model().fit(images, labels, verbose=0, callbacks=[own])


def test_names_of_classes_may_be_the_indices_of_a_generator(tmp_path, images, labels, read_log):
    indices = {"zebra": 0, "cat": 2, "dog": 1, "bird": 3, "ant": 4}
    own = GradCAM(tmp_path, images, labels=["cat", "ant"], class_names=indices, max_images=2)
    assert own.class_names == ("zebra", "dog", "cat", "bird", "ant")
    small_model(classes=5).fit(images, labels, verbose=0, callbacks=[own])
    log = read_log(tmp_path)
    drawn = [r.label for (_, tag, _), r in sorted(log.records.items()) if tag.startswith("grad")]
    assert [(label.index, label.name) for label in drawn] == [(2, "cat"), (4, "ant")]
