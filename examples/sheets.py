"""Pictures from a log directory, and several of them on one sheet."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from PIL import Image, ImageDraw, ImageFont
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

MARGIN = 8
TITLE = 26  # height of a line of text


class Pictures:
    """The pictures that the callbacks have written to a log directory, in its newest run."""

    def __init__(self, log_dir: Path) -> None:
        runs = [path for path in log_dir.iterdir() if re.fullmatch(r"keras_viz(-\d+)?", path.name)]
        newest = max(runs, key=lambda path: (len(path.name), path.name))
        self._events = EventAccumulator(str(newest), {"tensors": 0}).Reload()

    def tags(self, technique: str) -> list[str]:
        """The tags of a technique, in the order in which they were drawn."""
        tags = self._events.Tags()["tensors"]
        return [tag for tag in tags if tag.startswith(f"{technique}/")]

    def steps(self, tag: str) -> list[int]:
        """The steps of a tag."""
        return [event.step for event in self._events.Tensors(tag)]

    def get(self, tag: str, step: int | None = None) -> Image.Image:
        """The picture of a step, or the last one."""
        events = self._events.Tensors(tag)
        (event,) = [e for e in events if e.step == step] if step is not None else events[-1:]
        return Image.open(io.BytesIO(event.tensor_proto.string_val[2]))


def sheet(
    rows: Sequence[Sequence[Image.Image]],
    columns: Sequence[str],
    titles: Sequence[str] = (),
    width: int | None = None,
) -> Image.Image:
    """Pictures in rows, with a name above each column, and a title above each row that has one.

    With a width, all pictures get it; without, they keep their own.
    """
    rows = [[_scaled(picture.convert("RGBA"), width) for picture in row] for row in rows]
    widths = [max(row[i].width for row in rows if i < len(row)) for i in range(len(columns))]
    widths = [max(w, round(_font().getlength(c))) for w, c in zip(widths, columns, strict=True)]
    heights = [max(picture.height for picture in row) for row in rows]
    above, head = TITLE if titles else 0, TITLE if any(columns) else 0
    size = (
        MARGIN + sum(width + MARGIN for width in widths),
        head + MARGIN + sum(height + above + MARGIN for height in heights),
    )
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    lefts = [MARGIN + sum(widths[:i]) + i * MARGIN for i in range(len(widths))]
    for left, name in zip(lefts, columns, strict=True):
        draw.text((left, MARGIN / 2 + TITLE / 2), name, "#202124", _font(), "lm")
    top = head + MARGIN
    for nth, row in enumerate(rows):
        if titles:
            draw.text((MARGIN, top + TITLE / 2), titles[nth], "#5f6368", _font(), "lm")
            top += TITLE
        for left, picture in zip(lefts, row, strict=False):
            canvas.paste(picture, (left, top), picture)
        top += heights[nth] + MARGIN
    return canvas


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture, and print where it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)
    print(f"A sheet of some of the pictures: {path}")


def _scaled(picture: Image.Image, width: int | None) -> Image.Image:
    if width is None or width == picture.width:
        return picture
    return picture.resize((width, round(picture.height * width / picture.width)))


@functools.cache
def _font() -> ImageFont.FreeTypeFont:
    path = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(str(path), 14)
