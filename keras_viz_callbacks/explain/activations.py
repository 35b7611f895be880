"""What does each layer return for these images?"""

from __future__ import annotations

import keras

from keras_viz_callbacks.capture import passes
from keras_viz_callbacks.capture.compiled import Array, as_maps, compiled
from keras_viz_callbacks.capture.held_out import HeldOut
from keras_viz_callbacks.capture.layout import TokensToGrid
from keras_viz_callbacks.capture.plan import Plan, plan_activations
from keras_viz_callbacks.capture.selectors import Selector


class Activations:
    """Outputs of the chosen layers, in one forward pass that ends at the last of them.

    Attributes:
        plan: The chosen layers.

    Args:
        model: The model.
        held: The images.
        layers: See `Selector`; None means every convolution.
        tokens_to_grid: How a layer's tokens are laid out.

    Raises:
        ValueError: The images do not fit, or a layer cannot be chosen.
    """

    def __init__(
        self,
        model: keras.Model,
        held: HeldOut,
        layers: Selector = None,
        tokens_to_grid: TokensToGrid = None,
    ) -> None:
        self._held = held
        self._pass = compiled(
            passes.activations,
            model,
            held,
            plan_activations(layers),
            tokens_to_grid=tokens_to_grid,
        )
        self.plan: Plan = self._pass.plan

    def capture(self) -> dict[str, Array]:
        """By layer path, in network order: float32 ``(batch, *places, channels)``."""
        return as_maps(self.plan.calls, self._pass.run(self._held.inputs))
