"""Everything of a model that an observer might change, and whether it did."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_viz_callbacks.capture.layers import layer_paths
from tests.helpers.backends import BACKEND

# Keras itself notes that a layer was called and how.
_NOTES = {"_called", "_inbound_nodes", "_outbound_nodes", "_call_context_args"}


def state_of(model: keras.Model) -> dict[str, Any]:
    """Attributes, values of the variables, flags, losses, random seeds, torch's flags and hooks."""
    everything = [model, *layer_paths(model).values()]
    state = {
        "attributes": [
            {name: value for name, value in vars(layer).items() if name not in _NOTES}
            for layer in everything
        ],
        "trainable": [layer.trainable for layer in everything],
        "losses": [list(layer.losses) for layer in everything],
        # Seeds of dropout and augmentation are among them.
        "variables": [keras.ops.convert_to_numpy(variable) for variable in model.variables],
        "optimizer": [
            keras.ops.convert_to_numpy(variable)
            for variable in getattr(getattr(model, "optimizer", None), "variables", ())
        ],
    }
    if BACKEND == "torch":
        modules = list(model.modules())
        state["training"] = [module.training for module in modules]
        state["requires_grad"] = [parameter.requires_grad for parameter in model.parameters()]
        state["gradients"] = [parameter.grad is None for parameter in model.parameters()]
        state["hooks"] = [
            (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
            for m in modules
        ]
    return state


def assert_same_state(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name, value in before.items():
        if name == "attributes":
            for own, now in zip(value, after[name], strict=True):
                assert own.keys() == now.keys()
                for key in own:
                    assert own[key] is now[key] or own[key] == now[key], key
        elif name in ("variables", "optimizer"):
            for own, now in zip(value, after[name], strict=True):
                np.testing.assert_array_equal(own, now)
        else:
            assert value == after[name], name
