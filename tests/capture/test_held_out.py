import logging
import re

import keras
import numpy as np
import pytest

from keras_viz_callbacks import filter_patterns, grad_cam, saliency
from keras_viz_callbacks.capture.held_out import check_fits, check_labels, held_out
from tests.helpers.backends import only_on
from tests.helpers.models import small_model

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


def dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(2)


def tf_ragged(images):
    import tensorflow as tf

    return tf.ragged.stack([tf.constant(image) for image in images])


def data_loader():
    from torch.utils import data

    return data.DataLoader(list(zip(IMAGES, LABELS, strict=True)), batch_size=2)


TF_DATA = only_on("tensorflow", "tf.data is part of TensorFlow")
DATA_LOADER = only_on("torch", "the DataLoader is part of torch")


@pytest.mark.parametrize(
    "form",
    [
        lambda: IMAGES,
        lambda: list(IMAGES),
        lambda: keras.ops.convert_to_tensor(IMAGES),
        pytest.param(dataset, marks=TF_DATA),
        pytest.param(lambda: dataset().repeat(), marks=TF_DATA),
        pytest.param(lambda: dataset().unbatch(), marks=TF_DATA),
        pytest.param(lambda: tf_ragged(IMAGES), marks=TF_DATA),
        pytest.param(data_loader, marks=DATA_LOADER),
        Batches,
        generator,
    ],
    ids=[
        "array",
        "list",
        "tensor",
        "dataset",
        "endless",
        "unbatched",
        "ragged",
        "DataLoader",
        "PyDataset",
        "generator",
    ],
)
def test_every_form_gives_the_same_images(form):
    images = form()
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
        ({"images": IMAGES[0, 0]}, r"must have the shape \(batch, height.*of shape \(6, 3\)"),
        ({"images": {"a": IMAGES, "b": IMAGES[:2]}}, r"must give one input .* 5 images, .*\(2, 4"),
        ({"images": [IMAGES[0], IMAGES[1, :2]]}, r"must all have one shape.*\(2, 6, 3\), \(4, 6"),
        ({"images": IMAGES * np.nan}, "must be finite. Received: NaN .* in image 0 and 4 more"),
        ({"images": IMAGES.astype(str)}, "must hold numbers. Received: images of dtype <U"),
        ({"images": IMAGES, "labels": [1, 2]}, r"one class for each of the 5 images.*shape \(2,\)"),
        ({"images": IMAGES, "labels": [0.5] * 5}, "must be class indices or one-hot rows"),
        ({"images": IMAGES, "labels": ["x"] * 5}, "names in `class_names`. Received: .* 'x'"),
        ({"images": IMAGES, "preprocess": lambda x: x[:1]}, "`preprocess` must give one input for"),
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
    with pytest.raises(
        ValueError,
        match=r"\(16, 16, 3\). One image alone is images\[None\]; of a dataset of single images, "
        r"pass dataset.batch\(8\).$",
    ):
        check_fits(small_model(), held_out(np.zeros((16, 16, 3))))
    with pytest.raises(ValueError, match="Pass a dict or tuple like the model's inputs"):
        check_fits(small_model(), held_out({"a": IMAGES, "b": IMAGES}))


def test_several_inputs_are_batches_of_which_the_first_image_is_displayed():
    facts = np.zeros((5, 7))
    for parts in ({"facts": facts, "image": IMAGES}, (facts, IMAGES)):
        held = held_out(parts, max_images=3)
        np.testing.assert_array_equal(held.images, IMAGES[:3])
        assert [len(part) for part in keras.tree.flatten(held.inputs)] == [3, 3]
        assert held.names is None
    batches = [({"image": IMAGES[:2], "facts": facts[:2]}, LABELS[:2])] * 2
    held = held_out(batches_of(batches))
    assert held.inputs["facts"].shape == (4, 7)
    np.testing.assert_array_equal(held.labels, [*LABELS[:2], *LABELS[:2]])


TEXTS = ["a b", "c", "ñ", "", "e"]


@pytest.mark.parametrize(
    "texts",
    [TEXTS, tuple(TEXTS), np.array(TEXTS), np.array([text.encode() for text in TEXTS], object)],
)
def test_texts_may_be_among_the_inputs(texts):
    for images in ({"image": IMAGES, "text": texts}, (IMAGES, texts)):
        held = held_out(images, max_images=3)
        np.testing.assert_array_equal(held.images, IMAGES[:3])
        assert [part.tolist() for part in keras.tree.flatten(held.inputs)][1] == TEXTS[:3]
    held = held_out(batches_of([({"image": IMAGES, "text": texts}, LABELS)]))
    assert held.inputs["text"].tolist() == TEXTS
    elements = [({"image": i, "text": t}, n) for i, t, n in zip(IMAGES, texts, LABELS, strict=True)]
    assert held_out(batches_of(elements)).inputs["text"].tolist() == TEXTS


