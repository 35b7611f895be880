"""Pictures and records of class activation maps."""

import keras
import numpy as np
import pytest

from keras_viz_callbacks import GradCAM, grad_cam
from tests.helpers.event_logs import decode
from tests.helpers.models import small_model


def test_a_heat_map_in_a_record_is_the_class_map(tmp_path, images, labels, read_log):
    model = small_model()
    model.fit(images, labels, verbose=0, callbacks=[GradCAM(tmp_path, images, target=1)])
    log = read_log(tmp_path)
    expected = grad_cam(model, images, target=1)
    for index in range(6):
        key = ("keras_viz", f"grad_cam/conv_b/image_{index}", 0)
        heat = np.asarray(decode(log.heat_maps[key])).astype(np.float64)
        highest = log.records[key].value_range[1]
        np.testing.assert_allclose(
            heat / 65535 * highest, expected[index], atol=1e-4 * highest + 1e-7
        )
        assert log.records[key].target.index == 1


def test_records_say_that_they_are_evidence_by_the_title_of_their_method(
    tmp_path, images, labels, read_log
):
    own = [
        GradCAM(tmp_path, images[:1], labels=labels[:1]),
        GradCAM(tmp_path, images[:1], method="grad_cam_plus_plus", name="mine", target=2),
    ]
    small_model().fit(images, labels, verbose=0, callbacks=own)
    log = read_log(tmp_path)
    record = log.records["keras_viz", "grad_cam/conv_b/image_0", 0]
    assert (record.name, record.kind, record.title, record.item) == (
        "grad_cam",
        "evidence",
        "Grad-CAM",
        None,
    )
    assert (record.colormap, record.value_range[0]) == ("turbo", 0.0)
    assert record.label.name == "0"
    mine = log.records["keras_viz", "mine/conv_b/image_0", 0]
    assert (mine.name, mine.title, mine.target.index) == ("mine", "Grad-CAM++", 2)
    assert mine.label is None


def test_labels_are_checked_against_the_output_that_is_explained(tmp_path, images, labels):
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = [
        keras.layers.Dense(classes, activation="softmax", name=f"of_{classes}")(x)
        for classes in (3, 5)
    ]
    model = keras.Model(inputs, outputs)
    model.compile("sgd", ["sparse_categorical_crossentropy"] * 2)
    arguments = {"labels": [4], "target": "of_5"}
    model.fit(
        images, [labels] * 2, verbose=0, callbacks=[GradCAM(tmp_path, images[:1], **arguments)]
    )
    own = GradCAM(tmp_path, images[:1], labels=[4], target="of_3")
    with pytest.raises(ValueError, match=r"from 0 to 2\. Received: labels with 4"):
        model.fit(images, [labels] * 2, verbose=0, callbacks=[own])
