import contextlib
import io
import re

import keras
import numpy as np
import pytest
from detector import class_of_cell
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scenes import scenes
from yolo.grid import (
    CELLS,
    VALUES,
    Detections,
    cells_of,
    from_grid,
    to_grid,
    without_duplicates,
)
from yolo.loss import detection_loss
from yolo.metrics import mean_average_precision
from yolo.model import detector

from tests.helpers.event_logs import Log
from tests.helpers.recipes import said_by


@pytest.fixture(scope="module")
def many():
    return scenes(60, digits_per_scene=(1, 4))


def logits_of(grid):
    """Logits that give the grid's values with certainty."""
    inside = np.clip(grid, 1e-4, 1 - 1e-4)
    return np.log(inside / (1 - inside))


def found(*rows):
    """Detections from rows of scene, label, score, top, left, bottom, right."""
    table = np.array(rows, float).reshape(-1, 7)
    integers = table.astype(int)
    return Detections(integers[:, 0], integers[:, 1], table[:, 3:], table[:, 2], integers[:, 3:5])


def test_from_the_grid_come_the_boxes_that_went_into_it(many):
    there = to_grid(many.labels, many.boxes)
    back = from_grid(logits_of(there), least_score=0.5)
    assert len(back) == (many.labels >= 0).sum()
    for scene, label, box, cell in zip(back.scene, back.label, back.box, back.cell, strict=True):
        (nth,) = np.flatnonzero((np.abs(many.boxes[scene] - box) < 0.1).all(axis=1))
        assert many.labels[scene, nth] == label
        assert tuple(cells_of(many.boxes[scene, nth])) == tuple(cell)


def test_the_loss_is_equation_3_by_hand():
    true = np.zeros((1, CELLS, CELLS, VALUES), np.float32)
    true[0, 2, 3, :6] = 0.25, 0.75, 0.5, 0.5, 1, 1
    logits = np.zeros_like(true)
    # Sigmoids of 0.5: a middle off by 0.25 twice; objectness log 2 everywhere; ten classes.
    nothing_there = 0.5 * np.log(2) * (CELLS * CELLS - 1)
    expected = 5 * 2 * 0.25**2 + np.log(2) + np.log(10) + nothing_there

    def loss(logits):
        tensors = keras.ops.convert_to_tensor(true), keras.ops.convert_to_tensor(logits)
        return keras.ops.convert_to_numpy(detection_loss(*tensors))

    np.testing.assert_allclose(loss(logits), [expected], rtol=1e-5)
    assert loss(logits_of(true) * 10)[0] < 0.7


def test_of_boxes_that_overlap_in_one_scene_the_best_is_left():
    some = found(
        (0, 1, 0.6, 0, 0, 10, 10),
        (0, 1, 0.9, 1, 0, 11, 10),
        (0, 2, 0.5, 0, 20, 10, 30),
        (1, 1, 0.4, 0, 0, 10, 10),
    )
    np.testing.assert_array_equal(without_duplicates(some).score, [0.9, 0.5, 0.4])


