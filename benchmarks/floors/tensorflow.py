"""The least that any program does, on TensorFlow: plain ``tf.function``s on functional models."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


def activations(
    model: keras.Model, names: list[str], images: np.ndarray
) -> Callable[[], list[np.ndarray]]:
    """One compiled forward pass with all outputs."""
    part = keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    forward = tf.function(lambda images: part(images, training=False))
    return lambda: [output.numpy() for output in forward(tf.constant(images))]


def class_maps(
    model: keras.Model, names: list[str], images: np.ndarray
) -> Callable[[], list[np.ndarray]]:
    """One compiled forward pass and one gradient; returns activations and gradients of all layers.

    The score is the output of the most likely class; the logit before its softmax costs the same.
    """
    outputs = [model.get_layer(name).output for name in names]
    part = keras.Model(model.inputs, [*outputs, *model.outputs])

    @tf.function
    def forward_and_backward(images):
        with tf.GradientTape() as tape:
            *found, scores = part(images, training=False)
            score = tf.reduce_max(scores, axis=-1)
        return found, tape.gradient(score, found)

    def run():
        found, gradients = forward_and_backward(tf.constant(images))
        return [array.numpy() for array in (*found, *gradients)]

    return run


def patterns(
    model: keras.Model, name: str, start: np.ndarray
) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """The textbook's ascent: one compiled loop over all filters as a batch, up to the layer.

    Returns:
        A function of a number of steps, which returns the images and the filters' mean responses.
    """
    part = keras.Model(model.inputs, model.get_layer(name).output)
    own = tf.range(len(start))

    def responses(images):
        maps = part(images, training=False)
        return tf.reduce_mean(tf.gather(maps, own, axis=3, batch_dims=1), axis=(1, 2))

    @tf.function
    def climb(images, steps):
        for _ in tf.range(steps):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(images)
                found = responses(images)
            gradient = tape.gradient(found, images)
            length = tf.sqrt(tf.reduce_sum(gradient**2, axis=(1, 2, 3), keepdims=True))
            images += 10 * tf.math.divide_no_nan(gradient, length)
        return images, responses(images)

    def run(steps):
        images, found = climb(tf.constant(start), tf.constant(steps))
        return images.numpy(), found.numpy()

    return run
