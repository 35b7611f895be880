import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_viz_callbacks.capture.held_out import check_fits, check_labels, held_out
from tests.models import small_model

IMAGES = np.random.default_rng(0).random((5, 4, 6, 3), np.float32)
LABELS = np.arange(5)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return IMAGES[2 * index : 2 * index + 2], LABELS[2 * index : 2 * index + 2]


def generator():
    for image, label in zip(IMAGES, LABELS, strict=True):
        yield image[None], label[None]


@pytest.mark.parametrize(
    "images",
    [
        IMAGES,
        list(IMAGES),
        tf.constant(IMAGES),
        tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(2),
        tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(2).repeat(),
        Batches(),
        generator(),
    ],
    ids=["array", "list", "tensor", "dataset", "endless", "PyDataset", "generator"],
)
def test_every_form_gives_the_same_images(images):
    held = held_out(images, max_images=3)
    np.testing.assert_array_equal(held.images, IMAGES[:3])
    np.testing.assert_array_equal(held.inputs, IMAGES[:3])
    if not hasattr(images, "shape") and not isinstance(images, list):
        np.testing.assert_array_equal(held.labels, LABELS[:3])


def test_a_dict_names_its_images():
    held = held_out({"cat": IMAGES[0], "dog": IMAGES[1]}, [1, 0])
    assert held.names == ("cat", "dog")
    np.testing.assert_array_equal(held.labels, [1, 0])


def test_labels_are_indices_one_hot_rows_or_names():
    one_hot = np.eye(5)[[3, 1, 4, 0, 2]]
    np.testing.assert_array_equal(held_out(IMAGES, one_hot).labels, [3, 1, 4, 0, 2])
    np.testing.assert_array_equal(held_out(IMAGES, LABELS[:, None]).labels, LABELS)
    named = held_out(IMAGES[:2], ["dog", "cat"], class_names=["cat", "dog"])
    np.testing.assert_array_equal(named.labels, [1, 0])


def test_labels_go_with_their_images_when_some_are_left_out(caplog):
    with caplog.at_level(logging.INFO):
        held = held_out(IMAGES, LABELS, max_images=2)
    np.testing.assert_array_equal(held.labels, [0, 1])
    assert "first 2 of 5 held-out images" in caplog.text


def test_preprocess_maps_what_is_shown_to_what_the_model_eats():
    held = held_out(IMAGES, preprocess=lambda x: x * 255 - 100)
    np.testing.assert_array_equal(held.images, IMAGES)
    np.testing.assert_allclose(held.inputs, IMAGES * 255 - 100)


def test_preprocess_can_not_change_the_users_images():
    def in_place(x):
        x *= 0
        return x

    held = held_out(IMAGES, preprocess=in_place)
    assert held.images.max() > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": IMAGES[:0]}, r"must hold at least one image. Received: images=ndarray of"),
        ({"images": []}, "must hold at least one image. Received: images=list"),
        ({"images": iter(())}, "must hold at least one image"),
        ({"images": 5}, r"must be an array, a list .* Received: images=int"),
        ({"images": IMAGES[0]}, r"must have the shape \(batch, .*One image alone is images\[None"),
        ({"images": [IMAGES[0], IMAGES[1, :2]]}, r"must all have one shape.*\(2, 6, 3\), \(4, 6"),
        ({"images": IMAGES * np.nan}, "must be finite. Received: NaN .* in image 0 and 4 more"),
        ({"images": IMAGES.astype(str)}, "must hold numbers. Received: images of dtype <U"),
        ({"images": IMAGES, "labels": [1, 2]}, r"one class for each of the 5 images.*shape \(2,\)"),
        ({"images": IMAGES, "labels": [0.5] * 5}, "must be class indices or one-hot rows"),
        ({"images": IMAGES, "labels": ["x"] * 5}, "names in `class_names`. Received: .* 'x'"),
        ({"images": IMAGES, "preprocess": lambda x: x[:1]}, "must return one input for each image"),
        ({"images": IMAGES, "preprocess": lambda x: x * np.inf}, r"`preprocess\(images\)` must be"),
    ],
)
def test_what_is_wrong_says_so(arguments, message):
    with pytest.raises(ValueError, match=message):
        held_out(**arguments)


def test_images_must_fit_the_model():
    with pytest.raises(
        ValueError,
        match=r"must fit the model's input, of shape \(batch, 16, 16, 3\). Received: .*5, 4, 6, 3",
    ):
        check_fits(small_model(), held_out(IMAGES))


def test_labels_must_be_classes_and_every_class_named():
    held = held_out(IMAGES, LABELS)
    check_labels(held, 5, list("abcde"))
    with pytest.raises(ValueError, match=r"`labels` must hold classes .* from 0 to 2. .* with 3"):
        check_labels(held, 3, None)
    with pytest.raises(ValueError, match=r"must name each of the model's 5 classes.*2 names"):
        check_labels(held, 5, ["a", "b"])
