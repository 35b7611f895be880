"""State outside of Keras' variables after a training is bit for bit that without callbacks.

Each test draws from every random generator afterwards. On JAX and TensorFlow layers' Python code
runs in traces only, on torch in each pass.
"""

# ruff: noqa: NPY002 - the global generator is what these tests are about

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM, Saliency, grad_cam
from keras_viz_callbacks.capture.backend import backend
from tests.helpers.backends import BACKEND, only_on
from tests.helpers.models import six_images, six_labels

CALLBACKS = {
    "ActivationGrid": lambda log_dir: ActivationGrid(log_dir, six_images()[:2]),
    "GradCAM": lambda log_dir: GradCAM(log_dir, six_images()[:2], layers=["conv"]),
    "Saliency": lambda log_dir: Saliency(log_dir, six_images()[:2]),
    "FilterPatterns": lambda log_dir: FilterPatterns(log_dir, layers=["conv"], filters=2, steps=2),
}


def next_numbers() -> list[float]:
    """What each global generator gives next."""
    numbers = [np.random.normal(), random.random(), float(keras.random.normal(()))]
    if BACKEND == "tensorflow":
        import tensorflow as tf

        generator = tf.random.get_global_generator()
        numbers += [float(tf.random.normal(())), float(tf.random.uniform(()))]
        numbers += [float(tf.random.normal((), seed=7)), float(generator.normal(()))]
    elif BACKEND == "torch":
        import torch

        numbers += [float(torch.rand(())), float(torch.randn(()))]
        if torch.cuda.is_available():
            numbers += [float(torch.rand((), device="cuda"))]
    return numbers


def seeded_numbers() -> list[float]:
    """`next_numbers`, also of TensorFlow's global generator, which no seed of Keras sets."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        tf.random.set_global_generator(tf.random.Generator.from_seed(3))
    return next_numbers()


def trained(
    make_layer: Callable[[], Any],
    state: Callable[[Any], Any],
    callbacks: list[keras.callbacks.Callback],
    **compiled: Any,
) -> list[Any]:
    """Weights, the layer's own state and the next random numbers after a training."""
    keras.utils.set_random_seed(3)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        tf.random.set_global_generator(tf.random.Generator.from_seed(3))
    layer = make_layer()
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, name="conv"),
            layer,
            layers.Dropout(0.25),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", **compiled)
    model.fit(six_images(), six_labels(), epochs=2, batch_size=3, verbose=0, callbacks=callbacks)
    return [*model.get_weights(), *map(np.asarray, state(layer)), next_numbers()]


def assert_observed(
    tmp_path, make_layer: Callable[[], Any], state: Callable[[Any], Any], **compiled: Any
) -> None:
    expected = trained(make_layer, state, [], **compiled)
    for name, make in CALLBACKS.items():
        found = trained(make_layer, state, [make(tmp_path / name)], **compiled)
        for value, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(value, other, err_msg=name)
        assert list((tmp_path / name).rglob("*tfevents*")), f"{name} has drawn nothing"


def of_python(layer: Any) -> list[Any]:
    return []


class DrawsInPython(layers.Layer):
    """Augments by NumPy's and Python's random numbers."""

    def call(self, x):
        return x * (1 + 0.01 * np.random.normal()) + 0.01 * random.random()


