"""What passes over a model compute, in `keras.ops` alone; a backend compiles and differentiates.

Each function here makes one for `Backend.compile` of a `PlannedModel`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_viz_callbacks.capture import logits as heads
from keras_viz_callbacks.capture.backend import Inputs, Tensor, Watch, backend
from keras_viz_callbacks.capture.layers import LayerCall, layer_paths
from keras_viz_callbacks.capture.layout import TokensToGrid
from keras_viz_callbacks.capture.plan import Plan, Planner
from keras_viz_callbacks.capture.survey import surveyed_pass
from keras_viz_callbacks.capture.tap import any_image, collect
from keras_viz_callbacks.capture.target import ResolvedTarget

OnOutput = Callable[[str, Tensor], Tensor]


class Forward(NamedTuple):
    """A forward pass.

    Attributes:
        outputs: What the planned calls returned, by layer path.
        returned: What the model returned; None where the pass ended before.
        logits: What each softmax and sigmoid was computed from.
    """

    outputs: Mapping[str, Tensor]
    returned: Any
    logits: heads.Logits


class PlannedModel:
    """A model whose first forward pass also surveys it, and so settles what later ones are over.

    Attributes:
        model: The model.
        plan: The plan; None until the first pass has run, or been traced.
        has_returned: Whether the model has returned from a pass.

    Args:
        model: The model.
        planner: Makes the plan.
        tokens_to_grid: How a layer's tokens are laid out.
    """

    def __init__(
        self, model: keras.Model, planner: Planner, tokens_to_grid: TokensToGrid = None
    ) -> None:
        self.model = model
        self.plan: Plan | None = None
        self.has_returned = False
        self._planner = planner
        self._tokens_to_grid = tokens_to_grid

    def __call__(
        self, inputs: Inputs, on_output: OnOutput | None = None, *, stop: bool = False
    ) -> Forward:
        """Runs the model.

        Args:
            inputs: What it takes.
            on_output: Maps the path and the output of a call to what the network goes on with:
                of every call in the first pass, of the planned ones later.
            stop: End the pass with the last of the planned calls, except for the first pass.
        """
        if self.plan is None:
            found = surveyed_pass(self.model, inputs, self._tokens_to_grid, on_output)
            self.has_returned = True
            self.plan = self._planner(found.survey)
            outputs = {call.path: found.outputs[call.index] for call in self.plan.calls}
            return Forward(outputs, found.returned, found.logits)
        returned = None
        edit = None if on_output is None else lambda call, output: on_output(call.path, output)
        with (
            heads.watch_logits() as logits,
            collect(self.plan.calls, edit, stop=stop) as outputs,
        ):
            returned = self.model(inputs, training=False)
        return Forward(outputs, returned, logits)


def planned(model: keras.Model, plan: Plan) -> PlannedModel:
    """A model whose plan is known already."""
    ready = PlannedModel(model, lambda _: plan)
    ready.plan = plan
    return ready


def activations(model: PlannedModel) -> Callable[..., Any]:
    """A function from inputs to the outputs of the planned calls, by layer path."""
    return lambda inputs: _float32(model(inputs, stop=True).outputs)


def class_signals(model: PlannedModel) -> Callable[..., Any]:
    """A function for one forward and one backward pass.

    It takes inputs and a class for each image, -1 for the predicted one, and returns a dict of the
    planned calls' activations, the gradients of the score with respect to them, and a `score`.
    """
    scale = gradient_scale(model.model)

    def scored(watch: Watch, inputs: Inputs, classes: Tensor) -> tuple[Tensor, list[str], Any]:
        forward = model(inputs, watch)
        found = score(forward, _target(model), classes)
        return scale * found["score"], list(forward.outputs), found

    differentiated = backend().gradients(scored)

    def run(inputs: Inputs, classes: Tensor) -> dict[str, Any]:
        gradients, outputs, found = differentiated(inputs, classes)
        return {
            "activations": _float32(outputs),
            "gradients": _float32(gradients, scale),
            **found,
        }

    return run


def activations_and_scores(model: PlannedModel) -> Callable[..., Any]:
    """The same without gradients, for one forward pass."""

    def run(inputs: Inputs, classes: Tensor) -> dict[str, Any]:
        forward = model(inputs)
        found = score(forward, _target(model), classes)
        return {"activations": _float32(forward.outputs), **found}

    return run


def scores(model: PlannedModel) -> Callable[..., Any]:
    """A function from inputs and classes to each image's score, ``(batch,)``."""
    return lambda inputs, classes: score(model(inputs), _target(model), classes)["score"]


