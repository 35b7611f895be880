"""Every kind of model that people train, each as small as it gets, with data to fit it on.

`KINDS` is what `tests/test_kinds.py` runs and what `docs/kinds.py` makes the guide's table of.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers, ops

TECHNIQUES = ("activations", "grad_cam", "filters")

NUMBER = 8
"""Training samples; the first three of them are drawn."""


@dataclass(frozen=True)
class Case:
    """A compiled model with its data.

    Attributes:
        model: The model.
        x: Inputs, `NUMBER` of them.
        y: What it is to learn.
        images: Arguments of both callbacks that take held-out images.
        classes: Arguments of `GradCAM` alone.
        techniques: What can be drawn; the others end in a clear error.
        fit: Arguments of ``fit``.
    """

    model: keras.Model
    x: Any
    y: Any
    images: dict[str, Any] = field(default_factory=dict)
    classes: dict[str, Any] = field(default_factory=dict)
    techniques: tuple[str, ...] = TECHNIQUES
    fit: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """A kind of model.

    Attributes:
        name: What it is, in the words of the guide's table.
        make: Makes it, the same at each call.
        not_on: Backends that can't run it, each with the reason.
    """

    name: str
    make: Callable[[], Case]
    not_on: dict[str, str] = field(default_factory=dict)


KINDS: dict[str, Kind] = {}


def kind(name: str, **not_on: str) -> Callable[[Callable[[], Case]], Callable[[], Case]]:
    """Registers a kind of model under its function's name."""

    def register(make: Callable[[], Case]) -> Callable[[], Case]:
        KINDS[make.__name__] = Kind(name, make, not_on)
        return make

    return register


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random((NUMBER, *shape), np.float32)


def classes_of(number: int = 3) -> np.ndarray:
    return np.arange(NUMBER) % number


def compiled(model: keras.Model, loss: Any = "sparse_categorical_crossentropy", **arguments: Any):
    model.compile(arguments.pop("optimizer", "sgd"), loss, **arguments)
    return model


def conv(filters: int = 4, name: str | None = None, **arguments: Any) -> layers.Layer:
    return layers.Conv2D(filters, 3, padding="same", activation="relu", name=name, **arguments)


def convnet(*head: layers.Layer, channels: int = 3) -> keras.Sequential:
    """Two convolutions for 16 × 16 images, and a head."""
    return keras.Sequential(
        [
            keras.Input((16, 16, channels)),
            conv(4, "conv_a"),
            layers.MaxPooling2D(),
            conv(5, "conv_b"),
            layers.GlobalAveragePooling2D(),
            *(head or [layers.Dense(3, activation="softmax")]),
        ]
    )


def backbone(name: str = "backbone") -> keras.Model:
    inputs = keras.Input((16, 16, 3))
    x = layers.BatchNormalization()(conv(4, "conv_a")(inputs))
    return keras.Model(inputs, conv(5, "conv_b", strides=2)(x), name=name)


def plain(model: keras.Model, *, loss: Any = "sparse_categorical_crossentropy", **compile: Any):
    """A classifier of 16 × 16 RGB images into three classes."""
    return Case(compiled(model, loss, **compile), noise(16, 16, 3), classes_of())


# What the outputs are


@kind("Softmax")
def softmax() -> Case:
    return plain(convnet())


@kind("Logits")
def logits() -> Case:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return plain(convnet(layers.Dense(3)), loss=loss)


@kind("One sigmoid unit")
def one_sigmoid() -> Case:
    model = compiled(convnet(layers.Dense(1, activation="sigmoid")), "binary_crossentropy")
    return Case(model, noise(16, 16, 3), classes_of(2)[:, None])


@kind("Several sigmoid units (multi-label)")
def several_sigmoids() -> Case:
    model = compiled(convnet(layers.Dense(4, activation="sigmoid")), "binary_crossentropy")
    return Case(model, noise(16, 16, 3), np.eye(4)[classes_of(4)])


@kind("Regression, one number")
def regression() -> Case:
    return Case(compiled(convnet(layers.Dense(1)), "mse"), noise(16, 16, 3), noise(1))


