"""Pictures of evidence: maps over the images that they explain, from hand-made maps."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_viz_callbacks.callbacks.evidence import Explained, draw_evidence, report_explained
from keras_viz_callbacks.callbacks.gallery import Gallery
from keras_viz_callbacks.callbacks.records import Moment
from keras_viz_callbacks.summary.run import open_run
from tensorboard_plugin import schema
from tests.helpers.event_logs import decode

MOMENT = Moment(step=3, epoch=3, batch=9, metrics={"loss": 0.5})
CHANCES = np.array([[0.1, 0.7, 0.2], [0.5, 0.25, 0.25]], np.float32)
MAP = np.array([[0.0, 1.0], [2.0, 4.0]], np.float32)


def plan(*, function=None, is_before_activation=True):
    score = SimpleNamespace(function=function, is_before_activation=is_before_activation)
    return SimpleNamespace(score=score)


@pytest.fixture
def gallery(tmp_path):
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    run = open_run(str(tmp_path))
    return Gallery(images, run, labels=np.array([2, 0]), class_names=["a", "b", "c"])


def explained(probabilities=CHANCES, **arguments):
    return Explained(plan(**arguments), np.array([1, 2], np.int32), probabilities)


def drawing(gallery, heat_map=MAP, **arguments):
    names = {"name": "cam", "title": "My-CAM", "colormap": "turbo"}
    return draw_evidence(heat_map, explained(), gallery, 0, MOMENT, **names, **arguments)


def test_classes_have_the_probabilities_of_the_model(gallery):
    assert explained().scores(gallery, 0) == {
        "label": schema.ClassScore(2, "c", pytest.approx(0.2)),
        "prediction": schema.ClassScore(1, "b", pytest.approx(0.7)),
        "target": schema.ClassScore(1, "b", pytest.approx(0.7)),
    }
    assert explained().scores(gallery, 1)["target"] == schema.ClassScore(2, "c", 0.25)


def test_a_function_is_no_class(gallery):
    scores = explained(function=np.sum).scores(gallery, 0)
    assert scores["target"] is None
    assert scores["prediction"].index == 1


def test_without_probabilities_only_the_label_is_known(gallery):
    scores = explained(probabilities=None).scores(gallery, 1)
    assert scores == {"label": schema.ClassScore(0, "a"), "prediction": None, "target": None}


def test_the_record_says_what_was_drawn(gallery):
    found = drawing(gallery)
    record = found.record
    assert (record.name, record.kind, record.title) == ("cam", "evidence", "My-CAM")
    assert (record.tag, record.layer, record.colormap) == ("cam/image_0", None, "turbo")
    assert (record.value_range, record.blank, record.map_shape) == ((0.0, 4.0), False, (2, 2))
    assert (record.label.name, record.target.name) == ("c", "b")
    assert (record.epoch, record.batch, record.metrics) == (3, 9, {"loss": 0.5})
    assert decode(found.data).size == (record.width, record.height)
    raw = np.asarray(decode(found.heat_map), np.float64) / 65535 * 4
    np.testing.assert_allclose(raw, MAP, atol=1e-4)


def test_a_map_of_a_layer_names_it(gallery):
    call = SimpleNamespace(path="block/conv", layer=gallery, index=2)
    record = drawing(gallery, call=call, shape=(2, 2, 5)).record
    assert record.tag == "cam/block/conv/image_0"
    assert (record.layer.path, record.layer.shape, record.channels) == ("block/conv", (2, 2, 5), 5)


def test_a_map_may_be_signed_or_blank(gallery):
    signed = drawing(gallery, MAP - 3).record
    assert signed.is_signed
    assert signed.value_range[0] <= -3
    assert not signed.blank
    assert drawing(gallery, MAP * 0).record.blank


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_map_that_is_not_finite_is_refused(value, gallery):
    broken = MAP.copy()
    broken[1, 1] = value
    with pytest.raises(FloatingPointError) as raised:
        drawing(gallery, broken)
    assert str(raised.value) == "the class map of 'image_0' is NaN or infinite"
    call = SimpleNamespace(path="conv", layer=gallery, index=2)
    with pytest.raises(FloatingPointError, match="of 'image_0' at 'conv' is NaN"):
        drawing(gallery, broken, call=call, shape=(2, 2, 5))


def test_a_score_that_is_no_logit_is_logged(caplog, monkeypatch):
    from keras_viz_callbacks.callbacks import evidence

    monkeypatch.setattr(evidence, "report_choice", lambda plan: None)
    report_explained(plan(), "cam")
    assert caplog.text == ""
    report_explained(plan(is_before_activation=False), "cam")
    assert "No logit was found before the model's output; class maps of 'cam'" in caplog.text
