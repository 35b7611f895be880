"""Which pixels raise the score of an image's class?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture import passes
from keras_viz_callbacks.capture.compiled import Array, compiled
from keras_viz_callbacks.capture.held_out import HeldOut
from keras_viz_callbacks.capture.inputs import image_part, image_place
from keras_viz_callbacks.capture.plan import Plan, plan_score
from keras_viz_callbacks.capture.target import Target
from keras_viz_callbacks.maps.pixel_attribution import ATTRIBUTIONS, Gradients


@dataclass(frozen=True)
class CapturedAttributions:
    """What was captured for the attributions of one batch of images.

    Attributes:
        classes: The explained class of each image, ``(batch,)``; -1 where it is a function.
        probabilities: ``(batch, classes)``, or None where the model's output is no class.
        finish: Makes the signed attributions, ``(batch, *places, channels)``. In NumPy, so that
            any thread may do it.
    """

    classes: NDArray[np.int32]
    probabilities: Array | None
    finish: Callable[[], Array]


class Attributions:
    """Attributions to the pixels of the model's input, by any method of `ATTRIBUTIONS`.

    Attributes:
        plan: The score.

    Args:
        model: The model.
        held: The images.
        target: The score to explain.
        method: Name of the method.
        seed: Seed of what the method draws at random.

    Raises:
        ValueError: The images do not fit, or the score cannot be chosen.
    """

    def __init__(
        self,
        model: keras.Model,
        held: HeldOut,
        *,
        target: Target = None,
        method: str = "gradient",
        seed: int = 0,
    ) -> None:
        self._method = ATTRIBUTIONS.find(method)
        self._seed = seed
        parts = keras.tree.flatten(held.inputs)
        place = image_place([part.shape for part in parts])
        assert place is not None  # `held_out` refuses inputs without an image
        # A gradient is with respect to real numbers.
        parts[place] = parts[place].astype(np.float32)
        self._inputs = keras.tree.pack_sequence_as(held.inputs, parts)
        self._pass = compiled(
            lambda model: passes.input_gradient(model, place),
            model,
            HeldOut(held.names, held.images, self._inputs, held.labels),
            plan_score(target, len(held)),
            np.zeros(len(held), np.int32),
        )
        self.plan: Plan = self._pass.plan
        self._image = image_part(self._inputs, self.plan.survey)

    def capture(self) -> CapturedAttributions:
        """Takes the gradient at every point that the method names."""
        image = self._image.of(self._inputs)
        baseline = np.zeros_like(image)
        classes = self.plan.score.classes
        first: dict[str, Any] | None = None
        total: Array = np.zeros_like(image)
        total_of_squares: Array = np.zeros_like(image)
        count = 0
        for point in self._method.points(image, baseline, self._seed):
            found = self._pass.run(self._image.put(point, self._inputs), classes)
            if first is None:
                first = found
                if self.plan.score.function is None:
                    classes = found["classes"]  # one class for all points
            gradient = self._image.channels_last(found["gradient"])
            total = total + gradient
            total_of_squares = total_of_squares + gradient**2
            count += 1
        assert first is not None  # a method names at least one point
        mean, mean_square = (np.asarray(t / count, np.float32) for t in (total, total_of_squares))
        gradients = Gradients(mean, mean_square)
        return CapturedAttributions(
            classes=first["classes"],
            probabilities=first["probabilities"],
            finish=lambda: self._method.formula(image, baseline, gradients),
        )