@kind("Regression, several numbers, by `target`")
def regression_of_several() -> Case:
    model = compiled(convnet(layers.Dense(4)), "mse")
    return Case(model, noise(16, 16, 3), noise(4), classes={"target": 2})


@kind("Segmenter, by a function as `target`")
def segmenter() -> Case:
    inputs = keras.Input((16, 16, 3))
    x = conv(5, "conv_b")(conv(4, "conv_a")(inputs))
    # A softmax over each pixel's classes is more than Keras can train on torch.
    model = keras.Model(inputs, layers.Conv2D(3, 1, name="mask")(x))
    compiled(model, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    y = np.random.default_rng(1).integers(0, 3, (NUMBER, 16, 16))
    mask_of_class_2 = {"target": lambda mask: ops.sum(mask[..., 2], axis=(1, 2))}
    return Case(model, noise(16, 16, 3), y, classes=mask_of_class_2)


@kind("Detector, by a function as `target`")
def detector() -> Case:
    inputs = keras.Input((16, 16, 3))
    x = conv(5, "conv_b", strides=2)(conv(4, "conv_a", strides=2)(inputs))
    boxes = layers.Conv2D(4, 1, name="boxes")(x)
    scores = layers.Conv2D(1, 1, activation="sigmoid", name="scores")(x)
    model = keras.Model(inputs, {"boxes": boxes, "scores": scores})
    model = compiled(model, {"boxes": "mse", "scores": "binary_crossentropy"})
    y = {"boxes": noise(4, 4, 4), "scores": noise(4, 4, 1).round()}
    one_box = {"target": lambda outputs: outputs["scores"][:, 1, 2, 0]}
    return Case(model, noise(16, 16, 3), y, classes=one_box)


# How the model is built


@kind("Functional, with a shared layer")
def shared_layer() -> Case:
    inputs = keras.Input((16, 16, 3))
    shared = conv(3, "shared")
    x = layers.GlobalAveragePooling2D()(shared(shared(inputs)))
    return plain(keras.Model(inputs, layers.Dense(3, activation="softmax")(x)))


@kind("Transfer learning: augmentation, rescaling, a frozen backbone, a head")
def transfer_learning() -> Case:
    base = backbone()
    base.trainable = False
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.RandomFlip(seed=1),
            layers.RandomRotation(0.1, seed=2),
            layers.Rescaling(1 / 255),
            base,
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.2, seed=3),
            layers.Dense(3, activation="softmax"),
        ]
    )
    return Case(compiled(model), 255 * noise(16, 16, 3), classes_of())


@kind("A backbone two models deep")
def two_deep() -> Case:
    inputs = keras.Input((16, 16, 3))
    middle = keras.Model(inputs, layers.ReLU()(backbone()(inputs)), name="middle")
    return plain(
        keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                middle,
                layers.GlobalAveragePooling2D(),
                layers.Dense(3, activation="softmax"),
            ]
        )
    )


@kind("Siamese: one backbone called twice")
def siamese() -> Case:
    left, right = (keras.Input((16, 16, 3), name=side) for side in ("left", "right"))
    base, pool = backbone(), layers.GlobalAveragePooling2D()
    apart = ops.abs(pool(base(left)) - pool(base(right)))
    model = keras.Model((left, right), layers.Dense(1, activation="sigmoid")(apart))
    x = (noise(16, 16, 3), noise(16, 16, 3)[::-1].copy())
    model = compiled(model, "binary_crossentropy")
    return Case(model, x, classes_of(2)[:, None], techniques=("activations", "grad_cam"))


class Block(layers.Layer):
    """Convolutions in a list and a dict, one made only when it is built."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.steps = [conv(4, "first"), conv(4, "second")]
        self.named = {"down": conv(5, "down", strides=2)}

    def build(self, shape: Any) -> None:
        self.late = conv(5, "late")

    def call(self, x: Any) -> Any:
        for step in self.steps:
            x = step(x)
        return self.late(self.named["down"](x))


class Subclassed(keras.Model):
    """A block, a convolution called in a loop, and a softmax in the model's own ``call``."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block(name="block")
        self.again = conv(5, "again")
        self.pool = layers.GlobalAveragePooling2D()
        self.scores = layers.Dense(3)

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.block(x)
        for _ in range(2):
            x = self.again(x)
        return ops.softmax(self.scores(self.pool(x)))


