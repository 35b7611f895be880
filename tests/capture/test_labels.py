"""Names of classes and true classes, in the forms that users have them in."""

import re

import keras
import numpy as np
import pytest

from keras_viz_callbacks.capture.labels import class_indices, is_one_array, ordered_names


@pytest.mark.parametrize(
    "class_names",
    [
        ["cat", "dog", "bird"],
        (b"cat", b"dog", b"bird"),
        np.array(["cat", "dog", "bird"]),
        np.array(["cat", "dog", "bird"], object),
        {"bird": 2, "cat": 0, "dog": 1},
        {"cat": np.int64(0), "dog": np.int64(1), "bird": np.int64(2)},
        {2: "bird", 0: "cat", 1: "dog"},
        {"cat": 0, "dog": 1, "bird": 2}.keys(),
    ],
)
def test_names_of_classes_come_in_their_order(class_names):
    assert ordered_names(class_names) == ("cat", "dog", "bird")


def test_no_names_are_none():
    assert ordered_names(None) is None


@pytest.mark.parametrize(
    "class_names",
    [{"cat": 1, "dog": 2}, {"cat": 0, "dog": 0}, {0: "cat", 2: "dog"}, {"cat": "a"}, {"a": 0.0}],
)
def test_a_dict_of_names_must_number_them(class_names):
    message = (
        "`class_names` given as a dict must have each index from 0 on once, as {name: index} or "
        f"{{index: name}}. Received: class_names={class_names}"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ordered_names(class_names)


def test_one_text_is_no_list_of_names():
    message = (
        "`class_names` must be a list of names, or a dict of name to index. "
        "Received: class_names='cat'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ordered_names("cat")


NAMES = ["cat", "dog", "bird", "ñandú"]
ONE_HOT = np.eye(4)[[1, 0, 3]]


@pytest.mark.parametrize(
    "labels",
    [
        [1, 0, 3],
        (np.int64(1), 0.0, 3),
        np.array([1, 0, 3], object),
        np.array([[1], [0], [3]]),
        ONE_HOT,
        ONE_HOT.astype(bool),
        ONE_HOT.astype(object),
        np.array([1.0, 0.0, 3.0], np.float16),
        ["dog", "cat", "ñandú"],
        np.array(["dog", "cat", "ñandú"]),
        np.array(["dog", "cat", "ñandú"], object),
        np.array([["dog"], ["cat"], ["ñandú"]], object),
        [b"dog", b"cat", "ñandú".encode()],
        np.array([b"dog", b"cat", "ñandú".encode()]),
        np.array([b"dog", b"cat", "ñandú".encode()], object),
    ],
)
def test_labels_are_indices_one_hot_rows_or_names(labels):
    found = class_indices(labels, 3, NAMES)
    assert (found.tolist(), found.dtype) == ([1, 0, 3], np.int32)


def test_labels_may_be_tensors():
    for labels in ([1, 0, 3], [[1.0], [0.0], [3.0]], ONE_HOT.astype("float32")):
        found = class_indices(keras.ops.convert_to_tensor(labels), 3, None)
        assert found.tolist() == [1, 0, 3]


def test_labels_may_be_texts_of_tensorflow():
    tf = pytest.importorskip("tensorflow")
    texts = ["dog", "cat", "ñandú"]
    assert class_indices(tf.constant(texts), 3, NAMES).tolist() == [1, 0, 3]
    assert class_indices(tf.constant(texts)[:, None], 3, NAMES).tolist() == [1, 0, 3]


def test_labels_may_be_columns_of_a_table():
    pandas = pytest.importorskip("pandas")
    texts = ["dog", "cat", "ñandú"]
    columns = [
        pandas.Series(texts, index=[7.5, 0.5, 3.5]),
        pandas.Series(texts, dtype=object),
        pandas.Categorical(texts),
        pandas.Series(texts, dtype="category"),
        pandas.Series([1, 0, 3]),
        pandas.Series([1, 0, 3], dtype="Int64"),
        pandas.DataFrame(ONE_HOT),
        pandas.DataFrame({"class": texts}),
    ]
    for column in columns:
        assert class_indices(column, 3, NAMES).tolist() == [1, 0, 3]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["dog", "cow", "cat"],
            "`labels` given as text must be names in `class_names`. "
            f"Received: labels with 'cow', class_names={NAMES}",
        ),
        (
            np.array(["dog", np.nan, "cat"], object),
            "`labels` given as text must be names in `class_names`. "
            f"Received: labels with 'nan', class_names={NAMES}",
        ),
        (
            np.array([1, None, 3], object),
            "`labels` must be class indices or one-hot rows. "
            "Received: labels of shape (3,) and dtype object",
        ),
        (
            [1.0, np.nan, 3.0],
            "`labels` must be class indices or one-hot rows. "
            "Received: labels of shape (3,) and dtype float64",
        ),
        (
            np.zeros((3, 2, 2)),
            "`labels` must be class indices or one-hot rows. "
            "Received: labels of shape (3, 2, 2) and dtype float64",
        ),
        (
            {"a": 1},
            "`labels` must hold one class for each of the 3 images. Received: labels of shape ()",
        ),
    ],
)
def test_labels_that_are_no_classes_say_so(labels, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        class_indices(labels, 3, NAMES)


def test_labels_of_a_batch_are_one_array():
    for labels in ([b"a", b"b"], ("a", "b"), np.zeros(2), keras.ops.zeros(2), 3, "a"):
        assert is_one_array(labels)
    for labels in ({"boxes": np.zeros(2)}, (np.zeros(2), np.zeros(2)), [], None):
        assert not is_one_array(labels)
