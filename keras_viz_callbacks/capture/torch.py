"""The torch backend: eager passes; PyTorch differentiates by the tapped tensors themselves.

Nothing is traced here. What a model is made of is found with tensors that have no data.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from keras_viz_callbacks.capture import passes
from keras_viz_callbacks.capture.backend import (
    Array,
    AscentSignals,
    ChooseCalls,
    ChooseScores,
    ClassSignals,
    Feed,
    Inputs,
    to_class_signals,
    to_numpy,
)
from keras_viz_callbacks.capture.layers import LayerCall, Survey, layer_paths
from keras_viz_callbacks.capture.layout import TokensToGrid


def survey(model: keras.Model, inputs: Inputs, tokens_to_grid: TokensToGrid = None) -> Survey:
    """See `Backend.survey`: of one image, and without computing anything where that is possible.

    On the device ``meta`` tensors have shapes alone. Modules of PyTorch's own among the layers, and
    code that looks at values, can't be run there.
    """

    def look() -> Survey:
        with torch.no_grad(), _observing(model):
            return passes.survey(model, _tensors(_first(inputs)), tokens_to_grid).survey

    try:
        with keras.device("meta"):
            return look()
    except Exception:  # noqa: BLE001 - what is wrong with the model itself is raised below
        return look()


def compile_activations(
    model: keras.Model, choose: ChooseCalls, inputs: Inputs, tokens_to_grid: TokensToGrid = None
) -> Callable[[Inputs], dict[str, Array]]:
    """See `Backend.compile_activations`."""
    calls = choose(survey(model, inputs, tokens_to_grid))

    def run(inputs: Inputs) -> dict[str, Array]:
        with torch.no_grad(), _observing(model):
            return to_numpy(calls, passes.activations(model, calls, _tensors(inputs)))

    return run


def compile_class_signals(
    model: keras.Model, choose: ChooseScores, inputs: Inputs, tokens_to_grid: TokensToGrid = None
) -> Callable[[Inputs, NDArray[np.int32]], ClassSignals]:
    """See `Backend.compile_class_signals`."""
    calls, target = choose(survey(model, inputs, tokens_to_grid))
    scale = passes.gradient_scale(model)

    def watch(_: LayerCall, output: torch.Tensor) -> torch.Tensor:
        # A frozen model below leaves no graph to differentiate by.
        return output if output.requires_grad else output.requires_grad_(True)

    def run(inputs: Inputs, classes: NDArray[np.int32]) -> ClassSignals:
        with torch.enable_grad(), _observing(model):
            answers, score, probabilities = passes.class_score(
                model,
                calls,
                target,
                watch,
                _tensors(inputs),
                keras.ops.convert_to_tensor(classes),
            )
            found = torch.autograd.grad(
                scale * score.sum(), list(answers.values()), allow_unused=True
            )
        gradients = {
            path: torch.zeros_like(answer) if gradient is None else gradient
            for (path, answer), gradient in zip(answers.items(), found, strict=True)
        }
        return to_class_signals(
            calls,
            passes.float32(answers),
            passes.float32(gradients, scale),
            score,
            probabilities,
        )

    if target.function is not None:
        # What is wrong with it is said now, not at the first capture.
        run(_first(inputs), np.zeros(1, np.int32))
    return run


def compile_ascent(
    model: keras.Model, call: LayerCall, feed: Feed, shape: tuple[int, int, int]
) -> Callable[[Array, NDArray[np.int32], int, float], AscentSignals]:
    """See `Backend.compile_ascent`."""

    def respond(images: torch.Tensor, filters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with _observing(model):
            return passes.responses(model, call, feed, images, filters)

    def run(
        images: Array, filters: NDArray[np.int32], steps: int, learning_rate: float
    ) -> AscentSignals:
        indices = keras.ops.convert_to_tensor(filters)
        climb = passes.begin_climb(keras.ops.convert_to_tensor(images), learning_rate)
        for _ in range(steps):
            with torch.enable_grad():
                x = climb.images.detach().requires_grad_(True)
                response, height = respond(x, indices)
                (gradient,) = torch.autograd.grad(height.sum(), x)
            with torch.no_grad():
                seen = (response.detach(), height.detach())
                climb = passes.climbed(climb, seen, gradient)
        with torch.no_grad():
            seen = respond(climb.images, indices)
            end = passes.climbed(climb, seen, torch.zeros_like(climb.images))
        found = (end.best, end.start, end.response)
        return AscentSignals(*(keras.ops.convert_to_numpy(part) for part in found))

    run(np.zeros((1, *shape), np.float32), np.zeros(1, np.int32), 1, 0.0)
    return run


@contextlib.contextmanager
def _observing(model: keras.Model) -> Iterator[None]:
    """`passes.observing`, behind which PyTorch's own modules are in training as before.

    Keras puts them into evaluation for a pass, and leaves them there.
    """
    modules = [part for layer in (model, *layer_paths(model).values()) for part in layer.modules()]
    before = [module.training for module in modules]
    try:
        with passes.observing():
            yield
    finally:
        for module, training in zip(modules, before, strict=True):
            if module.training != training:
                vars(module)["training"] = training


def _first(inputs: Inputs) -> Inputs:
    """The first image alone."""
    return keras.tree.map_structure(lambda array: array[:1], inputs)


def _tensors(inputs: Inputs) -> Any:
    return keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)


def is_chief(model: keras.Model) -> bool:
    """See `Backend.is_chief`: rank 0 of the default process group, if there is one."""
    group = torch.distributed
    return not (group.is_available() and group.is_initialized() and group.get_rank())
