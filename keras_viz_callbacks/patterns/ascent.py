"""Gradient ascent: from the start of a parametrisation to images that raise an objective.

Erhan et al. 2009, "Visualizing higher-layer features of a deep network". The whole ascent, with
its loop, is one compiled function. A pass ends at the last layer that the objective needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_viz_callbacks.capture.backend import Tensor, Watch, backend
from keras_viz_callbacks.capture.inputs import guess_value_range, image_input
from keras_viz_callbacks.capture.survey import Survey
from keras_viz_callbacks.patterns.forward import fitting_shape, outputs_of
from keras_viz_callbacks.patterns.objectives import LayerOutput, Objective, Score, resolve_objective
from keras_viz_callbacks.patterns.parametrisations import PARAMETRISATIONS
from keras_viz_callbacks.patterns.settings import AscentSettings

Array = NDArray[np.float32]

PARAMETERS = "parameters"
"""Name of the tensor that the ascent is differentiated by."""


@dataclass(frozen=True)
class AscentResult:
    """The end of a gradient ascent, in NumPy.

    Attributes:
        parameters: The parameters of the highest score, ``(item, …)``; another ascent may start
            with them.
        images: Their images in the range of the model's input, with the margin,
            ``(item, height, width, channels)``.
        start: Response to the first images, ``(item,)``.
        response: Response to `images`, ``(item,)``.
        improved: False where no step has raised the score, ``(item,)``: the image is still the
            first one, which has no gradient.
    """

    parameters: Array
    images: Array
    start: Array
    response: Array
    improved: NDArray[np.bool_]


class Ascent:
    """A compiled gradient ascent to an objective.

    Attributes:
        objective: The objective for this model.
        settings: Size, range, steps.
        value_range: Lowest and highest value of the model's input.
        margin: Pixels on each side of the picture that are cut off.
        shape: Shape of the images, margin included, ``(height, width, channels)``.
        parametrisation: What the ascent changes.

    Args:
        model: The model.
        survey: A survey of it.
        objective: What is raised.
        settings: Size, range, steps.

    Raises:
        ValueError: A layer is unknown or has no such item, or the model can't be run up to the
            layers on images of that size.
    """

    def __init__(
        self, model: keras.Model, survey: Survey, objective: Objective, settings: AscentSettings
    ) -> None:
        self.objective = resolve_objective(objective, survey)
        self.settings = settings
        self.value_range = guess_value_range(survey)
        if settings.value_range is not None:
            self.value_range = settings.value_range
        self._model = model
        self._input = image_input(model)
        calls = self.objective.all_calls
        self.shape, self.margin = fitting_shape(model, self._input, calls, settings)
        self.parametrisation = PARAMETRISATIONS.find(settings.parametrisation)(self.shape)
        rngs = (
            np.random.default_rng((settings.seed, place))
            for place in range(len(settings.transforms))
        )
        self._choices = tuple(
            transform.draw(rng, settings.steps, self.shape)
            for transform, rng in zip(settings.transforms, rngs, strict=True)
        )
        self._step_sizes = np.full(settings.steps, settings.learning_rate, np.float32)
        self._differentiated = backend().gradients(self._scored)
        self._compiled = backend().compile(model, self._ascend, self._arguments(self.start()))

    def start(self) -> Array:
        """The parameters that an ascent starts with unless it is given others."""
        return self.parametrisation.start(self.settings.seed, self.objective.items)

    def run(self, parameters: Array | None = None) -> AscentResult:
        """Runs the ascent for all items as one batch.

        Args:
            parameters: Parameters to start with, ``(item, …)``; None for `start`.
        """
        start = self.start() if parameters is None else parameters
        return AscentResult(*self._compiled(*self._arguments(start)))

    def without_margin(self, images: Array) -> Array:
        """The pictures in the images, ``(item, height, width, channels)``."""
        height, width = (side - self.margin for side in images.shape[1:3])
        return images[:, self.margin : height, self.margin : width]

    def _arguments(self, parameters: Array) -> Sequence[Any]:
        return parameters, self.objective.term_items, self._step_sizes, self._choices

    def _ascend(
        self,
        parameters: Tensor,
        term_items: Sequence[Tensor],
        step_sizes: Tensor,
        choices: Sequence[Tensor],
    ) -> tuple[Tensor, ...]:
        """The compiled function; see `AscentResult` for what it returns."""

        def step(iteration: Tensor, state: AscentState) -> AscentState:
            chosen = [ops.take(choice, iteration, axis=0) for choice in choices]
            gradients, _, score = self._differentiated(state.parameters, term_items, chosen)
            size = ops.take(step_sizes, iteration, axis=0)
            return next_state(state, Score(*score), gradients[PARAMETERS], size)

        state = first_state(parameters, ops.take(step_sizes, 0, axis=0))
        state = ops.fori_loop(0, ops.shape(step_sizes)[0], step, state)
        images = self.parametrisation.image(state.parameters)
        score = self.objective.score(images, self._outputs(images), term_items)
        end = next_state(state, score, ops.zeros_like(parameters), 0.0)
        images = self._in_range(self.parametrisation.image(end.best_parameters))
        return end.best_parameters, images, end.start_response, end.best_response, end.improved

    def _scored(
        self,
        watch: Watch,
        parameters: Tensor,
        term_items: Sequence[Tensor],
        chosen: Sequence[Tensor],
    ) -> tuple[Tensor, Sequence[str], tuple[Tensor, ...]]:
        """The function that is differentiated, see `Backend.gradients`."""
        images = self.parametrisation.image(watch(PARAMETERS, parameters))
        for transform, choice in zip(self.settings.transforms, chosen, strict=True):
            images = transform.apply(images, choice)
        score = self.objective.score(images, self._outputs(images), term_items)
        # Only the direction of the gradient counts.
        scaled = score.gradient_scale * score.raised
        return scaled, [PARAMETERS], (score.response, score.raised)

    def _outputs(self, images: Tensor) -> dict[str, LayerOutput]:
        calls = self.objective.all_calls
        return outputs_of(self._model, self._input, calls, self._in_range(images))

    def _in_range(self, images: Tensor) -> Tensor:
        """Images from 0 to 1 in the range of the model's input."""
        low, high = self.value_range
        return low + (high - low) * images


