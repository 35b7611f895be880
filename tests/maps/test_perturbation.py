"""Perturbation methods on arrays small enough to work the papers out by hand."""

import numpy as np

from keras_viz_callbacks.maps.class_activation import class_activation_map
from keras_viz_callbacks.maps.variants import TriedScores

# One image, a 1 × 2 map, 2 channels.
ACTIVATIONS = np.array([[[[1, 2], [3, 4]]]], np.float32)


def test_score_cam_by_hand():
    # Softmax of ln 1 and ln 3: weights 1 / 4 and 3 / 4, whatever the original score.
    # Map: 1 / 4 + 6 / 4 = 7 / 4 and 3 / 4 + 12 / 4 = 15 / 4.
    scores = TriedScores(np.array([9], np.float32), np.log([[1, 3]], dtype=np.float32))
    found = class_activation_map(ACTIVATIONS, scores, "score_cam")
    np.testing.assert_allclose(found, [[[7 / 4, 15 / 4]]], rtol=1e-6)


def test_score_cam_of_large_scores_is_finite():
    scores = TriedScores(np.zeros(1, np.float32), np.array([[1e4, 1e4]], np.float32))
    found = class_activation_map(ACTIVATIONS, scores, "score_cam")
    np.testing.assert_allclose(found, [[[1.5, 3.5]]], rtol=1e-6)


def test_ablation_cam_by_hand():
    # Weights: (4 - 1) / 4 = 3 / 4 and (4 - 5) / 4 = -1 / 4.
    # Map: 3 / 4 - 2 / 4 = 1 / 4 and 9 / 4 - 4 / 4 = 5 / 4.
    scores = TriedScores(np.array([4], np.float32), np.array([[1, 5]], np.float32))
    found = class_activation_map(ACTIVATIONS, scores, "ablation_cam")
    np.testing.assert_allclose(found, [[[1 / 4, 5 / 4]]], rtol=1e-6)


def test_ablation_cam_of_a_negative_score_keeps_its_sign():
    # The score falls from -4 to -7 without the first channel: weights 3 / 4 and 0.
    scores = TriedScores(np.array([-4], np.float32), np.array([[-7, -4]], np.float32))
    found = class_activation_map(ACTIVATIONS, scores, "ablation_cam")
    np.testing.assert_allclose(found, [[[3 / 4, 9 / 4]]], rtol=1e-6)


def test_ablation_cam_of_no_score_is_the_fall_itself():
    scores = TriedScores(np.array([0], np.float32), np.array([[-1, 0]], np.float32))
    found = class_activation_map(ACTIVATIONS, scores, "ablation_cam")
    np.testing.assert_allclose(found, [[[1, 3]]], rtol=1e-6)
