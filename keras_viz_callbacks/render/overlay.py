"""Heat maps over the image that they explain, with a caption that is red if the class is wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_viz_callbacks.maps.places import map_slices, mosaic_of_slices, slices_of
from keras_viz_callbacks.render import colors
from keras_viz_callbacks.render.picture import (
    Picture,
    Pixels,
    draw_text,
    encode_photograph,
    fitted,
    resize,
)
from tensorboard_plugin.schema import ClassScore

SHORTEST_SIDE = 224
"""Smaller images are enlarged to about this many pixels, so that they can be seen on a screen."""

OPACITY = 0.75
"""Opacity where the map is highest; where it is zero, the image is as it was."""

SIGNED_QUANTILE = 0.99
"""Quantile of the magnitudes of a signed map that has the last colour: a few pixels are many times
stronger than all others, and would be the only ones with a colour."""

_PALE, _CONTRAST = 110, 0.45  # of the image below a signed map
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)

_CAPTION = 44
_COLORS = {True: "#1b7f4b", False: "#b3261e", None: "#3c4043"}


def draw_overlay(
    image: Pixels,
    heat_map: NDArray[np.float32],
    *,
    colormap: str,
    label: ClassScore | None = None,
    prediction: ClassScore | None = None,
    target: ClassScore | None = None,
) -> Picture:
    """The heat map, divided by its highest magnitude, over the image; a caption below.

    A signed map is divided by a high quantile of its magnitudes, and the image below it is pale and
    grey, so that both signs stand out.

    Args:
        image: uint8 ``(height, width, 3)``.
        heat_map: ``(map height, map width)``, enlarged bilinearly with half-pixel centres. Zero
            leaves the image as it is, or pale; a map of zeros is labelled.
        colormap: Name of a colour map. It covers the values from 0 to 1 after the division, or,
            if any value is negative, from -1 to 1: a diverging colour map is then best.
        label: The true class.
        prediction: The predicted class.
        target: The explained class.
    """
    height, width = image.shape[:2]
    factor = max(1, round(SHORTEST_SIDE / min(height, width)))
    base = np.repeat(np.repeat(image, factor, axis=0), factor, axis=1)
    if factor > 1:
        size = (width * factor, height * factor)
        base = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    heat_map = np.nan_to_num(heat_map, nan=0, posinf=0, neginf=0)
    highest = float(np.abs(heat_map).max())
    if highest > 0:
        lowest, largest = 0, highest
        if (heat_map < 0).any():
            lowest, largest = -1, _signed_scale(heat_map)
            base = np.repeat((_PALE + _CONTRAST * (base @ _LUMINANCE))[..., None], 3, axis=-1)
        heat = np.clip(resize(heat_map / np.float32(largest), *base.shape[:2]), lowest, 1)
        color = colors.palette(colormap)[colors.levels(heat, lowest, 1)]
        weight = np.abs(heat)[..., None] * OPACITY
        base = np.round(base + (color.astype(np.float32) - base) * weight).astype(np.uint8)
    lines = _caption(label, prediction, target, blank=highest == 0)
    if not lines:
        return encode_photograph(Image.fromarray(base))
    right = None if label is None or prediction is None else label.index == prediction.index
    # A frame in the caption's colour, so that a wrong prediction is easy to see among many.
    frame = 4
    size = (base.shape[1] + 2 * frame, base.shape[0] + frame + _CAPTION)
    canvas = Image.new("RGB", size, _COLORS[right])
    canvas.paste(Image.fromarray(base), (frame, frame))
    middle = base.shape[0] + frame + _CAPTION / 2
    for line, text in enumerate(lines):
        y = middle + (line - (len(lines) - 1) / 2) * 18
        text, height = fitted(text, size[0] - 16, (13, 12, 11))
        draw_text(canvas, (8, y), text, height, "#ffffff")
    return encode_photograph(canvas)


def _signed_scale(heat_map: NDArray[np.float32]) -> float:
    """The magnitude that has the last colour; the largest one where all others are zero."""
    magnitudes = np.abs(heat_map)
    quantile = float(np.quantile(magnitudes, SIGNED_QUANTILE, method="higher"))
    return quantile if quantile > 0 else float(magnitudes.max())


def lay_flat(
    heat_map: NDArray[np.float32], image_places: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A heat map of any number of place axes, in two axes, laid out like the image it explains.

    Args:
        heat_map: ``(*places)`` at the layer's resolution.
        image_places: Size of each place axis of the image.

    Returns:
        The map in two axes at the layer's resolution; and the map to be drawn over the picture,
        for which each slice of a volume is enlarged by itself, so that slices do not mix.
    """
    if heat_map.ndim == 1:
        return heat_map[None], heat_map[None]
    if heat_map.ndim == 2:
        return heat_map, heat_map
    depth, *sides = image_places if len(image_places) == 3 else heat_map.shape
    slices = map_slices(heat_map, slices_of(depth))
    enlarged = np.stack([resize(part, *sides) for part in slices])
    return mosaic_of_slices(slices), mosaic_of_slices(enlarged)


def _caption(
    label: ClassScore | None,
    prediction: ClassScore | None,
    target: ClassScore | None,
    *,
    blank: bool,
) -> list[str]:
    lines = []
    if prediction is not None:
        sign = "" if label is None else ("✓ " if label.index == prediction.index else "✗ ")
        chance = "" if prediction.probability is None else f"  {_percent(prediction.probability)}"
        lines.append(f"{sign}predicted {prediction.name}{chance}")
    second = []
    if label is not None:
        second.append(f"true {label.name}")
        is_wrong = prediction is not None and label.index != prediction.index
        if is_wrong and label.probability is not None:
            second[-1] += f"  {_percent(label.probability)}"
    if target is not None and (prediction is None or target.index != prediction.index):
        second.append(f"map for {target.name}")
    if blank:
        second.append("blank map")
    return lines + ([" · ".join(second)] if second else [])


def _percent(probability: float) -> str:
    return f"{100 * probability:.0f} %" if probability >= 0.01 else "<1 %"
