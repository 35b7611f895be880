"""The maps of the callbacks without a callback, for notebooks and scripts.

Each call traces the model anew; in a training, attach a callback, which traces once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_viz_callbacks.capture.compiled import Array
from keras_viz_callbacks.capture.held_out import held_out
from keras_viz_callbacks.capture.inputs import image_input
from keras_viz_callbacks.capture.layout import TokensToGrid, check_tokens_to_grid
from keras_viz_callbacks.capture.plan import report_choice
from keras_viz_callbacks.capture.selectors import Selector, one_call, select
from keras_viz_callbacks.capture.survey import Survey, survey
from keras_viz_callbacks.capture.target import Target
from keras_viz_callbacks.explain.activations import Activations
from keras_viz_callbacks.explain.attributions import Attributions
from keras_viz_callbacks.explain.class_maps import ClassMaps
from keras_viz_callbacks.explain.tries import BATCH_SIZE
from keras_viz_callbacks.options import with_options
from keras_viz_callbacks.patterns.ascent import Ascent
from keras_viz_callbacks.patterns.display import to_displayable
from keras_viz_callbacks.patterns.objectives import Objective, channel, check_filter
from keras_viz_callbacks.patterns.settings import AscentOptions, AscentSettings

if TYPE_CHECKING:
    from typing_extensions import Unpack


def activation_maps(
    model: keras.Model,
    images: Any,
    layers: Selector = None,
    *,
    tokens_to_grid: TokensToGrid = None,
) -> dict[str, Array]:
    """What each chosen layer returns for images, in one forward pass.

    Args:
        model: Any Keras model; it is left as it is.
        images: The model's input, ``(batch, height, width, channels)``, or a dict or tuple of
            its inputs.
        layers: Layer path, unique name, glob, layer, or a list of those. None picks every
            convolution.
        tokens_to_grid: Lays out tokens that are no square: ``(height, width)``, or a function
            from ``(batch, tokens, features)`` to ``(batch, height, width, features)``.

    Returns:
        By layer path, in network order: float32 ``(batch, height, width, channels)``; signals and
        volumes have one and three place axes instead of two.

    Raises:
        ValueError: The images don't fit, or a layer is unknown, ambiguous or not spatial.
    """
    check_tokens_to_grid(tokens_to_grid)
    found = Activations(model, held_out(images, model=model), layers, tokens_to_grid).capture()
    # JAX lends its own memory, which can't be written to.
    return {path: np.require(maps, requirements="W") for path, maps in found.items()}


def grad_cam(
    model: keras.Model,
    images: Any,
    layer: str | keras.layers.Layer | None = None,
    target: Target = None,
    method: str = "grad_cam",
    *,
    tokens_to_grid: TokensToGrid = None,
    batch_size: int = BATCH_SIZE,
) -> Array:
    """Class activation maps: which parts of an image raise the score of its class.

    The score is the logit, read before the final softmax or sigmoid. Selvaraju et al. 2017,
    "Grad-CAM".

    Args:
        model: Any Keras model; it is left as it is.
        images: The model's input, ``(batch, height, width, channels)``, or a dict or tuple of
            its inputs.
        layer: Layer path, unique name, or layer. None picks the last convolution.
        target: None for each image's predicted class, a class, one class for each image, or a
            function from the model's outputs to ``(batch,)``. Of a model with several outputs
            also the name of one, or ``{name: class}``; else the first that looks like classes.
        method: Name of a class activation method, such as ``"grad_cam"`` or ``"score_cam"``.
        tokens_to_grid: Lays out tokens that are no square: ``(height, width)``, or a function
            from ``(batch, tokens, features)`` to ``(batch, height, width, features)``.
        batch_size: How many images a forward pass takes at most, for methods that try variants
            of the image or of the layer.

    Returns:
        float32 ``(batch, height, width)`` at the layer's resolution, zero or above (ReLU), not
        normalised; signals and volumes have one and three place axes instead of two.

    Raises:
        ValueError: The images don't fit, the layer is unknown, ambiguous, not spatial or more
            than one, or a class is out of range.
    """
    check_tokens_to_grid(tokens_to_grid)
    maps = ClassMaps(
        model,
        held_out(images, model=model),
        layers=layer,
        target=target,
        method=method,
        tokens_to_grid=tokens_to_grid,
        batch_size=batch_size,
    )
    call = one_call(maps.plan.calls, layer)
    report_choice(maps.plan)
    return maps.capture().finish(call.path)


def saliency(
    model: keras.Model,
    images: Any,
    target: Target = None,
    method: str = "gradient",
    *,
    sum_channels: bool = True,
    seed: int = 0,
) -> Array:
    """Pixel attributions: which pixels raise the score of an image's class.

    The score is the logit, read before the final softmax or sigmoid. Simonyan et al. 2013, "Deep
    Inside Convolutional Networks".

    Args:
        model: Any Keras model; it is left as it is.
        images: The model's input, ``(batch, height, width, channels)``, or a dict or tuple of
            its inputs.
        target: None for each image's predicted class, a class, one class for each image, or a
            function from the model's outputs to ``(batch,)``. Of a model with several outputs
            also the name of one, or ``{name: class}``; else the first that looks like classes.
        method: Name of a pixel attribution method, such as ``"gradient"``.
        sum_channels: Whether to return the sum over the colour channels.
        seed: Seed of what the method draws at random.

    Returns:
        float32 ``(batch, height, width)``, or ``(batch, height, width, channels)`` without
        ``sum_channels``. Signed: positive where a larger value raises the score. Not normalised.

    Raises:
        ValueError: The images don't fit, there is no such method, or a class is out of range.
    """
    attributions = Attributions(
        model, held_out(images, model=model), target=target, method=method, seed=seed
    )
    report_choice(attributions.plan)
    found = attributions.capture().finish()
    return found.sum(axis=-1) if sum_channels else found


@with_options(AscentOptions)
def generate_pattern(
    model: keras.Model,
    layer: str | keras.layers.Layer,
    filter_index: int,
    **options: Unpack[AscentOptions],
) -> NDArray[np.uint8]:
    """The pattern that one filter responds to; see `filter_patterns`.

    Args:
        model: Any Keras model with one image input; it is left as it is.
        layer: Layer path, unique name, or layer.
        filter_index: Index of the filter.

    Returns:
        uint8 ``(height, width, channels)``.

    Raises:
        ValueError: The layer is unknown, ambiguous or not spatial, or has no such filter.
    """
    found = survey(model, image_input(model).sample())
    call = one_call(select(found.calls, layer), layer)
    check_filter(call, filter_index, "filter_index")
    pattern: NDArray[np.uint8] = _patterns(model, found, channel(call, [filter_index]), options)[0]
    return pattern


@with_options(AscentOptions)
def filter_patterns(
    model: keras.Model,
    layer: str | keras.layers.Layer | None = None,
    filters: int | Sequence[int] | Objective = 16,
    **options: Unpack[AscentOptions],
) -> NDArray[np.uint8]:
    """The patterns that filters of a layer respond to, by gradient ascent in input space.

    All filters are one batch, and a pass ends at the layer. Erhan et al. 2009, "Visualizing
    higher-layer features of a deep network".

    Args:
        model: Any Keras model with one image input; it is left as it is.
        layer: Layer path, unique name, or layer; None where ``filters`` is an objective.
        filters: How many filters, from the first; or a list of their indices; or an objective of
            `keras_viz_callbacks.patterns.objectives`, which names its own layers.

    Returns:
        uint8 ``(filter, height, width, channels)``.

    Raises:
        ValueError: The layer is unknown, ambiguous or not spatial, or has no such filter.
    """
    if isinstance(filters, Objective) and layer is None:
        objective = filters
    elif not isinstance(filters, Objective) and layer is not None:
        objective = channel(layer, filters)
    else:
        kind = type(filters).__name__
        raise ValueError(
            "`layer` must name a layer, or be None where `filters` is an objective, which names "
            f"its own layers. Received: layer={layer!r} and filters of type {kind}"
        )
    found = survey(model, image_input(model).sample())
    return _patterns(model, found, objective, options)


def _patterns(
    model: keras.Model, found: Survey, objective: Objective, options: AscentOptions
) -> NDArray[np.uint8]:
    ascent = Ascent(model, found, objective, AscentSettings(**options))
    return to_displayable(ascent.without_margin(ascent.run().images))
