import re

import numpy as np
import pytest
from PIL import Image
from scenes import scenes
from segmenter import CLASSES, class_in_region, single_regions

from tests.helpers.event_logs import Log
from tests.helpers.recipes import said_by


def test_each_region_is_the_ink_of_one_digit():
    many = scenes(30, digits_per_scene=(1, 3))
    scene, labels, ink = single_regions(many, 1000)
    assert len(scene) == (many.labels >= 0).sum()
    for s in range(30):
        regions = ink[scene == s]
        assert (regions.sum(axis=0) == (many.masks[s] > 0)).all()
        for label, region in zip(labels[scene == s], regions, strict=True):
            assert (many.masks[s][region] == 1 + label).all()


def test_the_target_is_the_sum_of_one_class_over_one_region():
    outputs = np.random.default_rng(0).random((2, 96, 96, CLASSES), np.float32)
    regions = np.zeros((2, 96, 96), bool)
    regions[0, 3, 4:6] = regions[1, 90, 7] = True
    scores = class_in_region(np.array([2, 9]), regions)(outputs)
    expected = [outputs[0, 3, 4:6, 3].sum(), outputs[1, 90, 7, 10]]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_the_script_measures_and_draws(tmp_path):
    picture = tmp_path / "regions.png"
    said = said_by(
        "segmenter.py", "--epochs", 1, "--scenes", 32, "--held-out", 8, "--log-dir", tmp_path,
        "--run", "tiny", "--picture", picture,
    )  # fmt: skip
    assert re.search(r"Mean IoU of the 11 classes on 8 held-out scenes: 0\.\d{3}", said)
    for row in ("(at random)", "(the middle)", "bottom grad_cam", "up3 hires_cam"):
        assert f"\n{row} " in said
    assert np.ptp(np.asarray(Image.open(picture).convert("L"))) > 100
    log = Log(tmp_path / "tiny")
    assert len(log.tags("grad_cam/up3/")) == len(log.tags("grad_cam/bottom/")) == 6


@pytest.mark.slow
def test_it_learns(tmp_path):
    """The whole recipe, in a few minutes on two cores."""
    picture = tmp_path / "regions.png"
    said = said_by("segmenter.py", "--log-dir", tmp_path, "--picture", picture, timeout=1500)
    overlap = float(re.search(r"Mean IoU of the 11 classes .*: ([\d.]+)", said)[1])
    assert overlap > 0.6
