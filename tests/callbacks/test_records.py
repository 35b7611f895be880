"""What the records of all callbacks have in common."""

import numpy as np
import pytest

from keras_viz_callbacks.callbacks.records import Moment, join_notes, picture_record, rounded
from keras_viz_callbacks.render.picture import Picture
from tensorboard_plugin import schema


def test_a_record_of_any_picture():
    moment = Moment(step=12, epoch=3, batch=12, metrics={"loss": None}, note="late")
    assert picture_record("cam", "cam/a", Picture(b"1234", 7, 5), moment, "cut") == schema.Record(
        name="cam",
        tag="cam/a",
        width=7,
        height=5,
        image_bytes=4,
        epoch=3,
        batch=12,
        metrics={"loss": None},
        note="cut; late",
    )


@pytest.mark.parametrize(
    ("notes", "joined"), [((), None), ((None, ""), None), (("a", None, "b"), "a; b")]
)
def test_notes_are_joined(notes, joined):
    assert join_notes(*notes) == joined


def test_values_have_four_digits_and_none_that_is_not_finite():
    assert rounded([1.23456, 0.0, np.nan, -np.inf, 123456.0]) == (1.235, 0.0, None, None, 123500.0)