def test_average_precision_by_hand():
    labels, boxes = np.array([[3, 3]]), np.array([[[0, 0, 10, 10], [20, 20, 30, 30]]])
    right, wrong = (0, 3, 0.9, 0, 0, 10, 10), (0, 3, 0.8, 50, 50, 60, 60)
    late, twice = (0, 3, 0.7, 20, 20, 30, 30), (0, 3, 0.95, 0, 1, 10, 11)
    assert mean_average_precision(found(right, late), labels, boxes) == pytest.approx(1)
    assert mean_average_precision(found(), labels, boxes) == 0
    # Recall 0 to 0.5 (51 of 101 points) at precision 1, the rest at 2/3.
    expected = (51 + 50 * 2 / 3) / 101
    assert mean_average_precision(found(right, wrong, late), labels, boxes) == pytest.approx(
        expected
    )
    # A second detection of one object is wrong, though it overlaps: the same numbers.
    assert mean_average_precision(found(twice, right, late), labels, boxes) == pytest.approx(
        expected
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_average_precision_is_that_of_the_coco_tools(many, seed):
    rng = np.random.default_rng(seed)
    scene, digit = np.nonzero(many.labels >= 0)
    scene, digit = np.tile(scene, 3), np.tile(digit, 3)
    label = np.where(rng.random(len(scene)) < 0.7, many.labels[scene, digit], rng.integers(0, 10))
    box = many.boxes[scene, digit] + rng.normal(0, 3, (len(scene), 4))
    some = Detections(scene, label, box, rng.random(len(scene)), cells_of(box))
    ours = mean_average_precision(some, many.labels, many.boxes)
    assert 0.2 < ours < 0.8
    assert ours == pytest.approx(_by_coco_tools(some, many), abs=1e-9)


def _by_coco_tools(some, many):
    def annotation(number, scene, label, box):
        top, left, bottom, right = (float(side) for side in box)
        width, height = right - left, bottom - top
        return {
            "id": number + 1,
            "image_id": int(scene),
            "category_id": int(label),
            "bbox": [left, top, width, height],
            "area": width * height,
            "iscrowd": 0,
        }

    scene, digit = np.nonzero(many.labels >= 0)
    true = zip(scene, many.labels[scene, digit], many.boxes[scene, digit], strict=True)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": number} for number in range(len(many))],
            "categories": [{"id": number} for number in range(10)],
            "annotations": [annotation(n, *row) for n, row in enumerate(true)],
        }
        coco.createIndex()
        rows = zip(some.scene, some.label, some.box, strict=True)
        results = coco.loadRes(
            [
                {**annotation(n, *row), "score": float(score)}
                for (n, row), score in zip(enumerate(rows), some.score, strict=True)
            ]
        )
        evaluation = COCOeval(coco, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[1]


def test_the_target_is_one_class_of_one_cell():
    outputs = np.random.default_rng(0).random((2, CELLS, CELLS, VALUES), np.float32)
    scores = class_of_cell(np.array([[1, 2], [5, 0]]), np.array([3, 9]))(outputs)
    np.testing.assert_allclose(scores, [outputs[0, 1, 2, 8], outputs[1, 5, 0, 14]])


def test_the_script_measures_and_draws(tmp_path):
    # A detector that has learned a little, so that it detects something.
    keras.utils.set_random_seed(0)
    weights = tmp_path / "few.weights.h5"
    picture = tmp_path / "detections.png"
    said = said_by(
        "detector.py", "--epochs", 1, "--scenes", 64, "--held-out", 12, "--log-dir", tmp_path,
        "--run", "tiny", "--save", weights, "--picture", picture, "--sure", 0,
    )  # fmt: skip
    assert "val_map50" in said
    assert re.search(r"at IoU 0\.5 on 12 scenes: 0\.\d{3}", said)
    for row in ("(at random)", "(the middle)", "conv4 grad_cam", "conv6 hires_cam"):
        assert f"\n{row} " in said
    assert np.ptp(np.asarray(Image.open(picture).convert("L"))) > 100
    log = Log(tmp_path / "tiny")
    maps = log.tags("grad_cam/conv6")
    assert len(maps) == 6
    assert all(tag.startswith("grad_cam/conv6/scene ") for tag in maps)
    assert detector(1).load_weights(weights) is None


@pytest.mark.slow
def test_it_learns(tmp_path):
    """The whole recipe: a few minutes on two cores, above 0.8."""
    picture = tmp_path / "detections.png"
    said = said_by("detector.py", "--log-dir", tmp_path, "--picture", picture, timeout=900)
    precision = float(re.search(r"at IoU 0\.5 on 500 scenes: ([\d.]+)", said)[1])
    assert precision > 0.8
    assert np.ptp(np.asarray(Image.open(picture).convert("L"))) > 100
