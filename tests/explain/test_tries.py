"""Variants run in batches, and their scores come back in order, whatever the batch size."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks import grad_cam
from keras_viz_callbacks.explain.tries import groups
from tests.helpers.models import small_model


@pytest.mark.parametrize("method", ["score_cam", "ablation_cam"])
def test_the_batch_size_makes_no_difference(images, method):
    model = small_model()
    expected = grad_cam(model, images, "conv_b", method=method, batch_size=1)
    for batch_size in (6, 13, 64):
        found = grad_cam(model, images, "conv_b", method=method, batch_size=batch_size)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_variants_fill_batches_of_one_size():
    variants = [np.full((3, 2), number, np.float32) for number in range(5)]
    found = list(groups(variants, 2))
    assert [count for _, count in found] == [2, 2, 1]
    assert {len(group) for group, _ in found} == {6}
    # The last one is repeated where the batch is not full.
    np.testing.assert_array_equal(found[-1][0], np.full((6, 2), 4))


def test_a_function_sees_the_images_it_is_given_in_their_order(images):
    model = small_model()
    truth = keras.ops.convert_to_tensor(np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]])

    def own(outputs):
        return keras.ops.sum(outputs * truth, axis=-1)

    found = grad_cam(model, images, "conv_b", own, "ablation_cam", batch_size=64)
    assert found.shape == (6, 8, 8)


def test_other_inputs_are_repeated_with_the_image():
    image, size = keras.Input((8, 8, 3), name="image"), keras.Input((4,), name="size")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(image)
    x = layers.Multiply()([layers.GlobalAveragePooling2D()(x), size])
    model = keras.Model({"image": image, "size": size}, layers.Dense(2)(x))
    random = np.random.default_rng(0)
    inputs = {
        "image": random.random((3, 8, 8, 3), np.float32),
        "size": random.random((3, 4), np.float32),
    }
    together = grad_cam(model, inputs, "conv", [0, 1, 1], "score_cam")
    for index, label in enumerate([0, 1, 1]):
        one = {name: part[index : index + 1] for name, part in inputs.items()}
        alone = grad_cam(model, one, "conv", label, "score_cam")
        np.testing.assert_allclose(together[index], alone[0], rtol=1e-4, atol=1e-6)
