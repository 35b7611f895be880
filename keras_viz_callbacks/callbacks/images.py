"""What the callbacks that draw held-out images share: the images, their names, their records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture import held_out
from keras_viz_callbacks.capture.backend import survey
from keras_viz_callbacks.capture.held_out import HeldOut
from keras_viz_callbacks.capture.layers import Survey
from keras_viz_callbacks.render.picture import Pixels, encode, to_rgb
from keras_viz_callbacks.summary.run import Drawing, Run
from tensorboard_plugin import schema

MAX_IMAGES = 8
"""Held-out images that a callback takes at most, unless told otherwise."""


def check_model(model: keras.Model, held: HeldOut) -> Survey:
    """Traces the model once with the held-out images.

    Raises:
        ValueError: They do not fit the model's input.
    """
    if model.built:
        held_out.check_fits(model, held)
    try:
        return survey(model, held.inputs)
    except Exception as error:
        if not model.built:
            raise
        shapes = ", ".join(str(part.shape) for part in keras.tree.flatten(held.inputs))
        raise ValueError(
            "`images` must fit the model: a forward pass with them failed. Received: images of "
            f"shape {shapes}. The model said: {error}"
        ) from error


class Gallery:
    """Held-out images with a name each, as pictures and in the words of records."""

    def __init__(self, held: HeldOut, run: Run, class_names: Sequence[str] | None) -> None:
        self._class_names = class_names
        self.labels = held.labels
        self.pixels: Pixels = to_rgb(held.images)
        digests = [
            hashlib.blake2b(np.ascontiguousarray(p).tobytes(), digest_size=16).digest()
            for p in self.pixels
        ]
        self.names = run.name_images(held.names, digests)

    def new_drawings(self, run: Run) -> Iterator[Drawing]:
        """The images that this session has not shown yet, themselves."""
        for index, name in enumerate(self.names):
            if run.not_yet_shown(name):
                picture = encode_image(self.pixels[index])
                tag = schema.picture_tag(schema.TECHNIQUE_IMAGES, None, tag_part(name))
                yield Drawing(
                    schema.Record(
                        technique=schema.TECHNIQUE_IMAGES,
                        tag=tag,
                        width=picture.width,
                        height=picture.height,
                        image_bytes=len(picture.png),
                        image_name=name,
                        image_index=index,
                        label=self.label(index),
                    ),
                    picture.png,
                )

    def label(
        self, index: int, probabilities: NDArray[np.float32] | None = None
    ) -> schema.ClassScore | None:
        """The true class of an image, with the probability that the model gives it."""
        return None if self.labels is None else self.score(int(self.labels[index]), probabilities)

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


def encode_image(pixels: Pixels) -> Any:
    """A held-out image as a picture, at its own size."""
    from PIL import Image

    return encode(Image.fromarray(pixels))


def tag_part(name: str) -> str:
    """An image name as the last part of a tag, where a slash would begin another part."""
    return name.replace("/", "_")
