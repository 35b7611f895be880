"""Mean average precision, as the COCO challenge computes it for one overlap."""

from __future__ import annotations

import numpy as np
from boxes import intersection_over_union
from yolo.grid import Detections


def mean_average_precision(
    found: Detections, labels: np.ndarray, boxes: np.ndarray, least_overlap: float = 0.5
) -> float:
    """The mean over all classes that occur, in [0, 1].

    ``labels`` (scene, digit) and ``boxes`` (scene, digit, 4) are the true ones.
    """
    classes = np.unique(labels[labels >= 0])
    of_class = (average_precision(found, labels == c, boxes, c, least_overlap) for c in classes)
    return float(np.mean(list(of_class)))


def average_precision(
    found: Detections, is_true: np.ndarray, boxes: np.ndarray, label: int, least_overlap: float
) -> float:
    """The average precision of one class, over 101 recalls from 0 to 1.

    In the order of their scores, each detection is matched with the true box of its scene that it
    overlaps most, if the overlap is large enough and the box is not matched yet. The precision at a
    recall is the best one at this recall or a higher one.
    """
    mine = found[found.label == label]
    mine = mine[np.argsort(-mine.score, kind="stable")]
    free = is_true.copy()
    right = np.zeros(len(mine))
    for place, (scene, box) in enumerate(zip(mine.scene, mine.box, strict=True)):
        overlaps = np.where(free[scene], intersection_over_union(box, boxes[scene]), 0)
        taken = overlaps.argmax()
        if overlaps[taken] >= least_overlap:
            free[scene, taken], right[place] = False, 1
    recall = right.cumsum() / is_true.sum()
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    best_beyond = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0)
    return float(best_beyond[np.searchsorted(recall, np.linspace(0, 1, 101))].mean())
