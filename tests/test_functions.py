import re

import keras
import numpy as np
import pytest

from keras_viz_callbacks import activation_maps, filter_patterns, generate_pattern, grad_cam
from keras_viz_callbacks.patterns.objectives import channel
from tests.helpers.backends import gradient
from tests.helpers.models import small_model
from tests.helpers.patterns import ascent


def textbook_grad_cam(model, images, layer_name, classes):
    """Grad-CAM as textbooks write it: two halves of the model, eager, one image a time."""
    layer = model.get_layer(layer_name)
    below = keras.Model(model.inputs, layer.output)
    above = model.layers[model.layers.index(layer) + 1 : -1]
    dense = model.layers[-1]
    maps = []
    for image, class_index in zip(images, classes, strict=True):

        def score(activation, class_index=int(class_index)):
            x = activation
            for following in above:
                x = following(x, training=False)
            logits = x @ keras.ops.convert_to_tensor(dense.kernel) + dense.bias
            return logits[0, class_index]

        activation = keras.ops.convert_to_numpy(below(image[None], training=False))
        weights = gradient(score, activation).mean(axis=(0, 1, 2))
        maps.append(np.maximum((activation[0] * weights).sum(axis=-1), 0))
    return np.stack(maps)


def test_grad_cam_agrees_with_the_textbook_at_every_layer_of_a_trained_model(scenes_model):
    model, held_out = scenes_model
    images = held_out.images[:4]
    predicted = model.predict(images, verbose=0).argmax(-1)
    spatial = [layer.name for layer in model.layers if len(layer.output.shape) == 4]
    assert len(spatial) == 14
    for name in spatial:
        expected = textbook_grad_cam(model, images, name, predicted)
        found = grad_cam(model, images, layer=name)
        assert found.shape == expected.shape
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(found, expected, atol=1e-5 * scale, err_msg=name)


