"""What the callbacks that draw held-out images share: the images, their names, their records."""

from __future__ import annotations

import hashlib
import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_viz_callbacks.callbacks.base import (
    Draw,
    Moment,
    VisualizationCallback,
    layer_record,
    together,
)
from keras_viz_callbacks.capture import held_out
from keras_viz_callbacks.capture.held_out import HeldOut, Preprocess
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.layout import TokensToGrid, check_tokens_to_grid
from keras_viz_callbacks.capture.plan import Plan
from keras_viz_callbacks.capture.selectors import Selector
from keras_viz_callbacks.capture.target import class_output
from keras_viz_callbacks.maps.places import signals_as_pictures
from keras_viz_callbacks.render import colors
from keras_viz_callbacks.render.picture import Picture, Pixels, encode, to_rgb
from keras_viz_callbacks.summary.run import Drawing, Run
from tensorboard_plugin import schema

MAX_IMAGES = 8
"""Held-out images that a callback takes at most, unless told otherwise."""


class HeldOutImagesCallback(VisualizationCallback):
    """Base of the callbacks that draw one picture of each chosen layer for each held-out image.

    A subclass says which layers, which pass, and how one layer's part of it is drawn. The
    arguments are those of the subclasses, where they are described.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        labels: Any,
        class_names: Sequence[str] | None,
        layers: Selector,
        colormap: str,
        preprocess: Preprocess | None,
        tokens_to_grid: TokensToGrid,
        max_images: int,
        name: str,
        update_freq: Literal["epoch"] | int,
        every: int,
        max_overhead: float | None,
        on_error: Literal["warn", "raise"],
    ) -> None:
        super().__init__(
            log_dir,
            name=name,
            update_freq=update_freq,
            every=every,
            max_overhead=max_overhead,
            on_error=on_error,
        )
        colors.palette(colormap)
        check_tokens_to_grid(tokens_to_grid)
        self.layers = layers
        self.colormap = colormap
        self.class_names = class_names
        self.tokens_to_grid = tokens_to_grid
        self._held = held_out.held_out(
            images,
            labels,
            preprocess=preprocess,
            max_images=max_images,
            class_names=class_names,
        )

    @abstractmethod
    def _plan(self) -> Plan:
        """Compiles the pass; checks every argument of the subclass's own against the model."""

    @abstractmethod
    def _pass(self) -> Any:
        """Runs that pass on the held-out images."""

    @abstractmethod
    def _draw_layer(self, call: LayerCall, signals: Any, moment: Moment) -> Iterator[Drawing]:
        """A picture of each image at one layer, from what the pass gave."""

    def _prepare(self, run: Run) -> None:
        plan = self._plan()
        self._calls = plan.calls
        if plan.target is not None:
            output = plan.target.output
        else:
            place = class_output(plan.survey)
            output = None if place is None else plan.survey.outputs[place]
        held_out.check_labels(
            self._held, None if output is None else output.classes, self.class_names
        )
        images = self._held.channels_last(plan.survey)
        self._gallery = Gallery(images, self._held, run, self.class_names)
        names = self._gallery.names
        run.claim(self, (self._tag(c, name) for c in self._calls for name in names))

    def _capture(self) -> Draw:
        signals = self._pass()
        run = self._run
        assert run is not None
        new_images = self._gallery.not_yet_shown(run)

        def draw(moment: Moment) -> Iterator[Drawing]:
            yield from self._gallery.drawings(new_images)
            for call in self._calls:
                yield from self._draw_layer(call, signals, moment)

        return draw

    def _record(
        self,
        call: LayerCall,
        shape: tuple[int, ...],
        index: int,
        picture: Picture,
        moment: Moment,
        note: str | None = None,
        **fields: Any,
    ) -> schema.Record:
        """The record of one picture: what all techniques say, and the fields of this one.

        Args:
            call: The layer's call.
            shape: ``(*places, channels)`` of its maps.
            index: Of the held-out image.
            picture: What was drawn.
            moment: Of the capture.
            note: What the user should know of the picture.
            **fields: Of `schema.Record`.
        """
        return schema.Record(
            technique=self.name,
            tag=self._tag(call, self._gallery.names[index]),
            width=picture.width,
            height=picture.height,
            image_bytes=len(picture.data),
            epoch=moment.epoch,
            batch=moment.batch,
            layer=layer_record(call, shape),
            image_name=self._gallery.names[index],
            image_index=index,
            colormap=self.colormap,
            channels=shape[-1],
            metrics=dict(moment.metrics),
            note=together(note, moment.note),
            **fields,
        )

    def _tag(self, call: LayerCall, image_name: str) -> str:
        return schema.picture_tag(self.name, call.path, _tag_part(image_name))


class Gallery:
    """Held-out images with a name each, as pictures and in the words of records."""

    def __init__(
        self,
        images: NDArray[Any],
        held: HeldOut,
        run: Run,
        class_names: Sequence[str] | None,
    ) -> None:
        self._class_names = class_names
        self._labels = held.labels
        self.places = images.shape[1:-1]
        self.pixels: Pixels = to_rgb(signals_as_pictures(images))
        digests = [
            hashlib.blake2b(np.ascontiguousarray(p).tobytes(), digest_size=16).digest()
            for p in self.pixels
        ]
        self.names = run.name_images(held.names, digests)

    def not_yet_shown(self, run: Run) -> list[int]:
        """The images that are still to be drawn themselves in this session; asks once."""
        return [index for index, name in enumerate(self.names) if run.not_yet_shown(name)]

    def drawings(self, indices: Iterable[int]) -> Iterator[Drawing]:
        """These images themselves."""
        for index in indices:
            name = self.names[index]
            picture = encode(Image.fromarray(self.pixels[index]))
            record = schema.Record(
                technique=schema.TECHNIQUE_IMAGES,
                tag=schema.picture_tag(schema.TECHNIQUE_IMAGES, None, _tag_part(name)),
                width=picture.width,
                height=picture.height,
                image_bytes=len(picture.data),
                image_name=name,
                image_index=index,
                label=self.label(index),
            )
            yield Drawing(record, picture.data)

    def label(
        self, index: int, probabilities: NDArray[np.float32] | None = None
    ) -> schema.ClassScore | None:
        """The true class of an image, with the probability that the model gives it."""
        if self._labels is None:
            return None
        return self.score(int(self._labels[index]), probabilities)

    def score(
        self, class_index: int, probabilities: NDArray[np.float32] | None
    ) -> schema.ClassScore:
        """A class by index and name, with its probability, where it is a finite number."""
        names = self._class_names
        name = str(names[class_index]) if names is not None else str(class_index)
        chance = None if probabilities is None else float(probabilities[class_index])
        return schema.ClassScore(
            class_index, name, chance if chance is not None and np.isfinite(chance) else None
        )


def _tag_part(name: str) -> str:
    """An image name as the last part of a tag, where a slash would begin another part."""
    return name.replace("/", "_")
