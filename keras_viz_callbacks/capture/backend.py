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
from keras_viz_callbacks.capture.layout import TokensToGrid
from keras_viz_callbacks.capture.target import ResolvedTarget

Array = NDArray[np.float32]
Inputs = Any
"""What the model eats: an array, or a list, tuple or dict of arrays, batch axis first."""

ChooseCalls = Callable[[Survey], Sequence[LayerCall]]
"""The layers that a pass is over, once it is known what there is."""

ChooseScores = Callable[[Survey], tuple[Sequence[LayerCall], ResolvedTarget]]
"""The layers that a class pass is over, and the score that is differentiated."""

Feed = Callable[[Any], Any]
"""From images, a tensor ``(batch, height, width, channels)``, to the model's inputs."""


@dataclass(frozen=True)
class ClassSignals:
    """What one forward and one backward pass tell of a batch.

    Attributes:
        activations: By layer path, ``(batch, *places, channels)``.
        gradients: Of the score with respect to them, of the same shapes.
        score: The differentiated score of each image, ``(batch,)``.
        probabilities: ``(batch, classes)``, or None where the model's output is no class.
    """

    activations: Mapping[str, Array]
    gradients: Mapping[str, Array]
    score: Array
    probabilities: Array | None


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

    def survey(
        self, model: keras.Model, inputs: Inputs, tokens_to_grid: TokensToGrid = None
    ) -> Survey:
        """What a forward pass does, for inputs of these shapes."""

    def compile_activations(
        self,
        model: keras.Model,
        choose: ChooseCalls,
        inputs: Inputs,
        tokens_to_grid: TokensToGrid = None,
    ) -> Callable[[Inputs], dict[str, Array]]:
        """One forward pass: the outputs of the chosen calls by layer path.

        ``choose`` is called once, behind a first pass with the inputs.
        """

    def compile_class_signals(
        self,
        model: keras.Model,
        choose: ChooseScores,
        inputs: Inputs,
        tokens_to_grid: TokensToGrid = None,
    ) -> Callable[[Inputs, NDArray[np.int32]], ClassSignals]:
        """One forward and one backward pass for all the chosen calls.

        ``choose`` is called once, behind a first pass with the inputs. The function takes the
        inputs and a class for each image, -1 for the predicted one.
        """

    def compile_ascent(
        self, model: keras.Model, call: LayerCall, feed: Feed, shape: tuple[int, int, int]
    ) -> Callable[[Array, NDArray[np.int32], int, float], AscentSignals]:
        """Gradient ascent in input space, a pass being ended at the call.

        ``feed`` makes the model's inputs of images ``(batch, *shape)``, which need not have the
        size of the model's own. The function takes the first
        images, ``(filter, *shape)``, the index of each one's filter, the number of steps, and
        the change of a typical value in one step.
        """

    def is_chief(self, model: keras.Model) -> bool:
        """Whether this process is the one that draws, of those that train the model together.

        Each training has one. What it captures it reads from its own copy of the variables and
        never waits for the others, which take no part.

        Raises:
            ValueError: No process has a whole copy of the model.
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


def survey(
    model: keras.Model,
    inputs: Inputs,
    tokens_to_grid: TokensToGrid = None,
) -> Survey:
    """What a forward pass does, for inputs of these shapes; see `Backend.survey`.

    Args:
        model: The model.
        inputs: Of any number of images.
        tokens_to_grid: How a layer's tokens are laid out.

    Raises:
        ValueError: The model has no weights yet.
    """
    check_built(model)
    return backend().survey(model, inputs, tokens_to_grid)


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
    numpy: Callable[[Any], Array] = keras.ops.convert_to_numpy,
) -> ClassSignals:
    """What a backend's tensors of a class pass are in NumPy; see `to_numpy`."""
    return ClassSignals(
        activations=to_numpy(calls, activations, numpy),
        gradients=to_numpy(calls, gradients, numpy),
        score=numpy(score),
        probabilities=None if probabilities is None else numpy(probabilities),
    )


def to_numpy(
    calls: Sequence[LayerCall],
    tensors: Mapping[str, Any],
    numpy: Callable[[Any], Array] = keras.ops.convert_to_numpy,
) -> dict[str, Array]:
    """Outputs of layers in NumPy, ``(batch, *places, channels)`` in every format.

    Args:
        calls: The layers' calls.
        tensors: By layer path.
        numpy: Makes an array of a tensor.
    """
    arrays: dict[str, Array] = {}
    for call in calls:
        assert call.layout is not None  # `select` saw to it
        arrays[call.path] = call.layout.to_maps(numpy(tensors[call.path]))
    return arrays
