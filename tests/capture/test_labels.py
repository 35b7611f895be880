"""Names of classes and true classes, in the forms that users have them in."""

import re

import numpy as np
import pytest

from keras_viz_callbacks.capture.labels import ordered_names


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
