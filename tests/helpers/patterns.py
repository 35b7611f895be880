"""Gradient ascents as callbacks and functions make them, for tests that look inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_viz_callbacks.capture.inputs import image_input
from keras_viz_callbacks.capture.survey import survey
from keras_viz_callbacks.patterns.ascent import Ascent
from keras_viz_callbacks.patterns.objectives import Objective, channel
from keras_viz_callbacks.patterns.settings import AscentSettings


def ascent_to(model: keras.Model, objective: Objective, **settings: Any) -> Ascent:
    """An ascent to an objective, compiled."""
    found = survey(model, image_input(model).sample())
    return Ascent(model, found, objective, AscentSettings(**settings))


def ascent(model: keras.Model, layer: str, filters: int | Sequence[int], **settings: Any) -> Ascent:
    """An ascent to filters of a layer, compiled."""
    return ascent_to(model, channel(layer, filters), **settings)


def start_images(ascent: Ascent) -> Any:
    """The images that an ascent starts with, in the range of the model's input."""
    low, high = ascent.value_range
    images = ascent.parametrisation.image(keras.ops.convert_to_tensor(ascent.start()))
    return low + (high - low) * keras.ops.convert_to_numpy(images)
