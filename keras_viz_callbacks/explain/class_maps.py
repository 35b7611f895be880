"""Which part of an image raises the score of its class?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture import passes
from keras_viz_callbacks.capture.compiled import Array, as_maps, compiled
from keras_viz_callbacks.capture.held_out import HeldOut
from keras_viz_callbacks.capture.layout import TokensToGrid
from keras_viz_callbacks.capture.plan import Plan, plan_class_maps
from keras_viz_callbacks.capture.selectors import Selector
from keras_viz_callbacks.capture.target import Target
from keras_viz_callbacks.explain.tries import BATCH_SIZE, TryRunner
from keras_viz_callbacks.maps.class_activation import METHODS, class_activation_map
from keras_viz_callbacks.maps.variants import TriedScores


@dataclass(frozen=True)
class CapturedClassMaps:
    """What was captured for the class maps of one batch of images.

    Attributes:
        classes: The explained class of each image, ``(batch,)``; -1 where it is a function.
        probabilities: ``(batch, classes)``, or None where the model's output is no class.
        shapes: ``(*places, channels)`` of each layer's output, by layer path.
        finish: Makes the maps of a layer by its path, ``(batch, *places)``, at the layer's
            resolution, zero or above, not normalised. In NumPy, so that any thread may do it.
    """

    classes: NDArray[np.int32]
    probabilities: Array | None
    shapes: Mapping[str, tuple[int, ...]]
    finish: Callable[[str], Array]


class ClassMaps:
    """Class activation maps at the chosen layers, by any method of `METHODS`.

    Attributes:
        plan: The chosen layers and the score.

    Args:
        model: The model.
        held: The images.
        layers: See `Selector`; None means the last convolution.
        target: The score to explain.
        method: Name of the method.
        tokens_to_grid: How a layer's tokens are laid out.
        batch_size: How many images a pass takes at most, for methods that try variants.

    Raises:
        ValueError: The images do not fit, or the layers or the score cannot be chosen.
    """

    def __init__(
        self,
        model: keras.Model,
        held: HeldOut,
        *,
        layers: Selector = None,
        target: Target = None,
        method: str = "grad_cam",
        tokens_to_grid: TokensToGrid = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        self._held = held
        self._method = METHODS.find(method)
        tries = self._method.tries
        self._pass = compiled(
            passes.class_signals if tries is None else passes.activations_and_scores,
            model,
            held,
            plan_class_maps(layers, target, len(held)),
            np.zeros(len(held), np.int32),
            tokens_to_grid=tokens_to_grid,
        )
        self.plan: Plan = self._pass.plan
        self._tries = (
            None if tries is None else TryRunner(model, held, self.plan, tries, batch_size)
        )

    def capture(self) -> CapturedClassMaps:
        """Runs every pass that the method needs."""
        found = self._pass.run(self._held.inputs, self.plan.score.classes)
        activations = as_maps(self.plan.calls, found["activations"])
        evidence: Mapping[str, Array | TriedScores]
        if self._tries is None:
            evidence = as_maps(self.plan.calls, found["gradients"])
        else:
            evidence = {
                call.path: TriedScores(
                    found["score"],
                    self._tries.scores(call, activations[call.path], found["classes"]),
                )
                for call in self.plan.calls
            }

        def finish(path: str) -> Array:
            return class_activation_map(activations[path], evidence[path], self._method.name)

        return CapturedClassMaps(
            classes=found["classes"],
            probabilities=found["probabilities"],
            shapes={path: maps.shape[1:] for path, maps in activations.items()},
            finish=finish,
        )
