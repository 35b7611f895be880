"""The same captures by other code: the textbook's, tf-explain and tf-keras-vis. TensorFlow only.

Each does what `benchmarks.captures` measures, if it can: activations of all convolutions, or class
maps at all of them, of four images. The extra ``benchmark`` installs the libraries; those that are
not installed are left out.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.networks import Workload


def of(technique: str, workload: Workload) -> Mapping[str, Callable[[], Any]]:
    """A function that makes one capture, by name."""
    makers = {
        "activations": {
            "textbook (new model, predict)": textbook_activations,
            "tf-explain": tf_explain_activations,
        },
        "class maps": {
            "textbook (an image at a time)": textbook_class_maps,
            "tf-explain": tf_explain_class_maps,
            "tf-keras-vis": tf_keras_vis_class_maps,
        },
    }[technique]
    packages = {"tf-explain": ("tf_explain", "cv2"), "tf-keras-vis": ("tf_keras_vis",)}
    return {
        name: make(workload)
        for name, make in makers.items()
        if all(importlib.util.find_spec(package) for package in packages.get(name, ()))
    }


def textbook_activations(workload: Workload) -> Callable[[], Any]:
    """Chollet, "Deep Learning with Python", section "Visualizing intermediate activations"."""
    model = workload.model

    def run():
        outputs = [model.get_layer(name).output for name in workload.convolutions]
        return keras.Model(model.inputs, outputs).predict(workload.images, verbose=0)

    return run


def textbook_class_maps(workload: Workload) -> Callable[[], Any]:
    """keras.io's Grad-CAM example, for each layer and each image."""
    model = workload.model

    def class_map(image, name):
        part = keras.Model(model.inputs, [model.get_layer(name).output, *model.outputs])
        with tf.GradientTape() as tape:
            activation, scores = part(image)
            score = scores[:, tf.argmax(scores[0])]
        weights = tf.reduce_mean(tape.gradient(score, activation), axis=(0, 1, 2))
        return tf.squeeze(activation[0] @ weights[..., tf.newaxis]).numpy()

    return lambda: [
        class_map(image[None], name) for name in workload.convolutions for image in workload.images
    ]


def tf_explain_activations(workload: Workload) -> Callable[[], Any]:
    """One layer at a time, as its callback does."""
    from tf_explain.core.activations import ExtractActivations

    explainer = ExtractActivations()

    def run():
        with contextlib.redirect_stdout(io.StringIO()):  # each `predict` in it prints its progress
            return [
                explainer.explain((workload.images, None), workload.model, [name])
                for name in workload.convolutions
            ]

    return run


def tf_explain_class_maps(workload: Workload) -> Callable[[], Any]:
    """One layer at a time, with a given class, which it requires."""
    from tf_explain.core.grad_cam import GradCAM

    explainer = GradCAM()
    return lambda: [
        explainer.explain((workload.images, None), workload.model, class_index=0, layer_name=name)
        for name in workload.convolutions
    ]


def tf_keras_vis_class_maps(workload: Workload) -> Callable[[], Any]:
    """One layer at a time, on a clone of the model without its softmax, made once."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    explainer = Gradcam(workload.model, model_modifier=ReplaceToLinear(), clone=True)
    predicted = workload.model.predict(workload.images, verbose=0).argmax(-1)
    score = CategoricalScore([int(index) for index in np.atleast_1d(predicted)])
    return lambda: [
        explainer(score, workload.images, penultimate_layer=name) for name in workload.convolutions
    ]
