"""GradCAM: which part of an image decided its class."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from keras_viz_callbacks.callbacks.base import Moment
from keras_viz_callbacks.callbacks.images import MAX_IMAGES, HeldOutImagesCallback
from keras_viz_callbacks.capture.held_out import Preprocess
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.layout import TokensToGrid
from keras_viz_callbacks.capture.plan import Plan
from keras_viz_callbacks.capture.selectors import Selector
from keras_viz_callbacks.capture.target import Target, report_choice
from keras_viz_callbacks.explain.class_maps import CapturedClassMaps, ClassMaps
from keras_viz_callbacks.maps import class_activation
from keras_viz_callbacks.render.overlay import draw_overlay, lay_flat
from keras_viz_callbacks.render.picture import encode_heat_map
from keras_viz_callbacks.summary.run import Drawing
from tensorboard_plugin import schema

logger = logging.getLogger(__name__)


class GradCAM(HeldOutImagesCallback):
    """Draws, over each held-out image, the parts that raise the score of its class.

    The score is the logit, read before the final softmax or sigmoid. Each picture's caption
    names the predicted and the true class; a wrong prediction has a red frame, a right one a
    green one.

    Args:
        log_dir: Log directory; pictures go to its run ``keras_viz``.
        images: Held-out images: an array ``(batch, height, width, channels)``, a list of arrays,
            a dict of name to array, or an iterable of ``(images, labels)`` batches. For a model
            with several inputs, a dict or tuple of batches like the model's.
        labels: True classes, as indices or one-hot rows.
        class_names: Name of each class.
        layers: Layer path, unique name, glob, layer, or a list of those. None picks the last
            convolution.
        target: The score to explain: None for each image's predicted class, a class, one class
            for each image, or a function from the model's outputs to ``(batch,)``. Of a model
            with several outputs also the name of one, or ``{name: class}``; else the first that
            looks like classes.
        method: A method of `keras_viz_callbacks.maps.class_activation`, such as ``"grad_cam"``.
        colormap: Any colour map that matplotlib knows.
        preprocess: Maps the images to the model's inputs; identity by default.
        tokens_to_grid: Lays out a layer's tokens where they are no square: ``(height, width)``,
            or a function from ``(batch, tokens, features)`` to ``(batch, height, width,
            features)``.
        max_images: Show no more than that many images.
        name: First part of the tags; the method's name by default.
        update_freq: ``"epoch"``, or a number of training batches.
        every: Epochs between captures; the last epoch is always captured.
        max_overhead: Share of the training's time that captures may take at most, drawing and
            writing included, such as 0.05; one that would exceed it is skipped, but for that of
            the last epoch, and the next record says so. None for no bound.
        on_error: ``"warn"`` or ``"raise"``, when a capture fails.

    Raises:
        ValueError: An argument is wrong by itself; or, in ``on_train_begin``, for the model.

    Example:
        >>> model.fit(x, y, callbacks=[GradCAM("logs/run1", x_val[:4], labels=y_val[:4])])
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
        layers: Selector = None,
        target: Target = None,
        method: str = "grad_cam",
        colormap: str = "turbo",
        preprocess: Preprocess | None = None,
        tokens_to_grid: TokensToGrid = None,
        max_images: int = MAX_IMAGES,
        name: str | None = None,
        update_freq: Literal["epoch"] | int = "epoch",
        every: int = 1,
        max_overhead: float | None = None,
        on_error: Literal["warn", "raise"] = "warn",
    ) -> None:
        class_activation.METHODS.find(method)
        super().__init__(
            log_dir,
            images,
            labels=labels,
            class_names=class_names,
            layers=layers,
            colormap=colormap,
            preprocess=preprocess,
            tokens_to_grid=tokens_to_grid,
            max_images=max_images,
            name=method if name is None else name,
            update_freq=update_freq,
            every=every,
            max_overhead=max_overhead,
            on_error=on_error,
        )
        self.target = target
        self.method = method

    def _plan(self) -> Plan:
        self._maps = ClassMaps(
            self.model,
            self._held,
            layers=self.layers,
            target=self.target,
            method=self.method,
            tokens_to_grid=self.tokens_to_grid,
        )
        plan = self._maps.plan
        assert plan.target is not None  # planned for a score
        self._target = plan.target
        report_choice(plan.target, plan.survey)
        if not plan.target.is_before_activation:
            logger.warning(
                "No logit was found before the model's output; class maps of %r explain the "
                "output itself.",
                self.name,
            )
        return plan

    def _pass(self) -> CapturedClassMaps:
        return self._maps.capture()

    def _draw_layer(
        self, call: LayerCall, signals: CapturedClassMaps, moment: Moment
    ) -> Iterator[Drawing]:
        maps = signals.finish(call.path)
        for index, heat_map in enumerate(maps):
            if not np.isfinite(heat_map).all():
                raise FloatingPointError(
                    f"the class map of {self._gallery.names[index]!r} at {call.path!r} is NaN or "
                    "infinite"
                )
            label, prediction, target = self._scores(index, signals)
            flat, enlarged = lay_flat(heat_map, self._gallery.places)
            image = self._gallery.pixels[index]
            if heat_map.ndim != len(self._gallery.places):
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
            raw, highest = encode_heat_map(flat)
            record = self._record(
                call,
                signals.shapes[call.path],
                index,
                picture,
                moment,
                label=label,
                prediction=prediction,
                target=target,
                value_range=(0.0, highest),
                blank=highest == 0,
                map_shape=flat.shape,
            )
            yield Drawing(record, picture.data, raw)

    def _scores(
        self, index: int, signals: CapturedClassMaps
    ) -> tuple[schema.ClassScore | None, schema.ClassScore | None, schema.ClassScore | None]:
        """Label, prediction and target of an image."""
        if signals.probabilities is None:
            return self._gallery.label(index), None, None
        probabilities = signals.probabilities[index]
        label = self._gallery.label(index, probabilities)
        prediction = self._gallery.score(int(probabilities.argmax()), probabilities)
        if self._target.function is not None:
            return label, prediction, None
        wanted = int(signals.classes[index])
        return label, prediction, self._gallery.score(wanted, probabilities)
