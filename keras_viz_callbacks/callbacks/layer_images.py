"""What the callbacks that draw layers on held-out images share."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, final

from keras_viz_callbacks.callbacks.base import Draw
from keras_viz_callbacks.callbacks.images import HeldOutImagesCallback
from keras_viz_callbacks.callbacks.measures import Measurement
from keras_viz_callbacks.callbacks.options import ImageOptions, LayerImageOptions
from keras_viz_callbacks.callbacks.records import Moment
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.layout import check_tokens_to_grid
from keras_viz_callbacks.capture.plan import Plan
from keras_viz_callbacks.capture.selectors import Selector
from keras_viz_callbacks.options import part, with_options
from keras_viz_callbacks.summary.run import Drawing, Run

if TYPE_CHECKING:
    from typing_extensions import Unpack


@with_options(LayerImageOptions)
class LayerImagesCallback(HeldOutImagesCallback):
    """Base of the callbacks that draw one picture of each chosen layer for each held-out image.

    A subclass says which pass over which layers, and how to draw what it returns for a layer.

    Args:
        layers: Layer path, unique name, glob, layer, or a list of those; None for a default
            choice.
        measures: Names of the measures that are reported of each layer.

    Raises:
        ValueError: An argument is wrong.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        layers: Selector = None,
        default_name: str = "",
        measures: Sequence[str] = (),
        **options: Unpack[LayerImageOptions],
    ) -> None:
        super().__init__(log_dir, images, default_name=default_name, **part(ImageOptions, options))
        check_tokens_to_grid(options["tokens_to_grid"])
        self.layers = layers
        self._measures = measures
        self.tokens_to_grid = options["tokens_to_grid"]

    @abstractmethod
    def _plan(self) -> Plan:
        """Compiles the pass; checks the subclass's own arguments against the model."""

    @abstractmethod
    def _pass(self) -> Any:
        """Runs that pass on the held-out images."""

    @abstractmethod
    def _draw_layer(
        self, call: LayerCall, signals: Any, moment: Moment
    ) -> Iterator[Drawing | Measurement]:
        """Draws a picture of each image at one layer, and measures, what the pass returned."""

    @final
    def _prepare(self, run: Run) -> None:
        plan = self._plan()
        self._calls = plan.calls
        self._make_gallery(run, plan)
        run.claims.claim(self, self.gallery.tags(self.name, plan.calls))
        paths = [call.path for call in plan.calls]
        run.claims.claim(
            self, [self._scalar_tag(m, path) for path in paths for m in self._measures]
        )

    @final
    def _capture_images(self) -> Draw:
        signals = self._pass()

        def draw(moment: Moment) -> Iterator[Drawing | Measurement]:
            for call in self._calls:
                yield from self._draw_layer(call, signals, moment)

        return draw