def test_grad_cam_explains_the_class_asked_for(scenes_model):
    model, held_out = scenes_model
    images = held_out.images[:3]
    expected = textbook_grad_cam(model, images, "conv_3", [1, 7, 4])
    np.testing.assert_allclose(
        grad_cam(model, images, target=[1, 7, 4]), expected, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(grad_cam(model, images, target=7)[1], expected[1], rtol=1e-4)


def test_the_hottest_pixel_lies_on_the_digit_far_above_chance(scenes_model):
    model, held_out = scenes_model
    heat = grad_cam(model, held_out.images, layer="conv_3")
    cell = held_out.images.shape[1] / heat.shape[1]
    hits, chances = [], []
    for heat_map, (top, left, bottom, right) in zip(heat, held_out.boxes, strict=True):
        row, column = np.unravel_index(heat_map.argmax(), heat_map.shape)
        y, x = (row + 0.5) * cell, (column + 0.5) * cell
        hits.append(top <= y < bottom and left <= x < right)
        chances.append((bottom - top) * (right - left) / held_out.images[0, ..., 0].size)
    assert np.mean(hits) > 1.8 * np.mean(chances)


def textbook_responses(model, layer_name, filters, steps=30):
    """What filters answer after the textbook's ascent: one image each, steps of length 10."""
    below = keras.Model(model.inputs, model.get_layer(layer_name).output)
    images = np.random.default_rng(0).uniform(0.4, 0.6, (len(filters), *model.input_shape[1:]))
    images = images.astype(np.float32)
    mask = np.eye(below.output_shape[-1], dtype=np.float32)[filters][:, None, None]
    mask = keras.ops.convert_to_tensor(mask)

    def responses(images):
        return keras.ops.sum(keras.ops.mean(below(images, training=False) * mask, axis=(1, 2)), -1)

    for _ in range(steps):
        slope = gradient(lambda images: keras.ops.sum(responses(images)), images)
        length = np.sqrt((slope**2).sum(axis=(1, 2, 3), keepdims=True))
        images = images + 10 * slope / np.maximum(length, 1e-12)
    return keras.ops.convert_to_numpy(responses(images))


def test_patterns_reach_the_textbooks_response_and_with_it_ten_times_the_first(scenes_model):
    model, _ = scenes_model
    # Enough of them: which filters are reached differs from training to training.
    filters = np.arange(24, dtype=np.int32)
    expected = textbook_responses(model, "conv_2", filters)
    result = ascent(model, "conv_2", filters).run()
    assert len(result.start) == 24
    reached = result.response >= 0.95 * expected
    assert reached.mean() >= 0.5, (result.response, expected)
    assert result.response.sum() >= 0.95 * expected.sum()
    assert (result.response > result.start).all()
    high = expected > 10 * np.abs(result.start)
    assert high.sum() >= 2
    assert (result.response > 10 * np.abs(result.start))[high].mean() >= 0.75


def test_patterns_of_an_objective_are_those_of_its_items(scenes_model):
    model, _ = scenes_model
    expected = filter_patterns(model, "conv_2", [1, 0], steps=3)
    found = filter_patterns(model, filters=channel("conv_2", [1, 0]), steps=3)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (
            {"layer": "conv_2", "filters": channel("conv_2", 1)},
            "layer='conv_2' and filters of type Objective",
        ),
        ({"filters": 3}, "layer=None and filters of type int"),
    ],
)
def test_either_a_layer_or_an_objective_names_the_layers(model, arguments, received):
    message = (
        "`layer` must name a layer, or be None where `filters` is an objective, which names its "
        f"own layers. Received: {received}"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        filter_patterns(model, **arguments)


def test_patterns_of_different_filters_differ_and_the_same_seed_repeats(scenes_model):
    model, _ = scenes_model
    one, two = (generate_pattern(model, "conv_2", index) for index in (0, 1))
    assert one.dtype == np.uint8
    assert one.shape == (64, 64, 3)
    assert np.abs(one.astype(int) - two).mean() > 10
    np.testing.assert_array_equal(one, generate_pattern(model, "conv_2", 0))
    assert (one != generate_pattern(model, "conv_2", 0, seed=1)).any()
    together = filter_patterns(model, "conv_2", [1, 0])
    assert np.abs(together[1].astype(int) - one).mean() < 2


def test_functions_take_every_kind_of_model(any_model, images):
    model, path = any_model
    maps = activation_maps(model, images)
    assert list(maps)[-1] == path
    assert maps[path].shape == (6, 8, 8, 5)
    assert maps[path].dtype == np.float32
    maps[path] /= 2  # they belong to who asked
    heat = grad_cam(model, images, layer="conv_b")
    assert heat.shape == (6, 8, 8)
    assert heat.dtype == np.float32
    assert (heat >= 0).all()
    np.testing.assert_array_equal(heat, grad_cam(model, images))
    assert filter_patterns(model, path, 3, steps=2).shape == (3, 16, 16, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: activation_maps(m, x[:0]), "`images` must hold at least one image"),
        (lambda m, x: activation_maps(m, x[:, :9]), "`images` must fit the model's input"),
        (lambda m, x: grad_cam(m, x, layer="nope"), "No layer of the model"),
        (lambda m, x: grad_cam(m, x, layer="conv_*"), "`layer` must pick one call of one layer"),
        (lambda m, x: grad_cam(m, x, target=3), r"from 0 to 2. Received: target with 3"),
        (lambda m, x: grad_cam(m, x, target=[1, 2]), "one class for each of the 6 images"),
        (
            lambda m, x: grad_cam(m, x, target="cat"),
            "must name one of the model's outputs, 'classes' of",
        ),
        (lambda m, x: grad_cam(m, x, target=0.5), "must be None, a class index"),
        (lambda m, x: grad_cam(m, x, method="x"), "`method` must be one of 'grad_cam'"),
        (lambda m, x: generate_pattern(m, "conv_a", 4), r"`filter_index` must be below .* 4,"),
        (lambda m, x: generate_pattern(m, "classes", 0), "has no spatial maps"),
    ],
)
def test_what_is_wrong_says_so(call, message, images):
    with pytest.raises(ValueError, match=message):
        call(small_model(), images)


def test_a_model_without_classes_needs_a_function(images):
    inputs = keras.Input((16, 16, 3))
    mask = keras.layers.Conv2D(2, 1, activation="softmax", name="mask")(
        keras.layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    )
    model = keras.Model(inputs, mask)
    with pytest.raises(ValueError, match=r"`target` must be a function.*\(batch, 16, 16, 2\)"):
        grad_cam(model, images)
    heat = grad_cam(model, images, "conv", lambda y: keras.ops.sum(y[..., 1], axis=(1, 2)))
    assert heat.shape == (6, 16, 16)
    assert heat.any()


def test_an_unbuilt_model_says_so(images):
    with pytest.raises(ValueError, match="`model` must be built before it can be observed"):
        activation_maps(keras.Sequential([keras.layers.Conv2D(2, 3)]), images)
