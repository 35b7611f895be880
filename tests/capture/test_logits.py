"""The logit, read before each kind of last activation, against the same model without one."""

import functools
import importlib
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks.capture.survey import survey
from keras_viz_callbacks.capture.target import resolve_target
from tests.helpers.compiled_passes import compile_class_signals
from tests.helpers.models import subclassed_model

PREDICTED = -1


def with_head(*head, loss=None):
    """A convolution, pooling, and the given layers after them; always the same weights."""
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, name="conv", activation="relu"),
            layers.GlobalAveragePooling2D(),
            *head,
        ]
    )
    if loss is not None:
        model.compile("sgd", loss)
    return model


def signals(model, images, classes=PREDICTED, target=None):
    ready = compile_class_signals(model, None, images, target)
    return SimpleNamespace(**ready.run(images, np.full(len(images), classes, np.int32)))


def resolved_target(model, images, target=None):
    return resolve_target(target, survey(model, images), len(images))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    "head",
    [
        lambda: [layers.Dense(3, activation="softmax")],
        lambda: [layers.Dense(3), layers.Activation("softmax")],
        lambda: [layers.Dense(3), layers.Softmax()],
        lambda: [keras.Sequential([layers.Dense(3, activation="softmax")])],
        lambda: [layers.Dense(3)],
    ],
    ids=["dense", "activation", "softmax layer", "nested", "logits"],
)
def test_the_score_is_the_logit(head, images):
    plain = with_head(layers.Dense(3))
    model = with_head(*head())
    model.set_weights(plain.get_weights())
    logits = plain.predict(images, verbose=0)
    for classes in (PREDICTED, 1):
        found = signals(model, images, classes)
        expected = logits.max(-1) if classes == PREDICTED else logits[:, 1]
        np.testing.assert_allclose(found.score, expected, atol=1e-6)
        np.testing.assert_allclose(found.probabilities, softmax(logits), atol=1e-6)


def test_the_logit_of_a_softmax_in_a_subclassed_call(images):
    model = subclassed_model()
    found = signals(model, images)
    features = model.average(model.block(images))
    logits = keras.ops.convert_to_numpy(model.scores(features))
    assert resolved_target(model, images).is_before_activation
    np.testing.assert_allclose(found.score, logits.max(-1), atol=1e-6)


def test_one_sigmoid_unit_has_two_classes(images):
    plain = with_head(layers.Dense(1))
    model = with_head(layers.Dense(1, activation="sigmoid"))
    model.set_weights(plain.get_weights())
    logit = plain.predict(images, verbose=0)[:, 0]
    assert survey(model, images).outputs[0].classes == 2
    np.testing.assert_allclose(signals(model, images, 1).score, logit, atol=1e-6)
    np.testing.assert_allclose(signals(model, images, 0).score, -logit, atol=1e-6)
    found = signals(model, images)
    np.testing.assert_allclose(found.score, np.abs(logit), atol=1e-6)
    np.testing.assert_allclose(found.probabilities[:, 1], 1 / (1 + np.exp(-logit)), atol=1e-6)


def test_one_linear_unit_is_binary_only_where_the_loss_says_so(images):
    binary = keras.losses.BinaryCrossentropy(from_logits=True)
    assert signals(with_head(layers.Dense(1), loss=binary), images).probabilities.shape == (6, 2)
    regression = with_head(layers.Dense(1), loss="mse")
    found = signals(regression, images, target=lambda outputs: outputs[:, 0])
    assert found.probabilities is None


@pytest.mark.parametrize(
    "loss",
    [
        "mse",
        "MeanAbsoluteError",
        keras.losses.Huber(name="boxes"),
        functools.partial(keras.losses.huber, delta=0.5),
        ["log_cosh"],
    ],
    ids=str,
)
@pytest.mark.parametrize("units", [1, 4])
def test_a_sigmoid_under_a_loss_of_regression_is_regression(loss, units, images):
    model = with_head(layers.Dense(units, activation="sigmoid"), loss=loss)
    (output,) = survey(model, images).outputs
    assert (output.kind, output.classes) == ("regression", None)
    found = signals(model, images, units - 1, target=units - 1)
    assert found.probabilities is None
    # The number that the user knows, as that of a Dense without activation.
    np.testing.assert_allclose(found.score, model.predict(images, verbose=0)[:, -1], atol=1e-6)


