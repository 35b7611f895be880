"""Grids of channels or filters, one in each cell."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_viz_callbacks.maps.channels import Statistics
from keras_viz_callbacks.render import colors
from keras_viz_callbacks.render.picture import Picture, Pixels, encode, encode_photograph
from tensorboard_plugin.schema import PALETTE_BLANK, PALETTE_GAP, Grid

GAP = 2
"""Pixels between cells and around the grid."""


def layout(items: Sequence[int], height: int, width: int, cell_size: int) -> Grid:
    """A grid that is as nearly square as possible.

    Maps that are smaller than a cell are enlarged by an integer, so that their pixels stay square.

    Args:
        items: Channels or filters, in order.
        height: Height of a map.
        width: Width of a map.
        cell_size: Longer side of a cell in pixels, at most.
    """
    longest = max(height, width)
    if longest <= cell_size:
        factor: float = cell_size // longest
    else:
        factor = cell_size / longest
    columns = min(len(items), math.ceil(math.sqrt(len(items) * height / width)))
    return Grid(
        columns=columns,
        rows=math.ceil(len(items) / columns),
        cell_width=max(1, round(width * factor)),
        cell_height=max(1, round(height * factor)),
        gap=GAP,
        items=tuple(int(item) for item in items),
    )


def draw_channels(
    activation: NDArray[np.float32],
    statistics: Statistics,
    grid: Grid,
    *,
    scale: str,
    colormap: str,
) -> Picture:
    """A grid of channels, in the colours of their values.

    Args:
        activation: ``(height, width, channels)``.
        statistics: Statistics of these channels.
        grid: Layout, whose items are channels.
        scale: ``"channel"`` colours each cell by its own range, ``"layer"`` all by one.
        colormap: Name of a colour map.
    """
    picked = list(grid.items)
    low, high = statistics.minimum[picked], statistics.maximum[picked]
    if scale == "layer":
        lowest, highest = _range_of(low, high)
        low, high = np.full_like(low, lowest), np.full_like(high, highest)
    maps = np.ascontiguousarray(np.moveaxis(activation[..., picked], -1, 0))
    cells = _fitted(maps, grid, low[:, None, None], high[:, None, None])
    cells[statistics.blank[picked]] = PALETTE_BLANK
    canvas = _canvas(grid, np.uint8(PALETTE_GAP))
    for place, cell in enumerate(cells):
        _paste(canvas, grid, place, cell)
    image = Image.fromarray(canvas).convert("P")
    image.putpalette(colors.palette(colormap).tobytes())
    return encode(image, transparency=PALETTE_GAP)


def draw_patterns(patterns: Pixels, blank: Sequence[bool], grid: Grid) -> Picture:
    """A grid of patterns, each in its own colours.

    Args:
        patterns: uint8 ``(filter, height, width, channels)`` in the order of the grid's items.
        blank: Whether a filter responded to nothing, for each; its cell is empty.
        grid: Layout, whose items are filters.
    """
    canvas = _canvas(grid, np.array([255, 255, 255], np.uint8))
    for place, pattern in enumerate(patterns):
        if blank[place]:
            cell = np.broadcast_to(
                colors.palette("viridis")[PALETTE_BLANK], (grid.cell_height, grid.cell_width, 3)
            )
        else:
            size = (grid.cell_width, grid.cell_height)
            rgb = pattern[..., :3] if pattern.shape[-1] >= 3 else np.repeat(pattern[..., :1], 3, -1)
            cell = rgb
            if pattern.shape[:2] != (grid.cell_height, grid.cell_width):
                larger = grid.cell_height > pattern.shape[0]
                resampling = Image.Resampling.NEAREST if larger else Image.Resampling.BOX
                cell = np.asarray(Image.fromarray(rgb).resize(size, resampling))
        _paste(canvas, grid, place, cell)
    return encode_photograph(Image.fromarray(canvas))


def value_range(statistics: Statistics, items: Sequence[int]) -> tuple[float, float]:
    """Lowest and highest finite value of these channels; zeros where there is none."""
    return _range_of(statistics.minimum[list(items)], statistics.maximum[list(items)])


def _range_of(low: NDArray[np.float32], high: NDArray[np.float32]) -> tuple[float, float]:
    if np.isnan(low).all():
        return 0.0, 0.0
    return float(np.nanmin(low)), float(np.nanmax(high))


def _fitted(
    maps: NDArray[np.float32], grid: Grid, low: NDArray[np.float32], high: NDArray[np.float32]
) -> Pixels:
    """Maps ``(channel, height, width)`` as palette entries of a cell's size."""
    height, width = maps.shape[1:]
    if height <= grid.cell_height:
        entries = colors.levels(maps, low, high)
        taller = np.repeat(entries, grid.cell_height // height, axis=1)
        return np.repeat(taller, grid.cell_width // width, axis=2)
    size = (grid.cell_width, grid.cell_height)
    smaller = [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BOX)) for one in maps]
    return colors.levels(np.stack(smaller), low, high)


def _canvas(grid: Grid, background: NDArray[np.uint8] | np.uint8) -> Pixels:
    shape = (*grid.size, *np.shape(background))
    return np.broadcast_to(background, shape).copy()


def _paste(canvas: Pixels, grid: Grid, place: int, cell: Pixels) -> None:
    top, left = grid.corner(place)
    canvas[top : top + grid.cell_height, left : left + grid.cell_width] = cell
