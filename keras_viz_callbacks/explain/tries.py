"""Runs variants of images or of a layer through a model, in batches, and gathers their scores."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture import passes
from keras_viz_callbacks.capture.backend import backend
from keras_viz_callbacks.capture.compiled import Array
from keras_viz_callbacks.capture.held_out import HeldOut
from keras_viz_callbacks.capture.inputs import image_part
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.plan import Plan
from keras_viz_callbacks.maps.variants import Tries

BATCH_SIZE = 32
"""Default of ``batch_size``: images that a pass over variants takes at once."""


class TryRunner:
    """Compiled passes for the scores of variants, all of one batch size.

    Args:
        model: The model.
        held: The images.
        plan: What is explained, and at which layers.
        tries: What is varied.
        batch_size: How many images a pass takes at most; at least all of the held-out ones.
    """

    def __init__(
        self, model: keras.Model, held: HeldOut, plan: Plan, tries: Tries, batch_size: int
    ) -> None:
        self._held = held
        self._tries = tries
        self._image = image_part(held.inputs, plan.survey)
        # A function of the user's may know which image is which.
        is_own = plan.score.function is not None
        self._at_once = 1 if is_own else max(1, batch_size // len(held))
        self._run: dict[str, Callable[..., Any]] = {}
        inputs = self._repeated_inputs()
        classes = np.zeros(self._at_once * len(held), np.int32)
        ready = passes.planned(model, plan)
        if tries.of == "image":
            run = backend().compile(model, passes.scores(ready), (inputs, classes))
            self._run = dict.fromkeys((call.path for call in plan.calls), run)
            return
        for call in plan.calls:
            weights = np.ones((len(classes), call.channels or 1), np.float32)
            make = passes.scores_of_weighted_channels(ready, call)
            self._run[call.path] = backend().compile(model, make, (inputs, classes, weights))

    def scores(self, call: LayerCall, activations: Array, classes: NDArray[np.int32]) -> Array:
        """Scores of all variants of the images at one layer, ``(batch, variants)``.

        Args:
            call: The layer.
            activations: Its output as maps, ``(batch, *places, channels)``.
            classes: Class whose score is taken, for each image.
        """
        run = self._run[call.path]
        places = self._image.of(self._held.inputs).shape[1:-1]
        variants = self._tries.variants(activations, places)
        inputs = self._repeated_inputs()
        repeated = np.tile(classes, self._at_once)
        found: list[Array] = []
        for group, count in groups(variants, self._at_once):
            if self._tries.of == "image":
                scores = run(self._masked(inputs, group), repeated)
            else:
                scores = run(inputs, repeated, group)
            found.extend(scores.reshape(self._at_once, len(self._held))[:count])
        return np.stack(found, axis=-1)

    def _repeated_inputs(self) -> Any:
        return keras.tree.map_structure(
            lambda part: np.concatenate([part] * self._at_once), self._held.inputs
        )

    def _masked(self, inputs: Any, masks: Array) -> Any:
        images = self._image.of(inputs)
        return self._image.put((images * masks[..., None]).astype(images.dtype), inputs)


def groups(variants: Iterable[Array], at_once: int) -> Iterator[tuple[Array, int]]:
    """Variants of one batch joined to larger batches, and how many there are in each.

    All have one size, since a compiled function may be traced anew for another: the last variant is
    repeated to fill the last batch.
    """
    iterator = iter(variants)
    while group := list(itertools.islice(iterator, at_once)):
        count = len(group)
        group += group[-1:] * (at_once - count)
        yield np.concatenate(group), count
