"""Held-out images as they are shown: names, labels, pictures and records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from keras_viz_callbacks.callbacks.records import Moment, layer_record, picture_record
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.maps.places import signals_as_pictures
from keras_viz_callbacks.render.picture import Picture, Pixels, encode, to_rgb
from keras_viz_callbacks.summary.run import Drawing, Run
from tensorboard_plugin import schema


class Gallery:
    """Held-out images, each with a name that means this image in the whole run.

    Args:
        images: ``(batch, *places, channels)``.
        run: The run.
        names: The user's names, or None to number the images.
        labels: True classes ``(batch,)``, or None.
        class_names: Name of each class, or None.

    Attributes:
        names: Name of each image.
        places: Sides of the images: two, one of a signal, three of a volume.
        pixels: The images as RGB pictures.

    Raises:
        ValueError: A name already means another image.
    """

    def __init__(
        self,
        images: NDArray[Any],
        run: Run,
        names: Sequence[str] | None = None,
        labels: NDArray[np.int32] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self._labels = labels
        self._class_names = class_names
        self.places: tuple[int, ...] = images.shape[1:-1]
        self.pixels: Pixels = to_rgb(signals_as_pictures(images))
        digests = [
            hashlib.blake2b(np.ascontiguousarray(p).tobytes(), digest_size=16).digest()
            for p in self.pixels
        ]
        self.names = run.claims.name_images(names, digests)

    def not_yet_shown(self, run: Run) -> list[int]:
        """The images that nobody has drawn yet in this session; each is returned only once."""
        return [index for index, name in enumerate(self.names) if run.claims.not_yet_shown(name)]

    def drawings(self, indices: Iterable[int]) -> Iterator[Drawing]:
        """The pictures of these images."""
        for index in indices:
            picture = encode(Image.fromarray(self.pixels[index]))
            record = schema.Record(
                name=schema.NAME_IMAGES,
                tag=self.tag(schema.NAME_IMAGES, index),
                width=picture.width,
                height=picture.height,
                image_bytes=len(picture.data),
                kind="image",
                title="Held-out images",
                image_name=self.names[index],
                image_index=index,
                label=self.label(index),
            )
            yield Drawing(record, picture.data)

    def tag(self, name: str, index: int, call: LayerCall | None = None) -> str:
        """Tag of what a callback of this name draws of an image, at a layer where there is one."""
        # A slash would begin another part of the tag.
        image_name = self.names[index].replace("/", "_")
        return schema.picture_tag(name, None if call is None else call.path, image_name)

    def tags(self, name: str, calls: Iterable[LayerCall | None] = (None,)) -> list[str]:
        """Tags of all images at each of these layers."""
        indices = range(len(self.names))
        return [self.tag(name, index, call) for call in calls for index in indices]

    def record(
        self,
        name: str,
        index: int,
        picture: Picture,
        moment: Moment,
        *,
        call: LayerCall | None = None,
        shape: tuple[int, ...] | None = None,
        note: str | None = None,
    ) -> schema.Record:
        """The record of a picture of one image.

        Args:
            name: Name of the callback.
            index: Index of the image.
            picture: What was drawn.
            moment: When.
            call: The layer's call; None where the picture is of no layer.
            shape: ``(*places, channels)`` of that layer's maps.
            note: Remark for the user about this picture.
        """
        record = picture_record(name, self.tag(name, index, call), picture, moment, note)
        if call is not None and shape is not None:
            record = replace(record, layer=layer_record(call, shape), channels=shape[-1])
        return replace(record, image_name=self.names[index], image_index=index)

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
