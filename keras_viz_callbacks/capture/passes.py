"""What one forward pass yields, in `keras.ops` alone: each backend file compiles and derives it.

A backend calls these inside `observing`, which keeps the model's variables as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_viz_callbacks.capture import score as scores
from keras_viz_callbacks.capture.layers import LayerCall, Survey, layer_paths
from keras_viz_callbacks.capture.layout import TokensToGrid, layout_of
from keras_viz_callbacks.capture.tap import any_input_size, collect, collect_ends, tap
from keras_viz_callbacks.capture.target import ResolvedTarget

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


class Surveyed(NamedTuple):
    """A forward pass of which everything was noted.

    Attributes:
        survey: Every call of every layer, and what the outputs are.
        answers: What each call returned, in the order of the survey's calls.
        returned: What the model returned.
        logits: What stood before each softmax and sigmoid.
    """

    survey: Survey
    answers: Sequence[Any]
    returned: Any
    logits: scores.Logits

    def of(self, calls: Sequence[LayerCall]) -> dict[str, Tensor]:
        """The answers of these calls, by layer path."""
        return {call.path: self.answers[call.index] for call in calls}


def survey(
    model: keras.Model,
    inputs: Any,
    tokens_to_grid: TokensToGrid = None,
    on_answer: Callable[[Any], None] = lambda output: None,
) -> Surveyed:
    """A forward pass, and what it tells of the model.

    Args:
        model: The model.
        inputs: What it eats.
        tokens_to_grid: How a layer's tokens are laid out.
        on_answer: Called with what each layer returns, before the network goes on with it.
    """
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
        on_answer(output)
        return output

    with tap([layer for _, layer in paths.values()], answer), scores.watch_logits() as logits:
        returned = model(inputs, training=False)
    # Of an image model, `(batch, tokens, features)` are the places of the image in a row.
    are_tokens = max(len(part.shape) for part in keras.tree.flatten(inputs)) == 4
    calls = []
    first: bool | None = None
    channels_first = keras.config.image_data_format() == "channels_first"
    for index, (key, number, output) in enumerate(answers):
        path, layer = paths[key]
        shape = _shape(output) if ops.is_tensor(output) else None
        told = _told_channels_first(layer)
        if told is not None:
            # Layers that do not say go on with what came to them.
            channels_first = told
            first = told if first is None else first
        layout = layout_of(
            shape,
            channels_first=channels_first,
            are_tokens=are_tokens,
            tokens_to_grid=tokens_to_grid,
        )
        calls.append(
            LayerCall(
                path=f"{path}:{number}" if number else path,
                layer=layer,
                call=number,
                index=index,
                shape=shape,
                layout=layout,
            )
        )
    outputs = scores.describe_outputs(model, returned, logits)
    found = Survey(calls, outputs, channels_first if first is None else first)
    return Surveyed(found, [output for _, _, output in answers], returned, logits)


def activations(model: keras.Model, calls: Sequence[LayerCall], inputs: Any) -> dict[str, Tensor]:
    """What the calls answer, float32, by layer path; the pass ends with the last of them."""
    with collect(calls, stop=True) as answers:
        model(inputs, training=False)
    return float32(answers)


def class_score(
    model: keras.Model,
    calls: Sequence[LayerCall],
    target: ResolvedTarget,
    on_answer: OnAnswer,
    inputs: Any,
    classes: Tensor,
) -> tuple[dict[str, Tensor], Tensor, Tensor | None]:
    """The answers of the calls, each image's score, and the probabilities of the classes.

    Args:
        model: The model.
        calls: The chosen layers.
        target: Which score.
        on_answer: Makes a layer's output one that the score can be differentiated by.
        inputs: What the model eats.
        classes: A class for each image, -1 for the predicted one.
    """
    with scores.watch_logits() as logits, collect(calls, on_answer) as answers:
        returned = model(inputs, training=False)
    return answers, *score_of(returned, logits, target, classes)


def score_of(
    returned: Any, logits: scores.Logits, target: ResolvedTarget, classes: Tensor
) -> tuple[Tensor, Tensor | None]:
    """Each image's score, and the probabilities of the classes.

    Args:
        returned: What the model returned.
        logits: What stood before each softmax and sigmoid meanwhile.
        target: Which score.
        classes: A class for each image, -1 for the predicted one.
    """
    head = None
    if target.output is not None:
        output = keras.tree.flatten(returned)[target.place]
        head = scores.read_head(output, target.output.kind or "", logits)
    if target.function is not None:
        score = ops.cast(target.function(returned), "float32")
        if len(score.shape) != 1:
            raise ValueError(
                "`target` must map the model's outputs to one score for each image, of shape "
                f"(batch,). Received: a function that returns shape {tuple(score.shape)}"
            )
    else:
        assert head is not None  # `resolve_target` saw to it
        score = scores.class_score(head, classes)
    return score, None if head is None else head.probabilities


def gradient_scale(model: keras.Model) -> float:
    """What to multiply a score with, and divide its gradients by, so that they do not vanish.

    Half precision ends at 6e-8. The powers of two leave every other precision bit for bit.
    """
    layers = layer_paths(model).values()
    return 1024.0 if any(layer.compute_dtype == "float16" for layer in layers) else 1.0


def responses(
    model: keras.Model,
    call: LayerCall,
    feed: Callable[[Tensor], Any],
    images: Tensor,
    filters: Tensor,
) -> tuple[Tensor, Tensor]:
    """Each image's mean response of its filter, and what to climb to raise it; both ``(filter,)``.

    The images need not have the size of the model's input: the pass ends before it matters.
    """
    with any_input_size(model), collect_ends(call) as ends:
        model(feed(images), training=False)
    before, behind = (_picked(ops.cast(end, "float32"), filters, call) for end in ends)
    # Where a ReLU lets nothing through there is no gradient: climb to where it does.
    rising = behind + DORMANT_SLOPE * ops.where(ops.equal(behind, 0), before, 0.0)
    places = tuple(range(1, len(behind.shape)))
    # The gradient of the sum is that of the mean, and does not vanish in half precision.
    return ops.mean(behind, axis=places), ops.sum(rising, axis=places)


class Climb(NamedTuple):
    """Where a gradient ascent stands, each filter by itself; ``(filter, …)`` all of them.

    Attributes:
        images: To be seen next.
        best: The images that were climbed to highest.
        height: Of those: what is climbed.
        response: And their mean response.
        start: Mean response of the first images.
        direction: Of the last step, with a root mean square of 1.
        rate: Length of the last step.
        longest: Length that a step may have.
        gained: Whether any step has led above the start.
    """

    images: Tensor
    best: Tensor
    height: Tensor
    response: Tensor
    start: Tensor
    direction: Tensor
    rate: Tensor
    longest: Tensor
    gained: Tensor


def begin_climb(images: Tensor, rate: Tensor) -> Climb:
    """A climb that has seen nothing yet."""
    zeros = ops.zeros((ops.shape(images)[0],), "float32")
    return Climb(
        images=images,
        best=images,
        height=zeros - np.inf,
        response=zeros,
        start=zeros,
        direction=0 * images,
        rate=zeros + rate,
        longest=zeros + rate,
        gained=zeros > 0,
    )


def climbed(climb: Climb, seen: tuple[Tensor, Tensor], gradient: Tensor) -> Climb:
    """One step further: along the gradient divided by its root mean square.

    Where the first step has led down it was too long: it is tried again at half the length, and
    the next ones grow again. Later ones may lead down, since what lies beyond is often higher;
    the best is kept.

    Args:
        climb: Where it stands.
        seen: What `responses` tells of its images.
        gradient: Of what is climbed there.
    """

    def column(values: Tensor) -> Tensor:
        return ops.reshape(values, (-1, 1, 1, 1))

    response, height = seen
    size = ops.sqrt(ops.mean(ops.square(gradient), axis=(1, 2, 3), keepdims=True))
    along = gradient / ops.where(ops.equal(size, 0), 1.0, size)
    is_first = ops.isinf(climb.height)
    higher = ops.greater(height, climb.height)
    gained = climb.gained | (higher & ~is_first)
    again = ~higher & ~gained
    best = ops.where(column(higher), climb.images, climb.best)
    direction = ops.where(column(again), climb.direction, along)
    rate = ops.where(again, climb.rate / 2, ops.minimum(climb.rate * 2, climb.longest))
    seen = ops.where(column(again), best, climb.images)
    return Climb(
        images=seen + column(rate) * direction,
        best=best,
        height=ops.where(higher, height, climb.height),
        response=ops.where(higher, response, climb.response),
        start=ops.where(is_first, response, climb.start),
        direction=direction,
        rate=rate,
        longest=climb.longest,
        gained=gained,
    )


def float32(tensors: dict[str, Tensor], divisor: float = 1.0) -> dict[str, Tensor]:
    """The same tensors in single precision, divided."""
    return {path: ops.cast(tensor, "float32") / divisor for path, tensor in tensors.items()}


def _picked(maps: Tensor, filters: Tensor, call: LayerCall) -> Tensor:
    """One channel of each image, ``(batch, *places)``."""
    assert call.layout is not None  # `select` saw to it
    rank = len(maps.shape)
    axis = call.layout.channel_axis % rank
    numbers = ops.reshape(
        ops.arange(maps.shape[axis], dtype="int32"), [-1 if a == axis else 1 for a in range(rank)]
    )
    chosen = ops.equal(numbers, ops.reshape(filters, [-1] + [1] * (rank - 1)))
    # A product with a mask would make NaN of an infinite other channel.
    return ops.sum(ops.where(chosen, maps, 0.0), axis=axis)


def _told_channels_first(layer: keras.layers.Layer) -> bool | None:
    data_format = getattr(layer, "data_format", None)
    return None if data_format is None else bool(data_format == "channels_first")


def _shape(output: Tensor) -> tuple[int | None, ...] | None:
    try:
        return tuple(output.shape)[1:]
    except ValueError:
        return None  # TensorFlow, of unknown rank
