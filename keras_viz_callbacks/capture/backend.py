"""Picks the one backend file that Keras is set to, and says what each of them offers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.layers import LayerCall, Survey

Array = NDArray[np.float32]
Inputs = Any
"""What the model eats: an array, or a list, tuple or dict of arrays, batch axis first."""


@dataclass(frozen=True)
class ClassSignals:
    """What one forward and one backward pass tell of a batch.

    Attributes:
        activations: By layer path, ``(batch, height, width, channels)``.
        gradients: Of the score with respect to them, of the same shapes.
        score: The differentiated score of each image, ``(batch,)``.
        probabilities: ``(batch, classes)``, or None where the model's output is no class.
        logit_found: The score was read before the final softmax or sigmoid, or there is none.
    """

    activations: Mapping[str, Array]
    gradients: Mapping[str, Array]
    score: Array
    probabilities: Array | None
    logit_found: bool


@dataclass(frozen=True)
class AscentSignals:
    """Where a gradient ascent in input space ended, by filter.

    Attributes:
        images: ``(filter, height, width, channels)``, in the model's input range.
        start: Mean response of each filter to its first image, ``(filter,)``.
        response: And to its last.
    """

    images: Array
    start: Array
    response: Array


class Backend(Protocol):
    """The functions of each backend file.

    A compiled function belongs to who asked for it and is used again at each capture: it reads
    the model's variables as they are then. Each runs the model with ``training=False`` inside a
    scope that drops every update of a variable.
    """

    def survey(self, model: keras.Model, inputs: Inputs) -> Survey:
        """What a forward pass does, traced for inputs of these shapes, not run."""

    def compile_activations(
        self, model: keras.Model, calls: Sequence[LayerCall], inputs: Inputs
    ) -> Callable[[Inputs], dict[str, Array]]:
        """One forward pass, ended at the last of the calls: their outputs by layer path."""

    def compile_class_signals(
        self,
        model: keras.Model,
        calls: Sequence[LayerCall],
        outputs: Sequence[LayerCall],
        target: Callable[[Any], Any] | None,
        inputs: Inputs,
    ) -> Callable[[Inputs, NDArray[np.int32]], ClassSignals]:
        """One forward and one backward pass for all the calls.

        The function takes the inputs and a class for each image, -1 for the predicted one.
        """

    def compile_ascent(
        self, model: keras.Model, call: LayerCall, shape: tuple[int, int, int]
    ) -> Callable[[Array, NDArray[np.int32], int, float], AscentSignals]:
        """Gradient ascent in input space, a pass being ended at the call.

        The image need not have the size of the model's input. The function takes the first
        images, ``(filter, *shape)``, the index of each one's filter, the number of steps, and
        the change of a typical value in one step.
        """


def backend() -> Backend:
    """The file of the backend that Keras is set to."""
    name = keras.backend.backend()
    module = f"{__package__}.{name}"
    try:
        return cast(Backend, importlib.import_module(module))
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ValueError(
            "keras_viz_callbacks draws models of the Keras backends tensorflow, jax and torch. "
            f"Received: keras.backend.backend()={name!r}. Set KERAS_BACKEND to one of them before "
            "Keras is imported."
        ) from None


def survey(model: keras.Model, inputs: Inputs) -> Survey:
    """What a forward pass does, for inputs of these shapes; see `Backend.survey`.

    Raises:
        ValueError: The model has no weights yet.
    """
    check_built(model)
    return backend().survey(model, inputs)


def check_built(model: keras.Model) -> None:
    """Raises a ValueError where a model has no weights yet: a trace would make them inside it."""
    if not model.built:
        raise ValueError(
            "`model` must be built before it can be observed: call it once on a batch, or give "
            f"it an `Input`. Received: model={model.name!r}, which has no weights yet"
        )


def to_class_signals(
    calls: Sequence[LayerCall],
    activations: Mapping[str, Any],
    gradients: Mapping[str, Any],
    score: Any,
    probabilities: Any | None,
    logit_found: bool,
) -> ClassSignals:
    """What a backend's tensors of a class pass are in NumPy."""
    numpy = keras.ops.convert_to_numpy
    return ClassSignals(
        activations=to_numpy(calls, activations),
        gradients=to_numpy(calls, gradients),
        score=numpy(score),
        probabilities=None if probabilities is None else numpy(probabilities),
        logit_found=logit_found,
    )


def to_numpy(calls: Sequence[LayerCall], tensors: Mapping[str, Any]) -> dict[str, Array]:
    """Outputs of layers in NumPy, ``(batch, height, width, channels)`` in every format."""
    arrays = {call.path: keras.ops.convert_to_numpy(tensors[call.path]) for call in calls}
    return {
        call.path: np.moveaxis(arrays[call.path], 1, -1)
        if call.channels_first
        else arrays[call.path]
        for call in calls
    }
