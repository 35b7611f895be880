"""A pass made ready for held-out images: planned, compiled, and its outputs laid out as maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.backend import Inputs, backend
from keras_viz_callbacks.capture.held_out import HeldOut, check_fits
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.layout import TokensToGrid
from keras_viz_callbacks.capture.passes import PlannedModel
from keras_viz_callbacks.capture.plan import Plan, Planner
from keras_viz_callbacks.capture.survey import check_built

Array = NDArray[np.float32]

MakePass = Callable[[PlannedModel], Callable[..., Any]]
"""A function of `passes`."""


@dataclass(frozen=True)
class CompiledPass:
    """A pass that can be run at each capture.

    Attributes:
        plan: What it is over.
        run: Runs it, from NumPy arrays to NumPy arrays.
    """

    plan: Plan
    run: Callable[..., Any]


def compiled(
    make_pass: MakePass,
    model: keras.Model,
    held: HeldOut,
    planner: Planner,
    *examples: Inputs,
    tokens_to_grid: TokensToGrid = None,
) -> CompiledPass:
    """Compiles a pass over held-out images; the trace that it needs anyway surveys the model.

    Args:
        make_pass: Makes the pass.
        model: The model.
        held: The images.
        planner: Makes the plan.
        *examples: Arguments of the pass after the inputs, in NumPy.
        tokens_to_grid: How a layer's tokens are laid out.

    Raises:
        ValueError: The images do not fit the model's input, the model was never built, or the
            plan cannot be made.
    """
    check_built(model)
    check_fits(model, held)
    planned = PlannedModel(model, planner, tokens_to_grid)
    try:
        run = backend().compile(model, make_pass(planned), (held.inputs, *examples))
    except Exception as error:
        if planned.has_returned:
            raise
        shapes = ", ".join(str(part.shape) for part in keras.tree.flatten(held.inputs))
        raise ValueError(
            "`images` must fit the model: a forward pass with them failed. Received: images of "
            f"shape {shapes}. The model said: {error}"
        ) from error
    assert planned.plan is not None  # the pass has run
    return CompiledPass(planned.plan, run)


def as_maps(calls: Sequence[LayerCall], outputs: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs of layers as ``(batch, *places, channels)``, whatever their data format.

    Args:
        calls: The layers' calls.
        outputs: NumPy arrays by layer path.
    """
    maps: dict[str, Array] = {}
    for call in calls:
        assert call.layout is not None  # `select` refuses calls without maps
        maps[call.path] = call.layout.to_maps(outputs[call.path])
    return maps
