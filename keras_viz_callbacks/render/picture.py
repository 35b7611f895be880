"""Encoded pictures, images to be looked at, and text on them."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]

JPEG_QUALITY = 80
"""Quality from 0 to 100; at twice its size the picture still looks like the PNG."""


@dataclass(frozen=True)
class Picture:
    """An encoded picture, PNG or JPEG, and its size in pixels."""

    data: bytes
    width: int
    height: int


def encode(image: Image.Image, **options: Any) -> Picture:
    """The image as a PNG; a palette image stays one, at half the bytes of RGB."""
    return _encoded(image, "PNG", compress_level=4 if image.mode == "P" else 3, **options)


def encode_photograph(image: Image.Image) -> Picture:
    """The image as a JPEG: a quarter of the bytes of a PNG, if it has the noise of a photograph.

    Colours keep the resolution of brightness, because here they have a meaning.
    """
    return _encoded(image, "JPEG", quality=JPEG_QUALITY, subsampling=0)


def _encoded(image: Image.Image, kind: str, **options: Any) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Picture(buffer.getvalue(), image.width, image.height)


def encode_heat_map(heat_map: NDArray[np.float32]) -> tuple[bytes, tuple[float, float]]:
    """A heat map as a 16-bit greyscale PNG, and the values of its grey levels 0 and 65535.

    Args:
        heat_map: ``(height, width)``. The range of a map without negative values begins at 0.
    """
    heat_map = np.nan_to_num(heat_map, nan=0, posinf=0, neginf=0)
    low, high = min(0.0, float(heat_map.min())), max(0.0, float(heat_map.max()))
    levels = np.zeros_like(heat_map)
    if high > low:
        levels = (heat_map - np.float32(low)) * (65535 / (high - low))
    data = encode(Image.fromarray(np.round(levels).astype(np.uint16))).data
    return data, (low, high)


def to_rgb(images: NDArray[Any]) -> Pixels:
    """Images of any common value range, to be looked at.

    All images together have one range: 8-bit values stay as they are; floats within [0, 1],
    [-1, 1] or [0, 255] have that range; any others are scaled from their lowest to their highest
    value. Grey becomes RGB; of more than three channels, the first three are shown.

    Args:
        images: ``(batch, height, width, channels)``.

    Returns:
        uint8 ``(batch, height, width, 3)``.
    """
    if images.dtype != np.uint8:
        values = images.astype(np.float32)
        low, high = float(values.min()), float(values.max())
        if low >= 0 and high <= 1:
            low, high = 0, 1
        elif low >= -1 and high <= 1:
            low, high = -1, 1
        elif low >= 0 and high <= 255:
            low, high = 0, 255
        scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
        images = np.round(scaled * 255).astype(np.uint8)
    if images.shape[-1] < 3:
        images = images[..., :1]
    return np.broadcast_to(images[..., :3], (*images.shape[:3], 3))


def resize(image: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """A map resized bilinearly, with half-pixel centres: pixels are areas.

    Args:
        image: ``(height, width)``.
        height: New height.
        width: New width.
    """
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


@functools.lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which has the letters of many scripts and comes with matplotlib."""
    import matplotlib as mpl

    path = os.path.join(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(path, size)


def fitted(text: str, width: float, sizes: Sequence[int]) -> tuple[str, int]:
    """A line of text that fits a width in pixels, and the first of the sizes at which it does.

    Text that is too long even in the last size is cut, and ends in ….
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in text[:500]).split())
    for size in sizes:
        if font(size).getlength(text) <= width:
            return text, size
    while text and font(size).getlength(text + "…") > width:
        text = text[:-1]
    return text + "…", size


def draw_text(
    image: Image.Image,
    position: tuple[float, float],
    text: str,
    size: int,
    fill: str,
    anchor: str = "lm",
) -> None:
    """Draws text at a position, which ``anchor`` relates to the text as Pillow does."""
    ImageDraw.Draw(image).text(position, text, fill, font(size), anchor)
