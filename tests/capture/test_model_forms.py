"""A folder, and a pair of images and labels: what they are, once the model is known."""

import re

import keras
import numpy as np
import pytest

from keras_viz_callbacks import ActivationGrid, GradCAM, grad_cam
from keras_viz_callbacks.capture.held_out import held_out
from keras_viz_callbacks.capture.model_forms import depends_on_model
from tests.helpers.models import small_model

IMAGES = np.random.default_rng(0).random((5, 16, 16, 3), np.float32)
LABELS = np.array([2, 0, 1, 1, 0])


@pytest.fixture
def folder(tmp_path):
    for number in range(6):
        path = tmp_path / "images" / ("cat", "dog", "fox")[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.save_img(path, np.full((20, 24, 3), number / 6), scale=False)
    return tmp_path / "images"


def two_inputs():
    image, facts = keras.Input((16, 16, 3), name="image"), keras.Input((7,), name="facts")
    maps = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(maps), facts])
    classes = keras.layers.Dense(3, activation="softmax")(x)
    return keras.Model([image, facts], classes)


def test_which_forms_depend_on_the_model(folder):
    for images in (folder, str(folder), (IMAGES, LABELS), (IMAGES, np.eye(3)[LABELS])):
        assert depends_on_model(images)
    for images in (IMAGES, [IMAGES, LABELS], (IMAGES, LABELS[:2]), (IMAGES, IMAGES), tuple(IMAGES)):
        assert not depends_on_model(images)
    assert not depends_on_model((IMAGES, LABELS), labels=LABELS)


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], LABELS.tolist(), np.eye(3)[LABELS]])
def test_a_pair_is_images_and_labels_of_a_model_with_one_input(labels):
    held = held_out((IMAGES, labels), max_images=3, model=small_model())
    np.testing.assert_array_equal(held.images, IMAGES[:3])
    np.testing.assert_array_equal(held.inputs, IMAGES[:3])
    np.testing.assert_array_equal(held.labels, LABELS[:3])


def test_a_pair_is_the_inputs_of_a_model_with_two():
    facts = np.random.default_rng(0).random((5, 7), np.float32)
    held = held_out((IMAGES, facts), model=two_inputs())
    assert held.labels is None
    np.testing.assert_array_equal(held.inputs[1], facts)
    held = held_out(([IMAGES, facts], LABELS), model=two_inputs())
    np.testing.assert_array_equal(held.labels, LABELS)
    np.testing.assert_array_equal(held.inputs[1], facts)


def test_a_folder_has_the_size_and_the_channels_of_the_model(folder):
    held = held_out(folder, model=small_model(), max_images=4, class_names=["fox", "cat", "dog"])
    assert held.names == ("fox/2", "fox/5", "cat/0", "dog/1")
    assert (held.inputs.shape, held.inputs.dtype) == ((4, 16, 16, 3), np.float32)
    assert held.labels.tolist() == [0, 0, 1, 2]
    assert held_out(str(folder), model=small_model()).labels is None
    given = held_out(folder, [0, 1, 2, 0, 1, 2], model=small_model(), class_names=list("abc"))
    assert given.labels.tolist() == [0, 1, 2, 0, 1, 2]
    grey = keras.Sequential([keras.Input((None, 8, 1)), keras.layers.Conv2D(2, 3)])
    assert held_out(folder, model=grey).images.shape == (6, 224, 8, 1)


def test_a_folder_needs_a_model_of_one_image(folder):
    message = (
        "`images` may be a folder where the model has one input of shape (batch, height, width, "
        f"channels), with 1 or 3 channels. Received: images={str(folder)!r}. Pass the model's "
        "inputs themselves."
    )
    five = keras.Sequential([keras.Input((8, 8, 5)), keras.layers.Conv2D(2, 3)])
    for model in (two_inputs(), five):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            held_out(folder, model=model)


def test_callbacks_and_functions_take_both(tmp_path, folder, images, labels, read_log):
    model = small_model()
    callbacks = [
        GradCAM(
            tmp_path,
            folder,
            class_names=["cat", "dog", "fox"],
            preprocess=lambda pixels: pixels / 255,
            max_images=3,
        ),
        ActivationGrid(tmp_path, (IMAGES, LABELS), layers="conv_a", max_images=2),
    ]
    for _ in range(2):
        model.fit(images, labels, verbose=0, callbacks=callbacks)
    log = read_log(tmp_path)
    found = {r.image_name: r.label for r in log.records.values() if r.name == "grad_cam"}
    assert {name: label.name for name, label in found.items()} == {
        "cat/0": "cat",
        "dog/1": "dog",
        "fox/2": "fox",
    }
    assert {"activations/conv_a/image_0", "activations/conv_a/image_1"} <= log.tags()
    maps = grad_cam(model, (IMAGES, LABELS), "conv_b")
    np.testing.assert_array_equal(maps, grad_cam(model, IMAGES, "conv_b"))


def test_a_folder_that_is_not_there_is_reported_before_the_first_batch(tmp_path, images, labels):
    message = f"`images`: there is no folder {tmp_path / 'none'}. Name one that holds images."
    callback = GradCAM(tmp_path, str(tmp_path / "none"))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        small_model().fit(images, labels, verbose=0, callbacks=[callback])
