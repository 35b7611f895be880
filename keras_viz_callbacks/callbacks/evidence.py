"""Pictures of evidence for a class, over the held-out image: class maps and pixel attributions."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.callbacks.gallery import Gallery
from keras_viz_callbacks.callbacks.records import Moment
from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.plan import Plan, report_choice
from keras_viz_callbacks.render.overlay import draw_overlay, lay_flat
from keras_viz_callbacks.render.picture import encode_heat_map
from keras_viz_callbacks.summary.run import Drawing
from tensorboard_plugin import schema

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]


class Scores(TypedDict):
    """The classes of one image that a picture names, each with its probability.

    Attributes:
        label: The true class, if it is known.
        prediction: The predicted class, if the model's output is one.
        target: The explained class, if what is explained is one.
    """

    label: schema.ClassScore | None
    prediction: schema.ClassScore | None
    target: schema.ClassScore | None


@dataclass(frozen=True)
class Explained:
    """What the maps of one capture explain.

    Attributes:
        plan: The score.
        classes: The explained class of each image, ``(batch,)``.
        probabilities: ``(batch, classes)``, or None where the model's output is no class.
    """

    plan: Plan
    classes: NDArray[np.int32]
    probabilities: Array | None

    def scores(self, gallery: Gallery, index: int) -> Scores:
        """Label, prediction and target of an image."""
        if self.probabilities is None:
            return {"label": gallery.label(index), "prediction": None, "target": None}
        chances = self.probabilities[index]
        is_class = self.plan.score.function is None
        return {
            "label": gallery.label(index, chances),
            "prediction": gallery.score(int(chances.argmax()), chances),
            "target": gallery.score(int(self.classes[index]), chances) if is_class else None,
        }


def report_explained(plan: Plan, name: str) -> None:
    """Logs which score was chosen for the user, and that it is no logit.

    Args:
        plan: The score.
        name: Name of the callback.
    """
    report_choice(plan)
    if not plan.score.is_before_activation:
        logger.warning(
            "No logit was found before the model's output; class maps of %r explain the "
            "output itself.",
            name,
        )


def draw_evidence(
    heat_map: Array,
    explained: Explained,
    gallery: Gallery,
    index: int,
    moment: Moment,
    *,
    name: str,
    title: str,
    colormap: str,
    call: LayerCall | None = None,
    shape: tuple[int, ...] | None = None,
) -> Drawing:
    """One image with its map over it.

    Args:
        heat_map: ``(*places)``, at its own resolution; signed, or zero and above.
        explained: What it explains.
        gallery: The images.
        index: Index of the image.
        moment: When.
        name: Name of the callback.
        title: Title of the method.
        colormap: Name of a colour map.
        call: The layer that the map is of; None for the image itself.
        shape: ``(*places, channels)`` of that layer's maps.

    Raises:
        FloatingPointError: A value is not finite.
    """
    if not np.isfinite(heat_map).all():
        where = "" if call is None else f" at {call.path!r}"
        raise FloatingPointError(
            f"the class map of {gallery.names[index]!r}{where} is NaN or infinite"
        )
    flat, enlarged = lay_flat(heat_map, gallery.places)
    image = gallery.pixels[index]
    if heat_map.ndim != len(gallery.places):
        # The map's places are not those of the image.
        image = np.full((*flat.shape, 3), 128, np.uint8)
    scores = explained.scores(gallery, index)
    picture = draw_overlay(image, enlarged, colormap=colormap, **scores)
    raw, value_range = encode_heat_map(flat)
    record = replace(
        gallery.record(name, index, picture, moment, call=call, shape=shape),
        kind="evidence",
        title=title,
        colormap=colormap,
        value_range=value_range,
        blank=value_range == (0.0, 0.0),
        map_shape=flat.shape,
        **scores,
    )
    return Drawing(record, picture.data, raw)