@kind("Subclassed: layers in lists and dicts, built late, called in a loop")
def subclassed() -> Case:
    return plain(Subclassed())


@kind("`TimeDistributed` and `ConvLSTM2D`")
def time_distributed() -> Case:
    model = keras.Sequential(
        [
            keras.Input((4, 16, 16, 3)),
            layers.TimeDistributed(conv(4), name="frames"),
            layers.ConvLSTM2D(3, 3, name="memory"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    x = noise(4, 16, 16, 3)
    images = {"layers": ["frames", "memory"]}
    techniques = ("activations", "grad_cam")
    return Case(compiled(model), x, classes_of(), images=images, techniques=techniques)


@kind("Several inputs, as a dict")
def inputs_in_a_dict() -> Case:
    image, facts = keras.Input((16, 16, 3), name="image"), keras.Input((5,), name="facts")
    x = layers.GlobalAveragePooling2D()(conv(5, "conv_b")(conv(4, "conv_a")(image)))
    x = layers.Dense(3, activation="softmax")(layers.Concatenate()([x, facts]))
    model = compiled(keras.Model({"image": image, "facts": facts}, x))
    return Case(model, {"image": noise(16, 16, 3), "facts": noise(5)}, classes_of())


@kind("Several inputs, as a tuple")
def inputs_in_a_tuple() -> Case:
    image, facts = keras.Input((16, 16, 3), name="image"), keras.Input((5,), name="facts")
    x = layers.GlobalAveragePooling2D()(conv(5, "conv_b")(conv(4, "conv_a")(image)))
    x = layers.Dense(3, activation="softmax")(layers.Concatenate()([x, facts]))
    model = compiled(keras.Model((image, facts), x))
    return Case(model, (noise(16, 16, 3), noise(5)), classes_of())


@kind("Several outputs, one by its name as `target`")
def several_outputs() -> Case:
    inputs = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(conv(5, "conv_b")(conv(4, "conv_a")(inputs)))
    outputs = {
        "age": layers.Dense(1, name="age")(x),
        "breed": layers.Dense(3, activation="softmax", name="breed")(x),
        "colour": layers.Dense(2, activation="softmax", name="colour")(x),
    }
    sparse = "sparse_categorical_crossentropy"
    model = compiled(
        keras.Model(inputs, outputs), {"age": "mse", "breed": sparse, "colour": sparse}
    )
    y = {"age": noise(1), "breed": classes_of(), "colour": classes_of(2)}
    return Case(model, noise(16, 16, 3), y, classes={"target": {"colour": 1}})


# How it computes


@kind("`mixed_float16`")
def mixed_float16() -> Case:
    with policy("mixed_float16"):
        return plain(convnet())


@kind("`mixed_bfloat16`")
def mixed_bfloat16() -> Case:
    with policy("mixed_bfloat16"):
        return plain(convnet())


@kind("`float64`")
def float64() -> Case:
    with policy("float64"):
        return plain(convnet())


@kind("`channels_first`")
def channels_first() -> Case:
    first = {"data_format": "channels_first"}
    model = keras.Sequential(
        [
            keras.Input((3, 16, 16)),
            conv(4, "conv_a", **first),
            layers.BatchNormalization(axis=1, name="norm"),
            conv(5, "conv_b", strides=2, **first),
            layers.GlobalAveragePooling2D(**first),
            layers.Dense(3, activation="softmax"),
        ]
    )
    # On the CPU, TensorFlow trains convolutions of this format only where XLA compiles them.
    jit = True if keras.backend.backend() == "tensorflow" else "auto"
    model = compiled(model, jit_compile=jit)
    return Case(model, noise(3, 16, 16), classes_of(), images={"layers": ["conv_a", "norm"]})


@kind("Grey images")
def grey() -> Case:
    return Case(compiled(convnet(channels=1)), noise(16, 16, 1), classes_of())


@kind("Images of five channels")
def five_channels() -> Case:
    return Case(compiled(convnet(channels=5)), noise(16, 16, 5), classes_of())


@kind("`jit_compile=True`", torch="torch.compile needs a C++ compiler and minutes")
def jit_compile() -> Case:
    return plain(convnet(), jit_compile=True)


@kind("`run_eagerly=True`")
def run_eagerly() -> Case:
    return plain(convnet(), run_eagerly=True)


@kind("`steps_per_execution=2`", torch="Keras takes no other number than 1 there")
def steps_per_execution() -> Case:
    case = plain(convnet(), steps_per_execution=2)
    return Case(case.model, case.x, case.y, fit={"batch_size": 2})


@kind("Gradient accumulation")
def gradient_accumulation() -> Case:
    optimizer = keras.optimizers.SGD(gradient_accumulation_steps=2)
    case = plain(convnet(), optimizer=optimizer)
    return Case(case.model, case.x, case.y, fit={"batch_size": 2})


@kind("Exponential moving average of the weights")
def moving_average() -> Case:
    optimizer = keras.optimizers.Adam(use_ema=True, ema_overwrite_frequency=2)
    case = plain(convnet(), optimizer=optimizer)
    return Case(case.model, case.x, case.y, fit={"batch_size": 2})


@kind("`RematScope`")
def rematerialized() -> Case:
    with keras.RematScope(mode="full"):
        blocks = [conv(4, "conv_a"), conv(5, "conv_b", strides=2)]
    # Not the model itself, which TensorFlow then can't train in a graph.
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")]
    return plain(keras.Sequential([keras.Input((16, 16, 3)), *blocks, *head]))


# What it looks at


def tokens(*, class_token: bool, side: int = 4) -> layers.Layer:
    """Patches of 16 × 16 images as tokens, through one transformer block."""
    image = keras.Input((16, 16, 3))
    patch = 16 // side
    x = layers.Conv2D(6, patch, strides=patch, name="patches")(image)
    x = layers.Reshape((side * side, 6))(x)
    if class_token:
        x = layers.ZeroPadding1D((1, 0))(x)
    attended = layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    x = layers.LayerNormalization(name="encoded")(layers.Add()([x, attended]))
    x = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    return keras.Model(image, x)


@kind("Tokens of a square")
def square_tokens() -> Case:
    case = plain(tokens(class_token=False))
    return Case(case.model, case.x, case.y, images={"layers": ["patches", "encoded"]})


@kind("Tokens of a square and a class token")
def class_token() -> Case:
    case = plain(tokens(class_token=True))
    return Case(case.model, case.x, case.y, images={"layers": "encoded"})


@kind("Tokens of a rectangle, by `tokens_to_grid`")
def rectangle_of_tokens() -> Case:
    image = keras.Input((8, 16, 3))
    x = layers.Reshape((8, 6))(layers.Conv2D(6, 4, strides=4, name="patches")(image))
    x = layers.Dense(6, activation="gelu", name="encoded")(x)
    x = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    images = {"layers": "encoded", "tokens_to_grid": (2, 4)}
    model = compiled(keras.Model(image, x))
    return Case(model, noise(8, 16, 3), classes_of(), images=images)


@kind("Signals: convolutions in one dimension")
def signals() -> Case:
    model = keras.Sequential(
        [
            keras.Input((64, 2)),
            layers.Conv1D(4, 5, activation="relu", padding="same", name="conv_a"),
            layers.MaxPooling1D(),
            layers.Conv1D(5, 3, activation="relu", name="conv_b"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    techniques = ("activations", "grad_cam")
    return Case(compiled(model), noise(64, 2), classes_of(), techniques=techniques)


@kind("Volumes: convolutions in three dimensions")
def volumes() -> Case:
    model = keras.Sequential(
        [
            keras.Input((6, 16, 16, 1)),
            layers.Conv3D(4, 3, activation="relu", padding="same", name="conv_a"),
            layers.MaxPooling3D(),
            layers.Conv3D(5, 3, activation="relu", padding="same", name="conv_b"),
            layers.GlobalAveragePooling3D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    techniques = ("activations", "grad_cam")
    return Case(compiled(model), noise(6, 16, 16, 1), classes_of(), techniques=techniques)


@kind("A model without any spatial layer")
def no_spatial_layer() -> Case:
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Flatten(),
            layers.Dense(4, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    return Case(compiled(model), noise(16, 16, 3), classes_of(), techniques=())
