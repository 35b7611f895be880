"""The torch backend: eager passes; PyTorch differentiates by the tapped tensors themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import torch
from numpy.typing import NDArray

from keras_viz_callbacks.capture import passes
from keras_viz_callbacks.capture.backend import (
    Array,
    AscentSignals,
    ClassSignals,
    Inputs,
    to_class_signals,
    to_numpy,
)
from keras_viz_callbacks.capture.layers import LayerCall, Survey


def survey(model: keras.Model, inputs: Inputs) -> Survey:
    """See `Backend.survey`: nothing is traced here, so one image passes the model."""
    one = keras.tree.map_structure(lambda array: array[:1], inputs)
    with torch.no_grad(), passes.observing():
        return passes.survey(model, _tensors(one))


def compile_activations(
    model: keras.Model, calls: Sequence[LayerCall], inputs: Inputs
) -> Callable[[Inputs], dict[str, Array]]:
    """See `Backend.compile_activations`."""

    def run(inputs: Inputs) -> dict[str, Array]:
        with torch.no_grad(), passes.observing():
            return to_numpy(calls, passes.activations(model, calls, _tensors(inputs)))

    return run


def compile_class_signals(
    model: keras.Model,
    calls: Sequence[LayerCall],
    outputs: Sequence[LayerCall],
    target: Callable[[Any], Any] | None,
    inputs: Inputs,
) -> Callable[[Inputs, NDArray[np.int32]], ClassSignals]:
    """See `Backend.compile_class_signals`."""

    def watch(_: LayerCall, output: torch.Tensor) -> torch.Tensor:
        # A frozen model below leaves no graph to differentiate by.
        return output if output.requires_grad else output.requires_grad_(True)

    def run(inputs: Inputs, classes: NDArray[np.int32]) -> ClassSignals:
        with torch.enable_grad(), passes.observing():
            answers, score, probabilities, logit_found = passes.class_score(
                model,
                calls,
                outputs,
                target,
                watch,
                _tensors(inputs),
                keras.ops.convert_to_tensor(classes),
            )
            found = torch.autograd.grad(score.sum(), list(answers.values()), allow_unused=True)
        gradients = {
            path: torch.zeros_like(answer) if gradient is None else gradient
            for (path, answer), gradient in zip(answers.items(), found, strict=True)
        }
        return to_class_signals(
            calls,
            passes.float32(answers),
            passes.float32(gradients),
            score,
            probabilities,
            logit_found,
        )

    # What is wrong is said now, not at the first capture.
    run(
        keras.tree.map_structure(lambda array: array[:1], inputs),
        np.zeros(1, np.int32),
    )
    return run


def compile_ascent(
    model: keras.Model, call: LayerCall, shape: tuple[int, int, int]
) -> Callable[[Array, NDArray[np.int32], int, float], AscentSignals]:
    """See `Backend.compile_ascent`."""

    def respond(images: torch.Tensor, filters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with passes.observing():
            return passes.responses(model, call, images, filters)

    def run(
        images: Array, filters: NDArray[np.int32], steps: int, learning_rate: float
    ) -> AscentSignals:
        x = keras.ops.convert_to_tensor(images)
        indices = keras.ops.convert_to_tensor(filters)
        with torch.no_grad():
            start, _ = respond(x, indices)
        for _ in range(steps):
            with torch.enable_grad():
                x = x.detach().requires_grad_(True)
                _, rising = respond(x, indices)
                (gradient,) = torch.autograd.grad(rising.sum(), x)
            with torch.no_grad():
                x = passes.ascended(x, gradient, learning_rate)
        with torch.no_grad():
            end, _ = respond(x, indices)
        return AscentSignals(*(keras.ops.convert_to_numpy(part) for part in (x, start, end)))

    run(np.zeros((1, *shape), np.float32), np.zeros(1, np.int32), 1, 0.0)
    return run


def _tensors(inputs: Inputs) -> Any:
    return keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)
