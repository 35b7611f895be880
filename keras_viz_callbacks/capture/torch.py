"""The torch backend: eager passes; PyTorch differentiates by the tapped tensors themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import torch

from keras_viz_callbacks.capture import keras_internals
from keras_viz_callbacks.capture.backend import (
    Differentiated,
    Inputs,
    Scored,
    first_image,
    to_numpy,
)
from keras_viz_callbacks.capture.layers import layer_paths


def compile(
    model: keras.Model, function: Callable[..., Any], examples: Sequence[Inputs]
) -> Callable[..., Any]:
    """See `Backend.compile`: nothing is traced, and a dry run finds what is wrong."""

    def run(*arguments: Inputs) -> Any:
        with torch.no_grad(), _observing(model):
            outputs = function(*_tensors(arguments))
        return to_numpy(outputs, keras.ops.convert_to_numpy)

    dry_run(model, function, examples)
    return run


def gradients(function: Scored) -> Differentiated:
    """See `Backend.gradients`."""

    def differentiated(*arguments: Any) -> tuple[Any, Any, Any]:
        watched: dict[str, torch.Tensor] = {}

        def watch(name: str, tensor: torch.Tensor) -> torch.Tensor:
            if not tensor.requires_grad and tensor.is_floating_point():
                # What comes before it is frozen, and leaves no graph to differentiate by. In
                # place: `watch_logits` knows tensors by their identity.
                tensor.requires_grad_(True)
            watched[name] = tensor
            return tensor

        with torch.enable_grad():
            score, names, rest = function(watch, *arguments)
            wanted = {name: watched[name] for name in names}
            found: Sequence[torch.Tensor | None] = [None] * len(wanted)
            if not score.is_meta:  # a dry run needs no derivative
                found = torch.autograd.grad(score.sum(), [*wanted.values()], allow_unused=True)
        zeros = torch.zeros_like
        return (
            {
                name: zeros(tensor) if gradient is None else gradient
                for (name, tensor), gradient in zip(wanted.items(), found, strict=True)
            },
            {name: tensor.detach() for name, tensor in wanted.items()},
            keras.tree.map_structure(_detached, rest),
        )

    return differentiated


def dry_run(model: keras.Model, function: Callable[..., Any], examples: Sequence[Inputs]) -> None:
    """See `Backend.dry_run`: with one image, and without computing anything where it can be.

    On the device ``meta`` tensors have shapes alone. Modules of PyTorch's own among the layers, and
    code that looks at values, can't be run there.
    """

    def run() -> None:
        with torch.no_grad(), _observing(model):
            function(*_tensors(first_image(examples)))

    try:
        with keras.device("meta"):
            run()
    except Exception:  # noqa: BLE001 - what is wrong with the model itself is raised below
        run()


def is_chief(model: keras.Model) -> bool:
    """See `Backend.is_chief`: rank 0 of the default process group, if there is one."""
    group = torch.distributed
    return not (group.is_available() and group.is_initialized() and group.get_rank())


@contextlib.contextmanager
def _observing(model: keras.Model) -> Iterator[None]:
    """`keras_internals.observing`; PyTorch's own modules are in training as before afterwards.

    Keras puts them into evaluation for a pass, and leaves them there.
    """
    modules = [part for layer in (model, *layer_paths(model).values()) for part in layer.modules()]
    before = [module.training for module in modules]
    try:
        with keras_internals.observing():
            yield
    finally:
        for module, training in zip(modules, before, strict=True):
            if module.training != training:
                vars(module)["training"] = training


def _tensors(arguments: Any) -> Any:
    return keras.tree.map_structure(keras.ops.convert_to_tensor, arguments)


def _detached(tensor: Any) -> Any:
    return tensor.detach() if isinstance(tensor, torch.Tensor) else tensor
