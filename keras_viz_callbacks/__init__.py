"""Keras callbacks that show what a convnet learns while it trains, in TensorBoard."""

from keras_viz_callbacks.callbacks.activation_grid import ActivationGrid
from keras_viz_callbacks.callbacks.filter_patterns import FilterPatterns
from keras_viz_callbacks.callbacks.grad_cam import GradCAM
from keras_viz_callbacks.callbacks.saliency import Saliency
from keras_viz_callbacks.functions import (
    activation_maps,
    filter_patterns,
    generate_pattern,
    grad_cam,
    saliency,
)
from keras_viz_callbacks.version import __version__

__all__ = [
    "ActivationGrid",
    "FilterPatterns",
    "GradCAM",
    "Saliency",
    "__version__",
    "activation_maps",
    "filter_patterns",
    "generate_pattern",
    "grad_cam",
    "saliency",
]