def scores_of_weighted_channels(model: PlannedModel, call: LayerCall) -> Callable[..., Any]:
    """The same with the channels of one call multiplied by weights.

    The function takes inputs, classes and weights ``(batch, channels)``.

    Args:
        model: The model; the call is among the planned ones.
        call: The call whose output is changed.
    """
    assert call.layout is not None  # `select` refuses calls without maps
    axis = call.layout.channel_axis

    def run(inputs: Inputs, classes: Tensor, weights: Tensor) -> Tensor:
        def weighted(path: str, output: Tensor) -> Tensor:
            if path != call.path:
                return output
            rank = len(output.shape)
            shape = [-1 if a in (0, axis % rank) else 1 for a in range(rank)]
            shape[axis % rank] = weights.shape[1]
            return output * ops.cast(ops.reshape(weights, shape), output.dtype)

        return score(model(inputs, weighted), _target(model), classes)["score"]

    return run


def input_gradient(model: PlannedModel, place: int) -> Callable[..., Any]:
    """A function for one forward and one backward pass, down to an input of the model.

    It takes inputs and classes, and returns a dict of the `gradient`, of the input's shape, and a
    `score`.

    Args:
        model: The model.
        place: Place of the input, among all in flat order.
    """
    scale = gradient_scale(model.model)

    def scored(watch: Watch, inputs: Inputs, classes: Tensor) -> tuple[Tensor, list[str], Any]:
        parts = keras.tree.flatten(inputs)
        parts[place] = watch("input", parts[place])
        with any_image(model.model):
            forward = model(keras.tree.pack_sequence_as(inputs, parts))
        found = score(forward, _target(model), classes)
        return scale * found["score"], ["input"], found

    differentiated = backend().gradients(scored)

    def run(inputs: Inputs, classes: Tensor) -> dict[str, Any]:
        gradients, _, found = differentiated(inputs, classes)
        return {"gradient": _float32(gradients, scale)["input"], **found}

    return run


def score(forward: Forward, target: ResolvedTarget, classes: Tensor) -> dict[str, Any]:
    """What is explained.

    Args:
        forward: A pass of the whole model.
        target: Which score.
        classes: A class for each image, -1 for the predicted one.

    Returns:
        ``score``, each image's score ``(batch,)``; ``classes``, the class that it is of,
        ``(batch,)``; ``probabilities``, those of all classes ``(batch, classes)``, or None where
        the model's output is no class.
    """
    head = None
    if target.output is not None:
        output = heads.output_tensors(forward.returned)[target.place]
        head = heads.read_head(output, target.output.kind or "", forward.logits)
    if target.function is not None:
        found = ops.cast(target.function(forward.returned), "float32")
        if len(found.shape) != 1:
            raise ValueError(
                "`target` must map the model's outputs to one score for each image, of shape "
                f"(batch,). Received: a function that returns shape {tuple(found.shape)}"
            )
    else:
        assert head is not None  # `resolve_target` refuses a target without an output
        found, classes = heads.class_score(head, classes)
    probabilities = None if head is None else head.probabilities
    return {"score": found, "classes": classes, "probabilities": probabilities}


def gradient_scale(model: keras.Model) -> float:
    """What to multiply a score with, and divide its gradients by, so that they do not vanish.

    Half precision ends at 6e-8. The powers of two leave every other precision bit for bit.
    """
    layers = layer_paths(model).values()
    return 1024.0 if any(layer.compute_dtype == "float16" for layer in layers) else 1.0


def _target(model: PlannedModel) -> ResolvedTarget:
    assert model.plan is not None  # the pass has run
    return model.plan.score


def _float32(tensors: Mapping[str, Tensor], divisor: float = 1.0) -> dict[str, Tensor]:
    """The same tensors in single precision, divided."""
    return {path: ops.cast(tensor, "float32") / divisor for path, tensor in tensors.items()}