def test_texts_among_the_inputs_are_one_for_each_image():
    with pytest.raises(ValueError, match=r"must give one input .* 5 images, inputs .*\(2,\)$"):
        held_out({"image": IMAGES, "text": ["a", "b"]})


@TF_DATA
def test_a_model_of_an_image_and_a_text_is_drawn():
    import tensorflow as tf

    image, text = (
        keras.Input((16, 16, 3), name="image"),
        keras.Input((), dtype="string", name="text"),
    )
    tokens = keras.layers.TextVectorization(10, output_sequence_length=4)
    tokens.adapt(["a b c"])
    words = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(10, 4)(tokens(text)))
    maps = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(maps), words])
    classes = keras.layers.Dense(3, activation="softmax")(x)
    model = keras.Model({"image": image, "text": text}, classes)
    images = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    given = {"image": images, "text": tf.constant(["a b", "c"])}
    for method in ("grad_cam", "score_cam"):
        assert np.isfinite(grad_cam(model, given, "conv", method=method)).all()
    assert saliency(model, given).shape[:3] == (2, 16, 16)
    assert filter_patterns(model, "conv", filters=2, steps=2).shape[0] == 2


def batches_of(batches):
    yield from batches


ONE_HOT = np.eye(5, dtype="float32")
FACTS = np.zeros((5, 7))


@pytest.mark.parametrize(
    "elements",
    [
        list(zip(IMAGES, LABELS, strict=True)),
        list(zip(IMAGES, LABELS.tolist(), strict=True)),
        list(zip(IMAGES, ONE_HOT, strict=True)),
        [({"image": i, "facts": f}, n) for i, f, n in zip(IMAGES, FACTS, LABELS, strict=True)],
    ],
)
def test_elements_may_be_single_images(elements):
    held = held_out(batches_of(elements), max_images=3)
    np.testing.assert_array_equal(held.images, IMAGES[:3])
    np.testing.assert_array_equal(held.labels, LABELS[:3])
    assert {len(part) for part in keras.tree.flatten(held.inputs)} == {3}


def test_elements_may_be_single_signals_or_volumes():
    for shape in ((9, 2), (6, 6, 6, 1)):
        elements = np.random.default_rng(0).random((4, *shape), np.float32)
        held = held_out(batches_of(zip(elements, range(4), strict=True)))
        np.testing.assert_array_equal(held.images, elements)
    signals = np.zeros((4, 9, 2), np.float32)
    np.testing.assert_array_equal(held_out(batches_of(signals)).images, signals)
    np.testing.assert_array_equal(held_out(batches_of([signals] * 2)).images.shape, (8, 9, 2))


def test_images_of_a_dataset_must_have_one_shape():
    message = (
        "`images` must all have one shape, since they pass the model as one batch. "
        "Received: images of shapes (2, 6, 3), (4, 6, 3)"
    )
    for elements in ([(IMAGES[0], 1), (IMAGES[1, :2], 0)], [IMAGES[:2], IMAGES[2:, :2]]):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            held_out(batches_of(elements))


@TF_DATA
def test_images_of_a_ragged_tensor_must_have_one_shape():
    message = r"must all have one shape, .* Received: images of shapes \(2, 6, 3\), \(4, 6, 3\)$"
    with pytest.raises(ValueError, match=message):
        held_out(tf_ragged([IMAGES[0], IMAGES[1, :2]]))


@TF_DATA
def test_batches_may_be_ragged():
    held = held_out(batches_of([(tf_ragged(IMAGES[:2]), LABELS[:2])]))
    np.testing.assert_array_equal(held.images, IMAGES[:2])
    np.testing.assert_array_equal(held.labels, LABELS[:2])


def test_labels_of_batches_may_be_names():
    batches = [(IMAGES[:2], [b"dog", b"cat"]), (IMAGES[2:], np.array(["cat"] * 3, object))]
    held = held_out(batches_of(batches), class_names={"cat": 0, "dog": 1})
    np.testing.assert_array_equal(held.labels, [1, 0, 0, 0, 0])


def test_labels_of_a_table_go_with_their_images_by_place():
    pandas = pytest.importorskip("pandas")
    column = pandas.Series(LABELS, index=[9.0, 8.0, 7.0, 6.0, 5.0])
    np.testing.assert_array_equal(held_out(IMAGES, column, max_images=2).labels, LABELS[:2])


def test_labels_of_batches_that_are_no_classes_are_left_out(caplog):
    with caplog.at_level("INFO", logger="keras_viz_callbacks"):
        held = held_out(batches_of([(IMAGES, np.linspace(0, 1, 5))]))
    assert held.labels is None
    assert "labels of the held-out images are not shown" in caplog.text


def test_labels_must_be_classes_and_every_class_named():
    held = held_out(IMAGES, LABELS)
    check_labels(held, 5, list("abcde"))
    with pytest.raises(ValueError, match=r"`labels` must hold classes .* from 0 to 2. .* with 3"):
        check_labels(held, 3, None)
    with pytest.raises(ValueError, match=r"must name each of the model's 5 classes.*2 names"):
        check_labels(held, 5, ["a", "b"])