class AscentState(NamedTuple):
    """A gradient ascent between two steps, each item by itself.

    Attributes:
        parameters: The parameters that are scored next, ``(item, …)``.
        best_parameters: Those of the highest score so far.
        best_score: That score, ``(item,)``.
        best_response: The response to them, ``(item,)``.
        start_response: The response to the first parameters, ``(item,)``.
        direction: Direction of the last step, with a root mean square of 1, ``(item, …)``.
        step_size: Length of the last step, ``(item,)``.
        improved: True once a step has raised the score, ``(item,)``.
    """

    parameters: Tensor
    best_parameters: Tensor
    best_score: Tensor
    best_response: Tensor
    start_response: Tensor
    direction: Tensor
    step_size: Tensor
    improved: Tensor


def first_state(parameters: Tensor, step_size: Tensor) -> AscentState:
    """An ascent in which nothing has been scored yet."""
    zeros = ops.zeros((ops.shape(parameters)[0],), "float32")
    return AscentState(
        parameters=parameters,
        best_parameters=parameters,
        best_score=zeros - np.inf,
        best_response=zeros,
        start_response=zeros,
        direction=ops.zeros_like(parameters),
        step_size=zeros + step_size,
        improved=zeros > 0,
    )


def next_state(
    state: AscentState, score: Score, gradient: Tensor, max_step_size: Tensor
) -> AscentState:
    """One step: along the gradient, divided by its root mean square.

    If the first step lowers the score it was too long: it is tried again with half its length until
    one raises the score, and the length of the next ones doubles up to the longest. Later steps may
    lower the score, since the values after that are often higher; the best is kept.

    Args:
        state: The ascent before the step.
        score: The score of its parameters.
        gradient: The gradient of that score with respect to the parameters.
        max_step_size: Length that the step may have.
    """

    def column(values: Tensor) -> Tensor:
        return ops.reshape(values, [-1] + [1] * (len(gradient.shape) - 1))

    axes = tuple(range(1, len(gradient.shape)))
    size = ops.sqrt(ops.mean(ops.square(gradient), axis=axes, keepdims=True))
    unit = gradient / ops.where(ops.equal(size, 0), 1.0, size)
    is_first = ops.equal(state.best_score, -np.inf)
    is_higher = ops.greater(score.raised, state.best_score)
    improved = state.improved | (is_higher & ~is_first)
    retry = ~is_higher & ~improved
    best_parameters = ops.where(column(is_higher), state.parameters, state.best_parameters)
    direction = ops.where(column(retry), state.direction, unit)
    step_size = ops.where(
        retry, state.step_size / 2, ops.minimum(state.step_size * 2, max_step_size)
    )
    origin = ops.where(column(retry), best_parameters, state.parameters)
    return AscentState(
        parameters=origin + column(step_size) * direction,
        best_parameters=best_parameters,
        best_score=ops.where(is_higher, score.raised, state.best_score),
        best_response=ops.where(is_higher, score.response, state.best_response),
        start_response=ops.where(is_first, score.response, state.start_response),
        direction=direction,
        step_size=step_size,
        improved=improved,
    )
