"""Measures: numbers that say something about a layer's activations, one function each.

A measure takes activations ``(batch, *places, channels)`` and returns a number. It is registered
by its decorator, and then appears under its name in TensorBoard's Scalars, in the records, and in
the tab.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.maps.registry import Registry

_FIRST = 1024  # places
_FEW = 16  # one of that many channels

Array = NDArray[np.float32]
Formula = Callable[[Array], float]
Subject = Literal["layer", "picture"]


@dataclass(frozen=True)
class Measure:
    """A number that says something about activations.

    Attributes:
        name: Its name.
        of: ``"layer"`` for a number of all images together, ``"picture"`` for one of each image.
        formula: Function from activations ``(batch, *places, channels)`` to the number; a batch of
            one image for ``"picture"``.
    """

    name: str
    of: Subject
    formula: Formula


MEASURES: Registry[Measure] = Registry("measure")
"""Every measure by its name."""


def measure(of: Subject) -> Callable[[Formula], Formula]:
    """Registers a measure under its function's name.

    Args:
        of: ``"layer"`` for a number of all images together, ``"picture"`` for one of each image.
    """

    def register(formula: Formula) -> Formula:
        MEASURES[formula.__name__] = Measure(formula.__name__, of, formula)
        return formula

    return register


def names_of(of: Subject) -> tuple[str, ...]:
    """Names of the measures of layers, or of pictures."""
    return tuple(each.name for each in MEASURES.values() if each.of == of)


def measured(activations: Array, of: Subject) -> dict[str, float | None]:
    """Every measure of a layer, or of a picture, by its name; None where it is not finite.

    Args:
        activations: ``(batch, *places, channels)``; one image for a picture.
        of: ``"layer"`` or ``"picture"``.
    """
    values = {m.name: float(m.formula(activations)) for m in MEASURES.values() if m.of == of}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


@measure(of="layer")
def dead_channels(activations: Array) -> float:
    """Share of the channels that are zero everywhere on every image."""
    return _zero_everywhere(activations)


@measure(of="picture")
def blank_channels(activations: Array) -> float:
    """Share of the channels that are zero everywhere on the image."""
    return _zero_everywhere(activations)


def _zero_everywhere(activations: Array) -> float:
    flat = activations.reshape(-1, activations.shape[-1])
    # Most channels have other values among the first. If few do not, only they are read to the end.
    zero = np.logical_not(flat[:_FIRST].any(axis=0))
    if _FEW * zero.sum() < len(zero):
        zero[zero] = np.logical_not(flat[:, zero].any(axis=0))
    else:
        zero = np.logical_not(flat.any(axis=0))
    return float(zero.mean())
