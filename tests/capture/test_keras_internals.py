"""Which private names of Keras are needed, and that this Keras has them."""

import ast
import importlib
from pathlib import Path

import keras
import pytest

import keras_viz_callbacks
from keras_viz_callbacks.capture import keras_internals

INSTANCES = {
    "keras.src.backend.nn": lambda: keras_internals.nn,
    "keras.StatelessScope": lambda: keras.StatelessScope(),
    "keras.KerasTensor": lambda: keras.KerasTensor((1,)),
    "keras.layers.Layer": lambda: keras.layers.Layer(),
    "keras.layers.Dense": lambda: keras.layers.Dense(1),
    "keras.Model": lambda: keras.Model(x := keras.Input((1,)), keras.layers.Dense(1)(x)),
}


@pytest.mark.parametrize("owner", keras_internals.NAMES)
def test_keras_has_the_names_that_are_needed(owner):
    """A release of Keras that lacks one fails here, and not in a user's training."""
    of = INSTANCES[owner]() if owner in INSTANCES else importlib.import_module(owner)
    missing = [name for name in keras_internals.NAMES[owner] if not hasattr(of, name)]
    # A functional model gets it when somebody sets it; see `any_image`.
    assert [name for name in missing if name != "_manual_input_spec"] == []


def test_nothing_private_of_keras_is_used_elsewhere():
    names = {name for names in keras_internals.NAMES.values() for name in names}
    private = {name for name in names if name.startswith("_")} | {"quantized_call"}
    found = []
    for path in Path(keras_viz_callbacks.__file__).parent.rglob("*.py"):
        if path.name == "keras_internals.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            is_attribute = isinstance(node, ast.Attribute) and ast.unparse(node.value) != "self"
            attribute = node.attr if is_attribute else None
            if attribute in private or any(m.startswith("keras.src") for m in modules):
                found.append(f"{path.name}:{node.lineno}")
    assert found == []


def test_calls_of_softmax_and_sigmoid_are_reported_while_the_context_lasts():
    noted = []
    x = keras.ops.convert_to_tensor([[1.0, 2.0]])
    with keras_internals.noted_calls(lambda kind, x, result: noted.append(kind)):
        keras.ops.softmax(x)
        keras.layers.Dense(1, activation="sigmoid")(x)
        keras.ops.relu(x)
    keras.ops.softmax(x)
    assert noted == ["softmax", "sigmoid"]


def test_convolutions_of_ops_are_reported_while_the_context_lasts():
    noted = []
    image, kernel = keras.ops.ones((1, 8, 8, 2)), keras.ops.ones((3, 3, 2, 4))
    with keras_internals.noted_convolutions(lambda: noted.append(1)):
        keras.ops.conv(image, kernel)
        keras.ops.conv_transpose(image, keras.ops.ones((3, 3, 4, 2)))
        keras.ops.depthwise_conv(image, kernel)
        keras.ops.separable_conv(image, kernel, keras.ops.ones((1, 1, 8, 3)))
        keras.layers.Conv2D(2, 3)(image)
        assert len(noted) == 5
        keras.ops.image.extract_patches(image, 4)
        keras.ops.relu(image)
        assert len(noted) == 5
    keras.ops.conv(image, kernel)
    assert len(noted) == 5


def test_layers_of_keras_are_known():
    class Own(keras.layers.Conv2D):
        pass

    assert keras_internals.is_of_keras(keras.layers.Conv2D(1, 1))
    assert not keras_internals.is_of_keras(Own(1, 1))


def test_a_quantized_layer_is_called_by_another_method():
    layer = keras.layers.Dense(4)
    assert keras_internals.call_name(layer) == "call"
    layer.build((None, 8))
    layer.quantize("int8")
    assert keras_internals.call_name(layer) == "quantized_call"


def test_the_same_scope_has_the_values_and_keeps_its_updates():
    variable = keras.Variable(1.0)
    outer = keras_internals.observing([(variable, keras.ops.convert_to_tensor(2.0))])
    with outer:
        with keras_internals.same_scope():
            assert float(variable.value) == 2
            variable.assign(3.0)
            assert float(variable.value) == 3
        assert float(variable.value) == 2
    assert float(variable.value) == 1
