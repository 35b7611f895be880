"""Reads event files by TensorBoard's own parser, and the records in them by ours."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto import event_pb2

from tensorboard_plugin import schema


class Log:
    """Every summary below a directory.

    Attributes:
        pictures: PNG bytes by (run below the directory, tag, step).
        records: Records by the same key.
        heat_maps: 16-bit PNG bytes by the same key.
        scalars: Values by the same key.
        tables: Measure tables by (run, name of the callback, step), one after the other.
        contents: Step of each event that lists others.
        files: Event files.
    """

    def __init__(self, directory) -> None:
        self.pictures: dict[tuple[str, str, int], bytes] = {}
        self.records: dict[tuple[str, str, int], schema.Record] = {}
        self.heat_maps: dict[tuple[str, str, int], bytes] = {}
        self.scalars: dict[tuple[str, str, int], float] = {}
        self.tables: dict[tuple[str, str, int], list[schema.MeasureTable]] = {}
        self.contents: list[int] = []
        self.files = sorted(
            path
            for path in Path(directory).rglob("*tfevents*")
            if schema.is_run_name(path.parent.name)
        )
        for path in self.files:
            run = path.parent.relative_to(directory).as_posix()
            for raw in RawEventFileLoader(str(path)).Load():
                self._add(run, event_pb2.Event.FromString(raw))

    def _add(self, run: str, event) -> None:
        for value in event.summary.value:
            plugin = value.metadata.plugin_data.plugin_name
            key = (run, value.tag, event.step)
            if plugin == "images":
                self.pictures[key] = value.tensor.string_val[2]
            elif plugin == "scalars":
                self.scalars[key] = value.tensor.float_val[0]
            elif value.tag == schema.CONTENTS_TAG:
                self.contents.append(event.step)
            elif plugin == schema.PLUGIN_NAME and schema.is_measures_tag(value.tag):
                table = schema.decode_measures(value.tensor.string_val[0])
                self.tables.setdefault((run, table.name, event.step), []).append(table)
            elif plugin == schema.PLUGIN_NAME:
                record = schema.decode_record(value.tensor.string_val[0])
                key = (run, record.tag, event.step)
                self.records[key] = record
                if len(value.tensor.string_val) > 1:
                    self.heat_maps[key] = value.tensor.string_val[1]

    def steps(self, tag: str, run: str = "keras_viz") -> list[int]:
        """Steps of a tag's pictures."""
        return sorted(step for r, t, step in self.pictures if (r, t) == (run, tag))

    def tags(self, prefix: str = "") -> set[str]:
        """Tags of pictures that begin so, such as with a callback's name."""
        return {tag for _, tag, _ in self.pictures if tag.startswith(prefix)}

    def layer_measure(
        self, name: str, measure: str, step: int, run: str = "keras_viz"
    ) -> dict[str, float | None]:
        """The numbers that a callback reports of its layers at a step, by layer path."""
        return {
            layer.path: value
            for table in self.tables.get((run, name, step), [])
            for layer, value in zip(table.layers, table.measures.get(measure, ()), strict=True)
        }

    def picture(self, tag: str, step: int, run: str = "keras_viz") -> Image.Image:
        """A picture, decoded."""
        return decode(self.pictures[run, tag, step])


def decode(png: bytes) -> Image.Image:
    """A PNG as Pillow reads it."""
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def rgb(png: bytes) -> np.ndarray:
    """A PNG's pixels, uint8 ``(height, width, 3)``."""
    return np.asarray(decode(png).convert("RGB"))
