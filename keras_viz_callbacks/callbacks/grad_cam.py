"""GradCAM: which part of an image decided its class."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_viz_callbacks.callbacks.layer_images import LayerImagesCallback
from keras_viz_callbacks.callbacks.options import LayerImageOptions
from keras_viz_callbacks.callbacks.records import Moment
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.plan import Plan, report_choice
from keras_viz_callbacks.capture.selectors import Selector
from keras_viz_callbacks.capture.target import Target
from keras_viz_callbacks.explain.class_maps import CapturedClassMaps, ClassMaps
from keras_viz_callbacks.explain.tries import BATCH_SIZE
from keras_viz_callbacks.maps.class_activation import METHODS
from keras_viz_callbacks.options import with_options
from keras_viz_callbacks.render.overlay import draw_overlay, lay_flat
from keras_viz_callbacks.render.picture import encode_heat_map
from keras_viz_callbacks.summary.run import Drawing
from tensorboard_plugin import schema

if TYPE_CHECKING:
    from typing_extensions import Unpack

logger = logging.getLogger(__name__)


@with_options(LayerImageOptions, colormap="turbo")
class GradCAM(LayerImagesCallback):
    """Draws, over each held-out image, the parts that raise the score of its class.

    The score is the logit, read before the final softmax or sigmoid. Each picture's caption
    names the predicted and the true class; a wrong prediction has a red frame, a right one a
    green one.

    Args:
        layers: Layer path, unique name, glob, layer, or a list of those. None picks the last
            convolution.
        target: The score to explain: None for each image's predicted class, a class, one class
            for each image, or a function from the model's outputs to ``(batch,)``. For a model
            with several outputs also the name of one, or ``{name: class}``; by default the first
            that looks like classes.
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
        target: Target = None,
        method: str = "grad_cam",
        batch_size: int = BATCH_SIZE,
        **options: Unpack[LayerImageOptions],
    ) -> None:
        self._title = METHODS.find(method).title
        super().__init__(log_dir, images, layers=layers, default_name=method, **options)
        self.target = target
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
        report_choice(self._maps.plan)
        if not self._maps.plan.score.is_before_activation:
            logger.warning(
                "No logit was found before the model's output; class maps of %r explain the "
                "output itself.",
                self.name,
            )
        return self._maps.plan

    def _pass(self) -> CapturedClassMaps:
        return self._maps.capture()

    def _draw_layer(
        self, call: LayerCall, captured: CapturedClassMaps, moment: Moment
    ) -> Iterator[Drawing]:
        maps = captured.finish(call.path)
        for index, heat_map in enumerate(maps):
            if not np.isfinite(heat_map).all():
                raise FloatingPointError(
                    f"the class map of {self.gallery.names[index]!r} at {call.path!r} is NaN or "
                    "infinite"
                )
            label, prediction, target = self._scores(index, captured)
            flat, enlarged = lay_flat(heat_map, self.gallery.places)
            image = self.gallery.pixels[index]
            if heat_map.ndim != len(self.gallery.places):
                # The layer's places are not those of the image.
                image = np.full((*flat.shape, 3), 128, np.uint8)
            picture = draw_overlay(
                image,
                enlarged,
                colormap=self.colormap,
                label=label,
                prediction=prediction,
                target=target,
            )
            raw, value_range = encode_heat_map(flat)
            record = self.gallery.record(
                self.name, index, picture, moment, call=call, shape=captured.shapes[call.path]
            )
            record = replace(
                record,
                kind="evidence",
                title=self._title,
                label=label,
                prediction=prediction,
                target=target,
                colormap=self.colormap,
                value_range=value_range,
                blank=value_range == (0.0, 0.0),
                map_shape=flat.shape,
            )
            yield Drawing(record, picture.data, raw)

    def _scores(
        self, index: int, captured: CapturedClassMaps
    ) -> tuple[schema.ClassScore | None, schema.ClassScore | None, schema.ClassScore | None]:
        """Label, prediction and target of an image."""
        if captured.probabilities is None:
            return self.gallery.label(index), None, None
        probabilities = captured.probabilities[index]
        label = self.gallery.label(index, probabilities)
        prediction = self.gallery.score(int(probabilities.argmax()), probabilities)
        if self._maps.plan.score.function is not None:
            return label, prediction, None
        return label, prediction, self.gallery.score(int(captured.classes[index]), probabilities)
