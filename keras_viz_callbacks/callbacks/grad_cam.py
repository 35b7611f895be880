"""GradCAM: which part of an image decided its class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keras_viz_callbacks.callbacks.evidence import Explained, draw_evidence, report_explained
from keras_viz_callbacks.callbacks.layer_images import LayerImagesCallback
from keras_viz_callbacks.callbacks.options import LayerEvidenceOptions, LayerImageOptions
from keras_viz_callbacks.callbacks.records import Moment
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.plan import Plan
from keras_viz_callbacks.capture.selectors import Selector
from keras_viz_callbacks.explain.class_maps import CapturedClassMaps, ClassMaps
from keras_viz_callbacks.explain.tries import BATCH_SIZE
from keras_viz_callbacks.maps.class_activation import METHODS
from keras_viz_callbacks.options import part, with_options
from keras_viz_callbacks.summary.run import Drawing

if TYPE_CHECKING:
    from typing_extensions import Unpack


@with_options(LayerEvidenceOptions, colormap="turbo")
class GradCAM(LayerImagesCallback):
    """Draws, over each held-out image, the parts that raise the score of its class.

    The score is the logit, read before the final softmax or sigmoid. Each picture's caption
    names the predicted and the true class; a wrong prediction has a red frame, a right one a
    green one.

    Args:
        layers: Layer path, unique name, glob, layer, or a list of those. None picks the last
            convolution.
        method: Name of a class activation method, such as ``"grad_cam"`` or ``"score_cam"``.
        batch_size: How many images a forward pass takes at most, for methods that try variants
            of the image or of the layer.
        name: First part of the tags; the method's name by default.

    Raises:
        ValueError: An argument is wrong; what depends on the model is checked in
            ``on_train_begin``.

    Example:
        >>> model.fit(x, y, callbacks=[GradCAM("logs/run1", x_val[:4], labels=y_val[:4])])
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        layers: Selector = None,
        method: str = "grad_cam",
        batch_size: int = BATCH_SIZE,
        **options: Unpack[LayerEvidenceOptions],
    ) -> None:
        self._title = METHODS.find(method).title
        super().__init__(
            log_dir,
            images,
            layers=layers,
            default_name=method,
            **part(LayerImageOptions, options),
        )
        self.target = options["target"]
        self.method = method
        self.batch_size = batch_size

    def _plan(self) -> Plan:
        self._maps = ClassMaps(
            self.model,
            self.held,
            layers=self.layers,
            target=self.target,
            method=self.method,
            tokens_to_grid=self.tokens_to_grid,
            batch_size=self.batch_size,
        )
        report_explained(self._maps.plan, self.name)
        return self._maps.plan

    def _pass(self) -> CapturedClassMaps:
        return self._maps.capture()

    def _draw_layer(
        self, call: LayerCall, captured: CapturedClassMaps, moment: Moment
    ) -> Iterator[Drawing]:
        explained = Explained(self._maps.plan, captured.classes, captured.probabilities)
        for index, heat_map in enumerate(captured.finish(call.path)):
            yield draw_evidence(
                heat_map,
                explained,
                self.gallery,
                index,
                moment,
                name=self.name,
                title=self._title,
                colormap=self.colormap,
                call=call,
                shape=captured.shapes[call.path],
            )
