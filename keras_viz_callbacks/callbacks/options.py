"""The options that callbacks share: one more of them is one line here.

See `keras_viz_callbacks.options` for how they get into signatures and docstrings.
"""

from typing import Annotated, Any, Literal, TypedDict

from keras_viz_callbacks.capture.held_out import Preprocess
from keras_viz_callbacks.capture.labels import ClassNames
from keras_viz_callbacks.capture.layout import TokensToGrid
from keras_viz_callbacks.capture.target import Target
from keras_viz_callbacks.options import Option
from keras_viz_callbacks.patterns.settings import AscentOptions

MAX_IMAGES = 8
"""Default of ``max_images``."""


class CaptureOptions(TypedDict, total=False):
    """Options of every callback."""

    name: Annotated[str | None, Option(None, "First part of the tags.")]
    update_freq: Annotated[
        Literal["epoch"] | int,
        Option("epoch", '``"epoch"``, or a number of training batches between captures.'),
    ]
    every: Annotated[
        int,
        Option(1, "Number of epochs between captures; the last epoch is always captured."),
    ]
    max_overhead: Annotated[
        float | None,
        Option(
            None,
            "Largest share of the training's time that captures may take, such as 0.05, drawing "
            "and writing included. A capture that would exceed it is skipped, and the next record "
            "says so; the last epoch is always captured. None sets no limit.",
        ),
    ]
    on_error: Annotated[
        Literal["warn", "raise"],
        Option(
            "warn",
            '``"warn"`` warns once when a capture fails, and training goes on; ``"raise"`` stops '
            "it.",
        ),
    ]


class _HeldOutOptions(TypedDict, total=False):
    labels: Annotated[Any, Option(None, "True classes, as indices or one-hot rows.")]
    class_names: Annotated[
        ClassNames,
        Option(
            None,
            "Name of each class: a list, or a dict ``{name: index}``, such as the "
            "``class_indices`` of a Keras generator, or ``{index: name}``.",
        ),
    ]
    colormap: Annotated[str, Option("viridis", "Any colour map that matplotlib knows.")]
    preprocess: Annotated[
        Preprocess | None,
        Option(None, "Function from the images to the model's inputs; identity by default."),
    ]
    max_images: Annotated[int, Option(MAX_IMAGES, "Largest number of images to show.")]


class ImageOptions(_HeldOutOptions, CaptureOptions, total=False):
    """Options of the callbacks that draw held-out images."""


class _LayoutOptions(TypedDict, total=False):
    tokens_to_grid: Annotated[
        TokensToGrid,
        Option(
            None,
            "Layout of a layer's tokens that form no square: ``(height, width)``, or a function "
            "from ``(batch, tokens, features)`` to ``(batch, height, width, features)``.",
        ),
    ]


class LayerImageOptions(_HeldOutOptions, _LayoutOptions, CaptureOptions, total=False):
    """Options of the callbacks that draw layers on held-out images."""


class _TargetOptions(TypedDict, total=False):
    target: Annotated[
        Target,
        Option(
            None,
            "The score to explain: None for each image's predicted class, a class, one class for "
            "each image, or a function from the model's outputs to ``(batch,)``. For a model with "
            "several outputs also the name of one, or ``{name: class}``; by default the first "
            "that looks like classes.",
        ),
    ]


class EvidenceOptions(_TargetOptions, _HeldOutOptions, CaptureOptions, total=False):
    """Options of the callbacks that draw evidence for a class on held-out images."""


class LayerEvidenceOptions(
    _TargetOptions, _HeldOutOptions, _LayoutOptions, CaptureOptions, total=False
):
    """Options of the callbacks that draw a layer's evidence for a class on held-out images."""


class PatternOptions(AscentOptions, CaptureOptions, total=False):
    """Options of the callbacks that draw patterns."""
