"""What each backend file offers, and the one that Keras is set to."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast

import keras

Tensor: TypeAlias = Any

Inputs: TypeAlias = Any
"""What the model takes: an array, or a list, tuple or dict of arrays, batch axis first."""

Watch: TypeAlias = Callable[[str, Tensor], Tensor]
"""Marks a tensor by name as one to differentiate with respect to, and returns what to compute with
from there on."""

Scored: TypeAlias = Callable[..., tuple[Tensor, Sequence[str], Any]]
"""``function(watch, *args) -> (score, names, rest)``: scores ``(batch,)``, the names of the watched
tensors that the gradients are wanted for, and anything else that was computed."""

Differentiated: TypeAlias = Callable[..., tuple[Mapping[str, Tensor], Mapping[str, Tensor], Any]]
"""``function(*args) -> (gradients, watched, rest)``: for each name the gradient of the sum of the
scores with respect to the tensor, and that tensor."""


class Backend(Protocol):
    """The functions of each backend file. They know no pass: those are in `passes`, once."""

    def compile(
        self, model: keras.Model, function: Callable[..., Any], examples: Sequence[Inputs]
    ) -> Callable[..., Any]:
        """Makes a function over a model ready to be run at each capture.

        The function is called inside a scope that drops every update of a variable. It is traced
        now, once for any number of images where the backend traces, so that what is wrong is
        reported now. What it closes over must not be a tensor.

        Args:
            model: The model that the function calls; its variables are read anew in each run.
            function: From tensors to a nest of tensors and None, written in `keras.ops`.
            examples: NumPy arrays, or nests of them, for each argument. Axis 0 is the batch,
                except for scalars.

        Returns:
            The same function from NumPy arrays to NumPy arrays.
        """

    def gradients(self, function: Scored) -> Differentiated:
        """Differentiates a function by the tensors that it watches.

        For use inside a function that is compiled, also inside `keras.ops.fori_loop`.
        """

    def dry_run(
        self, model: keras.Model, function: Callable[..., Any], examples: Sequence[Inputs]
    ) -> None:
        """Runs a function over a model once, in the cheapest way in which it sees all shapes."""

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


def first_image(arguments: Sequence[Inputs]) -> Sequence[Inputs]:
    """The same arguments with one image each; scalars as they are."""
    return cast(
        Sequence[Inputs],
        keras.tree.map_structure(lambda array: array[:1] if array.ndim else array, arguments),
    )


def to_numpy(outputs: Any, convert: Callable[[Tensor], Any]) -> Any:
    """A nest of tensors and None in NumPy.

    Args:
        outputs: The nest.
        convert: Makes an array of one tensor.
    """
    return keras.tree.map_structure(
        lambda tensor: None if tensor is None else convert(tensor), outputs
    )


def without_outputs(function: Callable[..., Any]) -> Callable[..., None]:
    """The same function, which returns nothing."""

    def run(*arguments: Any) -> None:
        function(*arguments)

    return run
