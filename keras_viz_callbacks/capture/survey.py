"""What one forward pass shows of a model: its layers in network order, and what its outputs are."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_viz_callbacks.capture import keras_internals
from keras_viz_callbacks.capture import logits as heads
from keras_viz_callbacks.capture.backend import Inputs, Tensor, backend
from keras_viz_callbacks.capture.layers import LayerCall, layer_paths
from keras_viz_callbacks.capture.layout import TokensToGrid, layout_of
from keras_viz_callbacks.capture.tap import tap


@dataclass(frozen=True)
class Survey:
    """What a forward pass shows of a model.

    Attributes:
        calls: Every call of every layer, in network order.
        outputs: Each of the model's outputs.
        channels_first: Whether the model has channels before places.
    """

    calls: Sequence[LayerCall]
    outputs: Sequence[heads.Output]
    channels_first: bool

    @property
    def number_of_places(self) -> int | None:
        """How many axes of places the first convolution has; None without a convolution."""
        for call in self.calls:
            if call.is_convolution and call.layout is not None:
                return len(call.layout.places)
        return None

    def channel_axis_of(self, shape: tuple[int, ...]) -> int | None:
        """The axis of channels of an image that the model takes; None where it has none.

        Args:
            shape: Shape of the images, batch axis included.
        """
        if len(shape) == 3 and self.number_of_places == 2:
            return None
        return 1 if self.channels_first else len(shape) - 1


class SurveyedPass(NamedTuple):
    """A forward pass in which everything was noted.

    Attributes:
        survey: Every call of every layer, and what the outputs are.
        outputs: What each call returned, in the order of the survey's calls.
        returned: What the model returned.
        logits: What each softmax and sigmoid was computed from.
    """

    survey: Survey
    outputs: Sequence[Any]
    returned: Any
    logits: heads.Logits


def survey(model: keras.Model, inputs: Inputs, tokens_to_grid: TokensToGrid = None) -> Survey:
    """Surveys a model, as cheaply as the backend can.

    Args:
        model: The model.
        inputs: Inputs of any number of images, in NumPy.
        tokens_to_grid: How a layer's tokens are laid out.

    Raises:
        ValueError: The model has no weights yet.
    """
    check_built(model)
    found: list[Survey] = []

    def look(inputs: Inputs) -> None:
        found.append(surveyed_pass(model, inputs, tokens_to_grid).survey)

    backend().dry_run(model, look, (inputs,))
    return found[-1]


def surveyed_pass(
    model: keras.Model,
    inputs: Inputs,
    tokens_to_grid: TokensToGrid = None,
    on_output: Callable[[str, Tensor], Tensor] | None = None,
) -> SurveyedPass:
    """A forward pass, and what it shows of the model.

    Args:
        model: The model.
        inputs: What it takes.
        tokens_to_grid: How a layer's tokens are laid out.
        on_output: Maps the path of a call and the tensor that it returns to what the network
            goes on with.
    """
    by_path = layer_paths(model)
    paths = {id(layer): (path, layer) for path, layer in by_path.items()}
    returns: list[tuple[int, int, Any, bool]] = []
    convolves: list[bool] = []  # for each layer that has not returned yet, the innermost last
    counts: dict[int, int] = {}

    def noted(layer: keras.layers.Layer, call: Any, *args: Any, **kwargs: Any) -> Any:
        convolves.append(False)
        try:
            output = call(*args, **kwargs)
        finally:
            has_convolved = convolves.pop()
        number = counts.get(id(layer), 0)
        counts[id(layer)] = number + 1
        if on_output is not None and ops.is_tensor(output):
            output = on_output(_path(paths[id(layer)][0], number, by_path), output)
        returns.append((id(layer), number, output, has_convolved))
        return output

    def note_convolution() -> None:
        if convolves:
            convolves[-1] = True

    with (
        tap([layer for _, layer in paths.values()], noted),
        heads.watch_logits() as logits,
        keras_internals.noted_convolutions(note_convolution),
    ):
        returned = model(inputs, training=False)
    # In an image model, `(batch, tokens, features)` are the places of the image in a row.
    are_tokens = max(len(part.shape) for part in keras.tree.flatten(inputs)) == 4
    calls = []
    first: bool | None = None
    channels_first = keras.config.image_data_format() == "channels_first"
    for index, (key, number, output, has_convolved) in enumerate(returns):
        path, layer = paths[key]
        shape = _shape(output) if ops.is_tensor(output) else None
        own = _own_channels_first(layer)
        if own is not None:
            # Layers without a data format keep that of their input.
            channels_first = own
            first = own if first is None else first
        layout = layout_of(
            shape,
            channels_first=channels_first,
            are_tokens=are_tokens,
            tokens_to_grid=tokens_to_grid,
        )
        calls.append(
            LayerCall(
                path=_path(path, number, by_path),
                layer=layer,
                call=number,
                index=index,
                shape=shape,
                layout=layout,
                convolves=has_convolved,
            )
        )
    outputs = heads.describe_outputs(model, returned, logits)
    found = Survey(calls, outputs, channels_first if first is None else first)
    return SurveyedPass(found, [output for _, _, output, _ in returns], returned, logits)


def check_built(model: keras.Model) -> None:
    """Raises a ValueError where a model has no weights yet: a trace would make them inside it."""
    if not model.built:
        raise ValueError(
            "`model` must be built before it can be observed: call it once on a batch, or give "
            f"it an `Input`. Received: model={model.name!r}, which has no weights yet"
        )


def _path(path: str, number: int, taken: Container[str]) -> str:
    """The path of one call of a layer.

    Args:
        path: Path of the layer.
        number: Number of the call, from 0.
        taken: Paths of all layers: one of them may be named as a call of another.
    """
    if not number:
        return path
    called, other = f"{path}:{number}", 0
    while called in taken:
        other += 1
        called = f"{path}:{number}_{other}"
    return called


def _own_channels_first(layer: keras.layers.Layer) -> bool | None:
    data_format = getattr(layer, "data_format", None)
    return None if data_format is None else bool(data_format == "channels_first")


def _shape(output: Tensor) -> tuple[int | None, ...] | None:
    try:
        return tuple(output.shape)[1:]
    except ValueError:
        return None  # TensorFlow, of unknown rank
