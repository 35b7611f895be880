"""Colour maps by name, as palettes for 8-bit pictures."""

from __future__ import annotations

import difflib
import functools

import numpy as np
from numpy.typing import NDArray

LEVELS = 253
"""Palette entries of the colour map; the ones behind it have a meaning of their own."""
NOT_FINITE = 253
"""A value that is NaN or infinite."""
BLANK = 254
"""A channel that is zero everywhere."""
GAP = 255
"""Between cells; transparent, so that it suits light and dark pages."""

_SPECIAL = np.array([[255, 0, 160], [136, 136, 140], [255, 255, 255]], np.uint8)


@functools.lru_cache
def palette(name: str) -> NDArray[np.uint8]:
    """256 colours ``(256, 3)``: the colour map in `LEVELS` steps, then the special ones.

    Args:
        name: Any colour map that matplotlib knows.

    Raises:
        ValueError: It knows no such map.
    """
    import matplotlib as mpl

    if name not in mpl.colormaps:
        near = difflib.get_close_matches(name, list(mpl.colormaps), n=3)
        hint = f" The nearest are: {', '.join(map(repr, near))}." if near else ""
        raise ValueError(
            f"`colormap` must be the name of a matplotlib colour map.{hint} "
            f"Received: colormap={name!r}"
        )
    colors = mpl.colormaps[name](np.linspace(0, 1, LEVELS), bytes=True)[:, :3]
    return np.concatenate([colors, _SPECIAL])


def levels(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """Palette entries of values, ``low`` having the first colour and ``high`` the last.

    A range of one value gets the colour in the middle.
    """
    if not high > low:
        entries = np.full(values.shape, LEVELS // 2, np.uint8)
    else:
        scaled = (values - low) * ((LEVELS - 1) / (high - low))
        with np.errstate(invalid="ignore"):
            entries = np.clip(np.nan_to_num(scaled) + 0.5, 0, LEVELS - 1).astype(np.uint8)
    finite = np.isfinite(values)
    if not finite.all():
        entries[~finite] = NOT_FINITE
    return entries
