"""Passes over a model, compiled for held-out images as callbacks and functions compile them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_viz_callbacks.capture import passes
from keras_viz_callbacks.capture.compiled import CompiledPass, compiled
from keras_viz_callbacks.capture.held_out import held_out
from keras_viz_callbacks.capture.plan import plan_activations, plan_class_maps


def compile_activations(model: keras.Model, layers: Any, images: Any) -> CompiledPass:
    return compiled(passes.activations, model, held_out(images), plan_activations(layers))


def compile_class_signals(
    model: keras.Model, layers: Any, images: Any, target: Any = None
) -> CompiledPass:
    held = held_out(images)
    planner = plan_class_maps(layers, target, len(held))
    classes = np.zeros(len(held), np.int32)
    return compiled(passes.class_signals, model, held, planner, classes)
