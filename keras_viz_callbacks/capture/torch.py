"""The torch backend: eager passes; PyTorch differentiates by the tapped tensors themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from keras_viz_callbacks.capture.observer_state import python_state_kept


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
    """`keras_internals.observing`; what PyTorch's own modules and generators hold is kept too.

    Keras puts the modules into evaluation for a pass, and leaves them there.
    """
    parts = {
        id(part): part
        for layer in (model, *layer_paths(model).values())
        for part in layer.modules()
    }
    modules = list(parts.values())
    layers = [module for module in modules if isinstance(module, keras.layers.Layer)]
    before = [module.training for module in modules]
    try:
        with (
            python_state_kept(layers),
            _random_numbers_kept(),
            _tensors_kept(layers),
            keras_internals.observing(),
        ):
            yield
    finally:
        for module, training in zip(modules, before, strict=True):
            if module.training != training:
                vars(module)["training"] = training


@contextlib.contextmanager
def _random_numbers_kept() -> Iterator[None]:
    """Keeps PyTorch's generators, of the CPU and of every accelerator that it uses."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    on_mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        with torch.random.fork_rng(devices=range(count), device_type="cuda"):
            yield
    finally:
        if on_mps is not None:
            torch.mps.set_rng_state(on_mps)


@contextlib.contextmanager
def _tensors_kept(layers: Sequence[keras.layers.Layer]) -> Iterator[None]:
    """Keeps the tensors that Keras does not know: values, and what the modules' names stand for."""
    modules: dict[int, torch.nn.Module] = {}
    tensors: dict[int, torch.Tensor] = {}
    for layer in layers:
        modules[id(layer)] = layer
        if isinstance(layer, keras.layers.TorchModuleWrapper):
            modules.update((id(part), part) for part in layer.module.modules())
    named = []
    for module in list(modules.values()):
        # Not the parameters of modules below: Keras' variables are among them.
        own = [
            *torch.nn.Module.named_parameters(module, recurse=False, remove_duplicate=False),
            *module.named_buffers(recurse=False, remove_duplicate=False),
        ]
        named.append((module, own))
        held = [
            value
            for name, value in vars(module).items()
            if isinstance(value, _MAY_HOLD_TENSORS) and name not in _OF_EVERY_MODULE
        ]
        for tensor in _tensors_in([tensor for _, tensor in own] + held):
            if _can_be_written(tensor):
                tensors[id(tensor)] = tensor
    values = [(tensor, tensor.detach().clone()) for tensor in tensors.values()]
    foreign = [module for module in modules.values() if not isinstance(module, keras.layers.Layer)]
    try:
        with python_state_kept(foreign):
            yield
    finally:
        for module, own in named:
            for name, tensor in own:
                if getattr(module, name) is not tensor:
                    setattr(module, name, tensor)
        for tensor, value in values:
            # `data` does not tell autograd: for it nothing has changed.
            tensor.data.copy_(value)


_OF_EVERY_MODULE = vars(torch.nn.Module()).keys()
_MAY_HOLD_TENSORS = (torch.Tensor, list, tuple, dict)


def _can_be_written(tensor: torch.Tensor) -> bool:
    """Whether PyTorch lets anyone change the tensor's values in place."""
    if torch.nn.parameter.is_lazy(tensor) or tensor.is_inference():
        return False
    if tensor.layout != torch.strided:
        return True
    # Expanded: several elements are one place in memory.
    return not any(
        size > 1 and not stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
    )


def _tensors_in(values: Iterable[Any], depth: int = 3) -> Iterator[torch.Tensor]:
    """The tensors among values and in the lists, tuples and dicts that are nested in them."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif depth and isinstance(value, _MAY_HOLD_TENSORS) and value:
            parts = value.values() if isinstance(value, dict) else value
            yield from _tensors_in(parts, depth - 1)


def _tensors(arguments: Any) -> Any:
    return keras.tree.map_structure(keras.ops.convert_to_tensor, arguments)


def _detached(tensor: Any) -> Any:
    return tensor.detach() if isinstance(tensor, torch.Tensor) else tensor
