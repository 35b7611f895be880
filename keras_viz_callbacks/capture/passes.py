"""What one forward pass yields, in `keras.ops` alone: each backend file compiles and derives it.

A backend calls these inside `observing`, which keeps the model's variables as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_viz_callbacks.capture import score as scores
from keras_viz_callbacks.capture.layers import LayerCall, Survey, layer_paths
from keras_viz_callbacks.capture.tap import any_input_size, collect, collect_ends, tap

Tensor = Any
OnAnswer = Callable[[LayerCall, Tensor], Tensor]

DORMANT_SLOPE = 0.1
"""What a gradient ascent climbs where a filter's ReLU is shut: this share of what it shuts out."""


def observing(state: Sequence[tuple[Any, Tensor]] | None = None) -> keras.StatelessScope:
    """A scope that drops every update of a variable and every collected loss.

    Args:
        state: Variables that have another value inside, with that value.
    """
    return keras.StatelessScope(state_mapping=state, collect_losses=True)


def survey(model: keras.Model, inputs: Any) -> Survey:
    """Every call of every layer, and the shapes of the outputs."""
    paths = {id(layer): (path, layer) for path, layer in layer_paths(model).items()}
    answers: list[tuple[int, int, Tensor]] = []
    counts: dict[int, int] = {}

    def answer(
        layer: keras.layers.Layer, call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        output = call(*args, **kwargs)
        number = counts.get(id(layer), 0)
        counts[id(layer)] = number + 1
        answers.append((id(layer), number, output))
        return output

    with tap([layer for _, layer in paths.values()], answer):
        outputs = keras.tree.flatten(model(inputs, training=False))
    own = {id(output) for output in outputs}
    calls = []
    for index, (key, number, output) in enumerate(answers):
        path, layer = paths[key]
        calls.append(
            LayerCall(
                path=f"{path}:{number}" if number else path,
                layer=layer,
                call=number,
                index=index,
                shape=_shape(output) if ops.is_tensor(output) else None,
                is_output=id(output) in own,
            )
        )
    return Survey(calls, [_shape(output) or () for output in outputs])


def activations(model: keras.Model, calls: Sequence[LayerCall], inputs: Any) -> dict[str, Tensor]:
    """What the calls answer, float32, by layer path; the pass ends with the last of them."""
    with collect(calls, stop=True) as answers:
        model(inputs, training=False)
    return float32(answers)


def class_score(
    model: keras.Model,
    calls: Sequence[LayerCall],
    outputs: Sequence[LayerCall],
    target: Callable[[Any], Any] | None,
    on_answer: OnAnswer,
    inputs: Any,
    classes: Tensor,
) -> tuple[dict[str, Tensor], Tensor, Tensor | None, bool]:
    """The answers of the calls, each image's score, the probabilities, and if a logit was found.

    Args:
        model: The model.
        calls: The chosen layers.
        outputs: The calls that give the model's own outputs.
        target: The user's function from the outputs to ``(batch,)``, or None for ``classes``.
        on_answer: Makes a layer's output one that the score can be differentiated by.
        inputs: What the model eats.
        classes: A class for each image, -1 for the predicted one.
    """
    with scores.watch_logits(outputs) as logits, collect(calls, on_answer) as answers:
        returned = model(inputs, training=False)
    head = scores.read_head(model, returned, logits)
    if target is not None:
        score = ops.cast(target(returned), "float32")
        if len(score.shape) != 1:
            raise ValueError(
                "`target` must map the model's outputs to one score for each image, of shape "
                f"(batch,). Received: a function that returns shape {tuple(score.shape)}"
            )
    else:
        assert head is not None  # `resolve_target` saw to it
        score = scores.class_score(head, classes)
    probabilities = None if head is None else head.probabilities
    return answers, score, probabilities, target is not None or head is None or head.found


def responses(
    model: keras.Model, call: LayerCall, images: Tensor, filters: Tensor
) -> tuple[Tensor, Tensor]:
    """Each image's mean response of its filter, and what to climb to raise it; both ``(filter,)``.

    The images need not have the size of the model's input: the pass ends before it matters.
    """
    with any_input_size(model), collect_ends(call) as ends:
        model(images, training=False)
    axis = 1 if call.channels_first else 3
    shape = tuple(-1 if a == 0 else 1 for a in range(4))
    index = ops.reshape(filters, shape)
    before, behind = (_picked(ops.cast(end, "float32"), index, axis) for end in ends)
    # Where a ReLU lets nothing through there is no gradient: climb to where it does.
    rising = behind + DORMANT_SLOPE * ops.where(ops.equal(behind, 0), before, 0.0)
    return ops.mean(behind, axis=(1, 2)), ops.mean(rising, axis=(1, 2))


def ascended(images: Tensor, gradient: Tensor, rate: Tensor) -> Tensor:
    """The images one step further: along the gradient divided by its root mean square."""
    size = ops.sqrt(ops.mean(ops.square(gradient), axis=(1, 2, 3), keepdims=True))
    return images + rate * gradient / ops.where(ops.equal(size, 0), 1.0, size)


def float32(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors in single precision."""
    return {path: ops.cast(tensor, "float32") for path, tensor in tensors.items()}


def _picked(maps: Tensor, index: Tensor, axis: int) -> Tensor:
    """One channel of each image, ``(batch, height, width)``."""
    channels = maps.shape[axis]
    shape = [1, 1, 1, 1]
    shape[axis] = channels
    chosen = ops.equal(ops.reshape(ops.arange(channels, dtype="int32"), shape), index)
    # A product with a mask would make NaN of an infinite other channel.
    return ops.sum(ops.where(chosen, maps, 0.0), axis=axis)


def _shape(output: Tensor) -> tuple[int | None, ...] | None:
    try:
        return tuple(output.shape)[1:]
    except ValueError:
        return None  # TensorFlow, of unknown rank