def test_several_units_of_a_sigmoid_under_a_loss_of_regression_need_a_target(images):
    model = with_head(layers.Dense(4, activation="sigmoid", name="box"), loss="mse")
    with pytest.raises(ValueError, match="must name one of the 4 units") as raised:
        resolved_target(model, images)
    assert str(raised.value) == (
        "`target` must name one of the 4 units of the output 'box', because its loss is one of "
        "regression. Received: target=None"
    )


def test_a_class_of_an_output_of_regression_is_refused(images):
    model = with_head(layers.Dense(1, activation="sigmoid", name="age"), loss="mse")
    with pytest.raises(ValueError, match="must be a unit of the output") as raised:
        resolved_target(model, images, 1)
    assert str(raised.value) == (
        "`target` must be a unit of the output 'age', from 0 to 0: it is read as "
        "regression, not as classes. Received: target=1. Omit `target` to explain a single unit."
    )


def test_a_softmax_tells_classes_under_any_loss(images):
    model = with_head(layers.Dense(3, activation="softmax"), loss="mse")
    assert survey(model, images).outputs[0].kind == "softmax"


class NestedOutputs(keras.Model):
    """Returns two sigmoids in a nest of dicts."""

    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(4, 3)
        self.pool = layers.GlobalAveragePooling2D()
        self.classes = layers.Dense(2, activation="sigmoid")
        self.box = layers.Dense(4, activation="sigmoid")

    def call(self, x):
        features = self.pool(self.conv(x))
        return {"head": {"box": self.box(features), "classes": self.classes(features)}}


@pytest.mark.parametrize(
    "losses",
    [
        {"head": {"box": "mse", "classes": "bce"}},
        {"box": "mse", "classes": "bce"},
        ["mse", "bce"],
    ],
)
def test_each_output_is_read_by_its_own_loss(losses, images):
    model = NestedOutputs()
    model(images[:1])
    model.compile("sgd", losses)
    kinds = {output.name: output.kind for output in survey(model, images).outputs}
    assert kinds == {"box": "regression", "classes": "sigmoid"}


def test_layers_of_a_functional_model_are_read_by_their_own_loss(images):
    inputs = keras.Input((16, 16, 3))
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs))
    heads = [layers.Dense(2, activation="sigmoid", name=name)(features) for name in ("a", "b")]
    model = keras.Model(inputs, heads)
    for losses in ({"a": "bce", "b": "mse"}, ["bce", "mse"]):
        model.compile("sgd", losses)
        kinds = [output.kind for output in survey(model, images).outputs]
        assert kinds == ["sigmoid", "regression"]


def sigmoid_of_backend(x):
    """A sigmoid that Keras does not see."""
    if keras.backend.backend() == "tensorflow":
        return importlib.import_module("tensorflow").nn.sigmoid(x)
    if keras.backend.backend() == "jax":
        return importlib.import_module("jax").nn.sigmoid(x)
    return importlib.import_module("torch").sigmoid(x)


UNSEEN_SIGMOIDS = {
    "backend": lambda units: [layers.Dense(units, activation=sigmoid_of_backend)],
    "lambda": lambda units: [
        layers.Dense(units),
        layers.Lambda(lambda x: 1 / (1 + keras.ops.exp(-x))),
    ],
    "changed": lambda units: [
        layers.Dense(units, activation="sigmoid"),
        layers.Lambda(lambda x: x * 0.5),
    ],
}


@pytest.mark.parametrize(
    "loss",
    [
        "bce",
        keras.losses.BinaryFocalCrossentropy(),
        keras.losses.BinaryCrossentropy(name="is_cat"),
        functools.partial(keras.losses.binary_crossentropy, label_smoothing=0.1),
    ],
    ids=str,
)
@pytest.mark.parametrize("head", UNSEEN_SIGMOIDS)
def test_a_unit_under_binary_cross_entropy_is_a_probability(head, loss, images):
    model = with_head(*UNSEEN_SIGMOIDS[head](1), loss=loss)
    (output,) = survey(model, images).outputs
    assert (output.kind, output.classes) == ("probability", 2)
    assert not resolved_target(model, images).is_before_activation
    value = model.predict(images, verbose=0)[:, 0]
    both = np.stack([1 - value, value], axis=-1)
    found = signals(model, images)
    np.testing.assert_allclose(found.probabilities, both, atol=1e-6)
    np.testing.assert_allclose(found.score, both.max(-1), atol=1e-6)
    np.testing.assert_array_equal(found.classes, both.argmax(-1))
    np.testing.assert_allclose(signals(model, images, 0).score, 1 - value, atol=1e-6)


