"""The measures of one layer that one callback reports, by step."""

from __future__ import annotations

import typing
from collections.abc import Mapping

from tensorboard_plugin.index.step_columns import StepColumns

_COLUMN_TYPES = {"step": "q", "file": "I"}


class LayerSeries:
    """Measures of a layer, ascending by step.

    Args:
        name: Name of the callback that reports them.
        layer: The layer.
    """

    def __init__(self, name: str, layer: dict[str, typing.Any]) -> None:
        self.name = name
        self.layer = layer
        self.columns = StepColumns(_COLUMN_TYPES)
        self.step = self.columns.step

    def put(self, step: int, file: int, measures: Mapping[str, float]) -> bool:
        """Enters the measures of one step.

        Measures that the same file reported before at this step stay, those of an earlier file
        are replaced.

        Args:
            step: The step.
            file: Place of the file among those of the run.
            measures: Numbers by name; NaN where one is not known.

        Returns:
            Whether they are entered: not if a later file has this step.
        """
        known = self.columns.file_of(step)
        if known > file:
            return False
        names, values = tuple(measures), tuple(measures.values())
        i = self.columns.find(step) if known == file else None
        if i is None:
            self.columns.put((step, file), names, values)
        else:
            self.columns.put_measures(i, names, values)
        return True
