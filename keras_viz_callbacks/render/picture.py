"""Encoded pictures, images as people see them, and text on them."""

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
"""Of 100; no difference to the PNG is seen at twice the size."""


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
    """The image as a JPEG, a quarter of its PNG where it has the grain of a photograph.

    Its colours keep the resolution of its brightness: they mean something here.
    """
    return _encoded(image, "JPEG", quality=JPEG_QUALITY, subsampling=0)


def _encoded(image: Image.Image, kind: str, **options: Any) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Picture(buffer.getvalue(), image.width, image.height)


def encode_heat_map(heat_map: NDArray[np.float32]) -> tuple[bytes, float]:
    """A class activation map as a 16-bit greyscale PNG, and the value that 65535 stands for.

    Args:
        heat_map: ``(height, width)``, zero or above.
    """
    heat_map = np.nan_to_num(heat_map, nan=0, posinf=0, neginf=0)
    highest = float(heat_map.max())
    levels = heat_map * (65535 / highest) if highest > 0 else heat_map
    return encode(Image.fromarray(np.round(levels).astype(np.uint16))).data, highest


def to_rgb(images: NDArray[Any]) -> Pixels:
    """Images of any common value range as people see them.

    The range is judged on all images together: 8-bit values stay; floats within [0, 1],
    [-1, 1] and [0, 255] are taken for that range; anything else is stretched from its lowest
    to its highest value. Grey becomes RGB; of more than three channels the first three show.

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
    """A map resized bilinearly, pixels being areas (half-pixel centres).

    Args:
        image: ``(height, width)``.
        height: New height.
        width: New width.
    """
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


@functools.lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which has the letters of many scripts, as matplotlib ships it."""
    import matplotlib as mpl

    path = os.path.join(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(path, size)


def fitted(text: str, width: float, sizes: Sequence[int]) -> tuple[str, int]:
    """One line of text that fits a width in pixels, and the largest size at which it does.

    Text that is too long even in the last size is ended by ….
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
    """Draws text with the baseline and side that Pillow's ``anchor`` names."""
    ImageDraw.Draw(image).text(position, text, fill, font(size), anchor)
