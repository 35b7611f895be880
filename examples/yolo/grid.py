"""From boxes in pixels to the grid of cells that the network outputs, and back.

Each cell has 5 + class values: the place of the box's middle in the cell, y and x in [0, 1]; the
square roots of the box's height and width as shares of the image; objectness; one for each class.
The network outputs logits: a sigmoid gives the first five values, a softmax the classes.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from boxes import intersection_over_union
from scenes import CLASS_NAMES, SIZE

CELLS = 6  # on each side of the grid
CELL = SIZE // CELLS
VALUES = 5 + len(CLASS_NAMES)
BOX, OBJECT, CLASSES = slice(0, 4), 4, slice(5, None)


@dataclass(frozen=True)
class Detections:
    """The detections in a batch of scenes; the first axis of every array is the detection."""

    scene: np.ndarray
    """int (detection,)."""
    label: np.ndarray
    """int (detection,)."""
    box: np.ndarray
    """float (detection, 4): top, left, bottom, right in pixels."""
    score: np.ndarray
    """float (detection,): probability that there is an object, times that of its class."""
    cell: np.ndarray
    """int (detection, 2): row and column of the cell that is responsible."""

    def __len__(self) -> int:
        return len(self.score)

    def __getitem__(self, chosen: np.ndarray) -> Detections:
        """The detections at these indices, or where a mask is true."""
        return Detections(*(array[chosen] for array in astuple(self)))


def cells_of(boxes: np.ndarray) -> np.ndarray:
    """Row and column of the cell responsible for each box (…, 4): int (…, 2)."""
    return ((boxes[..., :2] + boxes[..., 2:]) / 2 // CELL).astype(int)


def to_grid(labels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The values that the network should learn: float32 (scene, row, column, 5 + class).

    ``labels`` (scene, digit) and ``boxes`` (scene, digit, 4) are those of `scenes`.
    """
    grid = np.zeros((len(labels), CELLS, CELLS, VALUES), np.float32)
    scene, digit = np.nonzero(labels >= 0)
    label, box = labels[scene, digit], boxes[scene, digit]
    row, column = cells_of(box).T
    middle = (box[:, :2] + box[:, 2:]) / 2 / CELL
    grid[scene, row, column, :2] = middle % 1
    grid[scene, row, column, 2:4] = np.sqrt((box[:, 2:] - box[:, :2]) / SIZE)
    grid[scene, row, column, OBJECT] = 1
    grid[scene, row, column, 5 + label] = 1
    return grid


def from_grid(logits: np.ndarray, least_score: float = 0.05) -> Detections:
    """The network's outputs, (scene, row, column, 5 + class), as boxes, at most one for each cell.

    The score is equation 1 of the paper.
    """
    values = 1 / (1 + np.exp(-logits[..., :5]))
    classes = np.exp(logits[..., CLASSES] - logits[..., CLASSES].max(-1, keepdims=True))
    scores = values[..., OBJECT, None] * classes / classes.sum(-1, keepdims=True)
    scene, row, column = np.nonzero(scores.max(-1) >= least_score)
    values, scores = values[scene, row, column], scores[scene, row, column]
    cell = np.stack([row, column], axis=-1)
    middle = (cell + values[:, :2]) * CELL
    half = np.square(values[:, 2:4]) * SIZE / 2
    box = np.clip(np.hstack([middle - half, middle + half]), 0, SIZE)
    return Detections(scene, scores.argmax(-1), box, scores.max(-1), cell)


def without_duplicates(found: Detections, most_overlap: float = 0.5) -> Detections:
    """Non-maximum suppression: best score first, without boxes that overlap a better one.

    An overlap counts inside one scene, also between two classes, since a digit has one class.
    """
    kept: dict[int, list[int]] = {}  # by scene
    for place in np.argsort(-found.score, kind="stable"):
        better = kept.setdefault(int(found.scene[place]), [])
        overlaps = intersection_over_union(found.box[better], found.box[place])
        if not (overlaps > most_overlap).any():
            better.append(int(place))
    places = np.array([place for better in kept.values() for place in better], int)
    return found[places[np.argsort(-found.score[places], kind="stable")]]
