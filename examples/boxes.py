"""Boxes on scenes: how much two boxes overlap, and pictures of them.

A box is top, left, bottom, right in pixels, ends excluded, as in `scenes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

SCALE = 2  # scenes are enlarged by this factor
CAPTION = 22  # height of a caption, in pixels
Box = tuple[Sequence[float], str]  # the box, and the colour of its outline


def intersection_over_union(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The overlap of boxes (…, 4) with boxes (…, 4), broadcast: float (…) in [0, 1]."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    shared = np.clip(
        np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None
    ).prod(-1)
    areas = [np.clip(box[..., 2:] - box[..., :2], 0, None).prod(-1) for box in (a, b)]
    union = areas[0] + areas[1] - shared
    return np.divide(shared, union, out=np.zeros_like(union), where=union > 0)


def heated(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """An image (height, width, 3) in [0, 1], in grey, with its class map on top.

    The map is enlarged to the image and divided by its maximum. Where it is zero, the image stays
    grey.
    """
    image = np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1)
    share = enlarged(heat, image.shape[:2])[..., None]
    share = np.clip(share / max(share.max(), 1e-12), 0, 1)
    return image + 0.7 * share * (mpl.colormaps["turbo"](share[..., 0])[..., :3] - image)


def enlarged(heat: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A map enlarged to the size of its image: bilinear, with half-pixel centres."""
    size = shape[1], shape[0]
    large = Image.fromarray(np.asarray(heat, np.float32)).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(large)


def panel(image: np.ndarray, boxes: Sequence[Box] = (), caption: str = "") -> Image.Image:
    """An image (height, width, 3) in [0, 1], boxes on it, and a line of text below.

    A box without area, that of a map that is zero everywhere, is not drawn.
    """
    pixels = Image.fromarray((np.clip(image, 0, 1) * 255).round().astype(np.uint8))
    large = pixels.resize((pixels.width * SCALE, pixels.height * SCALE), Image.Resampling.BICUBIC)
    drawn = Image.new("RGB", (large.width, large.height + CAPTION), "white")
    drawn.paste(large)
    draw = ImageDraw.Draw(drawn)
    for box, colour in boxes:
        top, left, bottom, right = (round(float(side) * SCALE) for side in box)
        if top < bottom and left < right:
            draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=2)
    draw.text((2, large.height + CAPTION / 2), caption, "#202124", _font(12), "lm")
    return drawn


def sheet(panels: Sequence[Image.Image], columns: int, gap: int = 8) -> Image.Image:
    """Panels of one size, row by row, on white."""
    width, height = panels[0].size
    rows = -(-len(panels) // columns)
    picture = Image.new(
        "RGB", (gap + columns * (width + gap), gap + rows * (height + gap)), "white"
    )
    for number, drawn in enumerate(panels):
        row, column = divmod(number, columns)
        picture.paste(drawn, (gap + column * (width + gap), gap + row * (height + gap)))
    return picture


def save(picture: Image.Image, path: Path) -> None:
    """Saves a picture by the file's suffix; a JPEG keeps the full resolution of colours."""
    picture.save(path, quality=90, subsampling=0, optimize=True)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)
