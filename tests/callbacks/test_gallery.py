"""Held-out images with names, labels, pictures and records."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_viz_callbacks.callbacks.gallery import Gallery
from keras_viz_callbacks.callbacks.records import Moment
from keras_viz_callbacks.render.picture import Picture
from keras_viz_callbacks.summary.run import open_run
from tensorboard_plugin import schema
from tests.helpers.event_logs import rgb

MOMENT = Moment(step=4, epoch=3, batch=12, metrics={"loss": 0.5}, note="late")
PICTURE = Picture(b"png", 7, 5)


@pytest.fixture
def run(tmp_path):
    return open_run(str(tmp_path))


def images(*places, channels=3):
    return np.random.default_rng(0).random((2, *places, channels), np.float32)


def test_images_without_names_are_numbered_by_their_pixels(run):
    pixels = images(4, 4)
    assert Gallery(pixels, run).names == ("image_0", "image_1")
    assert Gallery(pixels[::-1], run).names == ("image_1", "image_0")


def test_a_name_means_one_image(run):
    Gallery(images(4, 4)[:1], run, ["cat"])
    with pytest.raises(ValueError, match=r"one name. Received: images with 'cat'"):
        Gallery(images(4, 4)[1:], run, ["cat"])


def test_each_image_is_drawn_once_in_a_run(run):
    first, second = Gallery(images(4, 4), run), Gallery(images(4, 4)[:1], run)
    assert first.not_yet_shown(run) == [0, 1]
    assert second.not_yet_shown(run) == []


def test_an_image_is_drawn_as_it_is(run):
    gallery = Gallery(images(4, 6), run, ["a", "b/c"], np.array([1, 0]), ["cat", "dog"])
    (drawing,) = gallery.drawings([1])
    np.testing.assert_array_equal(rgb(drawing.data), gallery.pixels[1])
    record = drawing.record
    assert (record.tag, record.width, record.height) == ("images/b_c", 6, 4)
    assert (record.image_name, record.image_index) == ("b/c", 1)
    assert record.label == schema.ClassScore(0, "cat")
    assert record.layer is None


@pytest.mark.parametrize("places", [(32,), (4, 6), (2, 4, 4)])
def test_signals_and_volumes_have_pictures_too(places, run):
    gallery = Gallery(images(*places), run)
    assert gallery.places == places
    assert gallery.pixels.ndim == 4
    assert gallery.pixels.dtype == np.uint8


def test_a_record_of_a_layer_and_one_of_none(run):
    gallery = Gallery(images(4, 4), run)
    call = SimpleNamespace(path="block/conv", layer=run, index=2)
    record = gallery.record("cam", 1, PICTURE, MOMENT, call=call, shape=(8, 8, 5), note="cut")
    assert record.tag == "cam/block/conv/image_1"
    assert record.layer == schema.Layer("block/conv", type(run).__name__, 2, (8, 8, 5))
    assert record.channels == 5
    assert (record.width, record.height, record.image_bytes) == (7, 5, 3)
    assert (record.epoch, record.batch, record.metrics) == (3, 12, {"loss": 0.5})
    assert (record.image_name, record.image_index) == ("image_1", 1)
    assert record.note == "cut; late"
    assert gallery.tags("cam", [call]) == ["cam/block/conv/image_0", "cam/block/conv/image_1"]
    record = gallery.record("saliency", 0, PICTURE, MOMENT)
    assert (record.tag, record.layer, record.channels) == ("saliency/image_0", None, None)
    assert record.note == "late"
    assert gallery.tags("saliency") == ["saliency/image_0", "saliency/image_1"]


def test_labels_have_the_probability_that_the_model_gives_them(run):
    labelled = Gallery(images(4, 4), run, labels=np.array([2, 0]), class_names=["a", "b", "c"])
    assert labelled.label(0) == schema.ClassScore(2, "c", None)
    chances = np.array([0.25, 0.5, np.nan], np.float32)
    assert labelled.label(1, chances) == schema.ClassScore(0, "a", 0.25)
    assert labelled.label(0, chances) == schema.ClassScore(2, "c", None)
    assert Gallery(images(4, 4), run).label(0) is None
    assert Gallery(images(4, 4), run).score(1, chances) == schema.ClassScore(1, "1", 0.5)
