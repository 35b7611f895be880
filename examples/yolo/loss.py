"""The loss of the detector: equation 3 of Redmon et al. 2016, with two changes."""

from __future__ import annotations

import keras
from keras import ops
from yolo.grid import BOX, CLASSES, OBJECT

COORDINATES = 5.0  # the paper's λ_coord
NO_OBJECT = 0.5  # the paper's λ_noobj


@keras.saving.register_keras_serializable("yolo")
def detection_loss(true, logits):
    """Sum over the cells of each scene, (batch,).

    Its terms are the paper's: the middle of the box, and the square roots of its height and width,
    squared errors times λ_coord, where the cell holds an object; the objectness, times λ_noobj
    where it holds none; the classes, where it holds one. Unlike in the paper, objectness and
    classes have the cross-entropy of their logits instead of squared errors, as in YOLOv3 (Redmon
    and Farhadi 2018, sections 2.1 and 2.2), but with a softmax, since a digit has one class. And
    the objectness learns 1 instead of the overlap.
    """
    holds = true[..., OBJECT]
    misplaced = ops.sum(ops.square(true[..., BOX] - ops.sigmoid(logits[..., BOX])), axis=-1)
    unsure = _binary_crossentropy(holds, logits[..., OBJECT])
    confused = -ops.sum(true[..., CLASSES] * ops.log_softmax(logits[..., CLASSES]), axis=-1)
    cells = holds * (COORDINATES * misplaced + unsure + confused)
    cells += (1 - holds) * NO_OBJECT * unsure
    return ops.sum(cells, axis=(1, 2))


def _binary_crossentropy(true, logit):
    return ops.relu(logit) - logit * true + ops.log1p(ops.exp(-ops.abs(logit)))
