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

STEP = 2
"""Only every second entry is used: a picture takes a fifth fewer bytes, and no eye tells."""

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


def levels(
    values: NDArray[np.float32],
    low: NDArray[np.float32] | float,
    high: NDArray[np.float32] | float,
) -> NDArray[np.uint8]:
    """Palette entries of values, ``low`` having the first colour and ``high`` the last.

    A range of one value gets the colour in the middle.

    Args:
        values: Of any shape.
        low: Lowest value, or an array of them that broadcasts.
        high: Highest.
    """
    highest = (LEVELS - 1) // STEP
    span = np.asarray(high, np.float32) - np.asarray(low, np.float32)
    is_range = span > 0
    factor = np.divide(highest, span, out=np.zeros_like(span), where=is_range)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.subtract(values, low, dtype=np.float32)
        scaled *= factor
        scaled += np.where(is_range, np.float32(0.5), np.float32(LEVELS // 2 / STEP))
        np.clip(scaled, 0, highest, out=scaled)
        entries = scaled.astype(np.uint8)
    entries *= STEP
    finite = np.isfinite(values)
    if not finite.all():
        entries[~finite] = NOT_FINITE
    return entries
