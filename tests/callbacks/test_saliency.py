"""Saliency in a real `fit`: signed maps over the image, of no layer."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_viz_callbacks import Saliency, saliency
from keras_viz_callbacks.maps.pixel_attribution import ATTRIBUTIONS
from tests.helpers.event_logs import rgb
from tests.helpers.models import small_model

NAMES = ["circle", "square", "triangle"]


@pytest.fixture
def log(tmp_path, images, labels, read_log):
    model = small_model()
    own = Saliency(tmp_path, images[:2], labels=labels[:2], class_names=NAMES)
    model.fit(images, labels, epochs=1, verbose=0, callbacks=[own])
    return read_log(tmp_path), model


def test_a_map_is_the_signed_gradient_of_the_trained_model(log, images):
    found, model = log
    expected = saliency(model, images[:2])
    for index in range(2):
        record = found.records["keras_viz", f"gradient/image_{index}", 0]
        assert (record.name, record.kind, record.title) == ("gradient", "evidence", "Gradient")
        assert record.layer is None
        assert record.map_shape == (16, 16)
        low, high = record.value_range
        assert low < 0 < high
        grey = np.asarray(
            Image.open(io.BytesIO(found.heat_maps["keras_viz", f"gradient/image_{index}", 0]))
        )
        values = low + (high - low) * grey.astype(np.float64) / 65535
        np.testing.assert_allclose(values, expected[index], atol=2e-5 * (high - low))


def test_a_record_names_the_classes(log, labels):
    found, _ = log
    record = found.records["keras_viz", "gradient/image_1", 0]
    assert record.label.name == NAMES[labels[1]]
    assert record.prediction.index == record.target.index
    assert record.image_name == "image_1"


def test_red_raises_the_score_and_blue_lowers_it(tmp_path, images, labels, read_log):
    grey = np.full((1, 16, 16, 3), 0.5, np.float32)
    # Without labels and predictions there is no frame around the picture.
    own = Saliency(tmp_path, grey, target=lambda outputs: outputs[:, 0])
    model = small_model()
    model.fit(images, labels, epochs=1, verbose=0, callbacks=[own])
    picture = rgb(read_log(tmp_path).pictures["keras_viz", "gradient/image_0", 0]).astype(int)
    expected = saliency(model, grey, target=lambda outputs: outputs[:, 0])[0]
    width = expected.shape[1]
    frame = 4
    factor = (picture.shape[1] - 2 * frame) // width
    for place, is_red in ((expected.argmax(), True), (expected.argmin(), False)):
        row, column = np.array(divmod(place, width)) * factor + factor // 2 + frame
        red, _, blue = picture[row, column]
        assert (red > blue + 20) if is_red else (blue > red + 20)


def test_an_unknown_method_is_refused_with_those_there_are(tmp_path, images):
    with pytest.raises(ValueError, match="`method` must be one of 'gradient'") as raised:
        Saliency(tmp_path, images, method="grad_cam")
    known = ", ".join(f"'{name}'" for name in ATTRIBUTIONS)
    assert str(raised.value) == f"`method` must be one of {known}. Received: method='grad_cam'"