class DrawsFromKeras(layers.Layer):
    """With a seed generator of its own, and with the global one, which Keras refuses on JAX."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(5)

    def call(self, x):
        noise = keras.random.normal(ops.shape(x), seed=self.seeds)
        x = x + 0.1 * noise
        return x if BACKEND == "jax" else x + 0.1 * keras.random.normal(ops.shape(x))


@pytest.mark.parametrize("make_layer", [DrawsInPython, DrawsFromKeras])
@pytest.mark.parametrize("run_eagerly", [False, True])
def test_random_numbers_on_each_backend(tmp_path, make_layer, run_eagerly):
    assert_observed(tmp_path, make_layer, of_python, run_eagerly=run_eagerly)


class Fails(layers.Layer):
    """Draws, counts, and fails in every pass that no training makes."""

    def __init__(self, inner: Any):
        super().__init__()
        self.inner = inner
        self.fails = False

    def call(self, x):
        x = self.inner(x)
        if self.fails:
            x = DrawsFromKeras()(DrawsInPython()(x))
            raise ArithmeticError("on purpose")
        return x


def assert_kept_after_failure(make_inner: Callable[[], Any], state: Callable[[Any], Any]) -> None:
    keras.utils.set_random_seed(3)
    inner = make_inner()
    layer = Fails(inner)
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(4, 3, name="conv"), layer])
    before = [np.array(value) for value in state(inner)]
    weights = model.get_weights()
    keras.utils.set_random_seed(4)
    expected = seeded_numbers()
    keras.utils.set_random_seed(4)
    layer.fails = True
    for run in (backend().compile, backend().dry_run):
        with pytest.raises(ArithmeticError):
            run(model, lambda x: model(x, training=False), (six_images(),))
    after = [np.array(value) for value in state(inner)]
    for value, other in zip([*weights, *before], [*model.get_weights(), *after], strict=True):
        np.testing.assert_array_equal(value, other)
    assert seeded_numbers() == expected


def test_random_numbers_after_a_failure():
    assert_kept_after_failure(DrawsInPython, of_python)


def test_batches_prepared_by_another_thread_are_the_same(tmp_path):
    """TensorFlow asks a generator for the next batch while a callback draws."""

    def batches():
        while True:
            yield six_images() + 0.1 * np.random.normal(size=(6, 1, 1, 1)), six_labels()

    def weights(callbacks):
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                layers.Conv2D(4, 3, name="conv"),
                layers.GlobalAveragePooling2D(),
                layers.Dense(3, activation="softmax"),
            ]
        )
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(batches(), steps_per_epoch=4, epochs=3, verbose=0, callbacks=callbacks)
        return model.get_weights()

    expected = weights([])
    for value, other in zip(expected, weights([CALLBACKS["GradCAM"](tmp_path)]), strict=True):
        np.testing.assert_array_equal(value, other)


# TensorFlow


class Counting(layers.Layer):
    """A `tf.Variable` of its own, as `make` keeps it."""

    def __init__(self, make: Callable[[Any], Any], find: Callable[[Any], Any]):
        super().__init__()
        import tensorflow as tf

        self.held = make(tf)
        self.find = find

    def call(self, x):
        seen = self.find(self.held)
        seen.assign_add(ops.ones_like(seen))
        return x * (1 + 0.01 * ops.sum(seen))

    @property
    def state(self) -> list[Any]:
        return [self.find(self.held).numpy()]


class Within(layers.Layer):
    """A layer two levels down."""

    def __init__(self, inner: Any):
        super().__init__()
        self.parts = [inner]

    def call(self, x):
        return self.parts[0](x)

    @property
    def state(self) -> list[Any]:
        return self.parts[0].state


def a_module(tf: Any) -> Any:
    module = tf.Module()
    module.seen = tf.Variable(0.0)
    return module


HELD = {
    "attribute": lambda: Counting(lambda tf: tf.Variable(0.0), lambda held: held),
    "list of a nested layer": lambda: Within(
        Counting(lambda tf: [None, tf.Variable([0.0, 1.0])], lambda held: held[1])
    ),
    "dict": lambda: Counting(
        lambda tf: {"a": {"b": tf.Variable(0.0)}}, lambda held: held["a"]["b"]
    ),
    "tf.Module": lambda: Counting(a_module, lambda held: held.seen),
    "closure": lambda: Counting(
        lambda tf: (lambda variable: lambda: variable)(tf.Variable(0.0)), lambda held: held()
    ),
}
on_tensorflow = only_on("tensorflow", "variables of TensorFlow's own")


@on_tensorflow
@pytest.mark.parametrize("make_layer", HELD.values(), ids=HELD)
def test_variables_of_tensorflow(tmp_path, make_layer):
    assert_observed(tmp_path, make_layer, lambda layer: layer.state)


@on_tensorflow
@pytest.mark.parametrize("run_eagerly", [False, True])
def test_random_numbers_of_tensorflow(tmp_path, run_eagerly):
    import tensorflow as tf

    class Draws(layers.Layer):
        def __init__(self):
            super().__init__()
            self.generator = tf.random.Generator.from_seed(5)

        def call(self, x):
            with tf.init_scope():
                lifted = tf.random.normal(())
            noise = tf.random.normal(tf.shape(x)) + tf.random.normal(tf.shape(x), seed=7)
            noise += self.generator.normal(tf.shape(x))
            noise += tf.random.get_global_generator().normal(tf.shape(x))
            return x + 0.01 * (noise + lifted)

    assert_observed(
        tmp_path, Draws, lambda layer: [layer.generator.state.numpy()], run_eagerly=run_eagerly
    )


@on_tensorflow
def test_a_variable_of_tensorflow_after_a_trace_that_fails():
    assert_kept_after_failure(HELD["attribute"], lambda layer: layer.state)


@on_tensorflow
def test_a_variable_of_tensorflow_after_a_run_that_fails():
    import tensorflow as tf

    seen = tf.Variable(0.0)

    def function(x):
        seen.assign_add(1.0)
        tf.debugging.assert_less(ops.max(x), 2.0)
        return x * seen

    one = np.ones((1, 1), np.float32)
    run = backend().compile(keras.Sequential([keras.Input((1,))]), function, (one,))
    np.testing.assert_array_equal(run(one), one)
    with pytest.raises(tf.errors.InvalidArgumentError):
        run(3 * one)
    assert seen.numpy() == 0


# torch


def torch_layer(kind: str) -> Callable[[], Any]:
    def make() -> Any:
        import torch

        class CountsInPlace(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("seen", torch.zeros(()))
                self.register_buffer("mask", torch.ones(1).expand(4))

            def forward(self, x):
                self.seen += 1
                return x * (1 + 0.01 * self.seen) * self.mask[0]

        class CountsAnew(CountsInPlace):
            def forward(self, x):
                self.seen = self.seen + 1
                return x * (1 + 0.01 * self.seen)

        class CountsByData(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.seen = torch.nn.Parameter(torch.zeros(()), requires_grad=False)

            def forward(self, x):
                self.seen.data += 1
                return x * (1 + 0.01 * self.seen)

        class InEvaluation(torch.nn.BatchNorm2d):
            """Updates its statistics always, as some do that adapt to what they see."""

            def train(self, mode=True):
                return super().train(True)

            def forward(self, x):
                return super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

        modules = {
            "in place": CountsInPlace,
            "anew": CountsAnew,
            "by data": CountsByData,
            "inside": lambda: torch.nn.Sequential(torch.nn.Sequential(CountsInPlace())),
            "batch normalisation": lambda: InEvaluation(4),
        }
        return keras.layers.TorchModuleWrapper(modules[kind]())

    return make


def of_torch(layer: Any) -> list[Any]:
    tensors = [*layer.module.buffers(), *layer.module.parameters()]
    return [tensor.detach().cpu().numpy() for tensor in tensors]


on_torch = only_on("torch", "modules of PyTorch's own")
KINDS = ("in place", "anew", "by data", "inside", "batch normalisation")


@on_torch
@pytest.mark.parametrize("kind", KINDS)
def test_modules_of_torch(tmp_path, kind):
    assert_observed(tmp_path, torch_layer(kind), of_torch)


@on_torch
@pytest.mark.parametrize("kind", KINDS)
def test_modules_of_torch_after_a_failure(kind):
    assert_kept_after_failure(torch_layer(kind), of_torch)


@on_torch
def test_tensors_of_a_keras_layer_on_torch(tmp_path):
    import torch

    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seen = torch.zeros((), device="cpu")
            self.queue = {"a": [torch.zeros((), device="cpu")]}
            self.last = None

        def call(self, x):
            self.seen = self.seen + 1
            self.queue["a"][0] += 1
            self.last = x
            return x * (1 + 0.01 * self.seen.item() + 0.01 * self.queue["a"][0].item())

    def state(layer):
        return [layer.seen, layer.queue["a"][0], layer.last.detach().cpu()]

    assert_observed(tmp_path, Own, state)


@on_torch
def test_random_numbers_of_torch(tmp_path):
    import torch

    class Draws(layers.Layer):
        def call(self, x):
            return x + 0.1 * torch.randn_like(x) + 0.1 * torch.rand((), device="cpu").item()

    assert_observed(tmp_path, Draws, of_python)
    assert_kept_after_failure(Draws, of_python)


def test_a_function_leaves_random_numbers_as_they_were():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, name="conv"),
            DrawsInPython(),
            DrawsFromKeras(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )
    keras.utils.set_random_seed(4)  # Keras makes a new global generator when it is next needed
    expected = seeded_numbers()
    keras.utils.set_random_seed(4)
    run = backend().compile(model, lambda x: model(x, training=False), (six_images(),))
    gc.collect()
    run(six_images())
    grad_cam(model, six_images()[:2])
    assert seeded_numbers() == expected
