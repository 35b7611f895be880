"""What a callback hands to its run to be written: pictures, and numbers of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keras_viz_callbacks.summary import summaries
from tensorboard_plugin import schema


@dataclass(frozen=True)
class Drawing:
    """A picture with its record, ready to be written.

    Attributes:
        record: What the picture is.
        data: The encoded picture, PNG or JPEG.
        heat_map: The raw heat map as a 16-bit PNG; None where there is none.
    """

    record: schema.Record
    data: bytes
    heat_map: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of the picture and of its heat map."""
        return len(self.data) + (0 if self.heat_map is None else len(self.heat_map))

    def values(self) -> list[summaries.Value]:
        """The summaries to be written."""
        record = self.record
        return [
            summaries.record(record, self.heat_map),
            summaries.image(record.tag, self.data, record.width, record.height),
        ]


@dataclass(frozen=True)
class Measured:
    """Numbers of layers, ready to be written. They need no picture.

    Attributes:
        table: The numbers, for the tab.
        scalars: Tags and values for TensorBoard's Scalars.
    """

    table: schema.MeasureTable
    scalars: Sequence[tuple[str, float]] = ()

    @property
    def size(self) -> int:
        """Bytes of pictures: there are none."""
        return 0

    def values(self) -> list[summaries.Value]:
        """The summaries to be written."""
        return [
            summaries.measures(self.table),
            *(summaries.scalar(tag, value) for tag, value in self.scalars),
        ]