def test_units_under_binary_cross_entropy_are_probabilities(images):
    model = with_head(*UNSEEN_SIGMOIDS["backend"](4), loss="bce")
    assert survey(model, images).outputs[0].classes == 4
    value = model.predict(images, verbose=0)
    np.testing.assert_allclose(signals(model, images).probabilities, value, atol=1e-6)


def test_a_unit_without_sigmoid_is_clipped_as_the_loss_does(images):
    model = with_head(layers.Dense(1, bias_initializer=keras.initializers.Constant(3)), loss="bce")
    assert model.predict(images, verbose=0).min() > 1
    np.testing.assert_array_equal(signals(model, images).probabilities, [[0, 1]] * len(images))


def test_a_partial_loss_from_logits_is_read(images):
    loss = functools.partial(keras.losses.binary_crossentropy, from_logits=True)
    assert survey(with_head(layers.Dense(1), loss=loss), images).outputs[0].kind == "sigmoid"


def test_an_output_of_unknown_origin_that_is_a_distribution_is_used_and_told(images):
    normalise = layers.Lambda(lambda x: x / keras.ops.sum(x, axis=-1, keepdims=True))
    model = with_head(layers.Dense(3, activation="softplus"), normalise)
    found = signals(model, images)
    output = model.predict(images, verbose=0)
    assert not resolved_target(model, images).is_before_activation
    np.testing.assert_allclose(found.score, output.max(-1), atol=1e-6)
    np.testing.assert_allclose(found.probabilities, output, atol=1e-6)


def test_a_function_of_the_outputs_is_the_score(images):
    model = with_head(layers.Dense(3, activation="softmax"))
    found = signals(model, images, target=lambda outputs: outputs[:, 2] - outputs[:, 0])
    output = model.predict(images, verbose=0)
    np.testing.assert_allclose(found.score, output[:, 2] - output[:, 0], atol=1e-6)


def test_small_gradients_do_not_vanish_in_half_precision(images):
    models = []
    for policy in ("float32", "mixed_float16"):
        keras.config.set_dtype_policy(policy)
        try:
            models.append(with_head(layers.Dense(3, dtype="float32")))
        finally:
            keras.config.set_dtype_policy("float32")
    plain, half = models
    # A gradient of 1e-5 / (14 * 14), by the pooling, is below the least half-precision number.
    kernel = 1e-5 * np.random.default_rng(0).choice([-1, 1], (4, 3))
    for model in models:
        model.set_weights([*plain.get_weights()[:2], kernel, np.zeros(3)])
    (expected,) = signals(plain, images, 1).gradients.values()
    (found,) = signals(half, images, 1).gradients.values()
    assert 0 < np.abs(expected).max() < 6e-8
    np.testing.assert_allclose(found, expected, rtol=1e-2)


class OptionalOutputs(keras.Model):
    """Returns classes, among outputs that are left out or are no tensors."""

    def __init__(self, outputs):
        super().__init__()
        self.conv = layers.Conv2D(4, 3, activation="relu", name="conv")
        self.pool = layers.GlobalAveragePooling2D()
        self.classes = layers.Dense(3, activation="softmax")
        self.outputs_of = outputs

    def call(self, x):
        return self.outputs_of(self.classes(self.pool(self.conv(x))))


@pytest.mark.parametrize(
    ("outputs", "name"),
    [
        (lambda x: {"attention": None, "classes": x}, "classes"),
        (lambda x: {"classes": x, "scale": 2.0, "text": "a"}, "classes"),
        (lambda x: (None, x), "1"),
        (lambda x: [x, None], "0"),
        (lambda x: {"a": {"deep": None}, "b": [None, {"classes": x}]}, "classes"),
    ],
)
def test_outputs_that_are_left_out_are_passed_over(outputs, name, images):
    keras.utils.set_random_seed(2)
    model = OptionalOutputs(outputs)
    model(images[:1])
    assert [(output.name, output.kind) for output in survey(model, images).outputs] == [
        (name, "softmax")
    ]
    for target in (None, name):
        found = signals(model, images[:2], target=target)
        plain = model.classes(model.pool(model.conv(images[:2])))
        expected = keras.ops.convert_to_numpy(plain)
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
        np.testing.assert_array_equal(found.classes, expected.argmax(-1))
