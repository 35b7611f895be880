"""What is private in TensorFlow and used."""

import ast
import contextlib
import importlib
from pathlib import Path

import pytest

import keras_viz_callbacks
from tests.helpers.backends import BACKEND

if BACKEND != "tensorflow":
    pytest.skip("TensorFlow's own names", allow_module_level=True)

import tensorflow as tf

from keras_viz_callbacks.capture import tensorflow_internals


@pytest.mark.parametrize("owner", tensorflow_internals.NAMES)
def test_tensorflow_has_the_names_that_are_needed(owner):
    """A release of TensorFlow that lacks one fails here, and not in a user's training."""
    tf.random.set_seed(1)
    module = importlib.import_module(owner.removesuffix(".context()"))
    of = module.context() if owner.endswith("()") else module
    names = tensorflow_internals.NAMES[owner]
    assert [name for name in names if not hasattr(of, name)] == []


def test_nothing_private_of_tensorflow_is_used_elsewhere():
    found = []
    for path in Path(keras_viz_callbacks.__file__).parent.rglob("*.py"):
        if path.name == "tensorflow_internals.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "tensorflow.python"
            ):
                found.append(f"{path.name}:{node.lineno}")
    assert found == []


def written(function):
    concrete = tf.function(function, autograph=False).get_concrete_function()
    return [
        (dtype, tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype).numpy().tolist())
        for handle, dtype in tensorflow_internals.written_variables(concrete)
    ]


def test_variables_that_are_read_alone_are_not_written():
    variable, rows = tf.Variable(2.0), tf.Variable([1.0, 2.0])
    table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, 0.0)

    def read():
        table.insert(tf.constant([1], tf.int64), tf.constant([1.0]))
        inside = tf.while_loop(lambda i: i < 3.0, lambda i: (i + variable,), [0.0])
        return variable + tf.gather(rows, 1) + inside[0] + tf.function(lambda: variable * 2)()

    assert written(read) == []


WRITES = {
    "assign": lambda variable: variable.assign(3.0 * variable),
    "add": lambda variable: variable.assign_add([1.0, 1.0]),
    "scatter": lambda variable: variable.scatter_nd_update([[0]], [5.0]),
    "function": lambda variable: tf.function(lambda: variable.assign_add([1.0, 1.0]))(),
    "branch": lambda variable: tf.cond(
        tf.reduce_sum(variable) > 0,
        lambda: variable.assign_add([1.0, 1.0]) + 0,
        lambda: variable.read_value(),
    ),
    "loop": lambda variable: tf.while_loop(
        lambda i: i < 2, lambda i: (i + tf.cast(variable.assign_add([1.0, 1.0])[0], i.dtype),), [0]
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_written_variable_is_found(write):
    variable, other = tf.Variable([1.0, 2.0]), tf.Variable(4.0)

    def function():
        return write(variable), other * 2

    assert written(function) == [(tf.float32, [1.0, 2.0])]


def test_the_state_of_a_random_generator_is_found():
    generator = tf.random.Generator.from_seed(3)
    found = written(lambda: generator.normal((2,)))
    assert found == [(tf.int64, generator.state.numpy().tolist())]


def test_seeds_of_eager_operations_are_kept_also_after_a_failure():
    tf.random.set_seed(3)
    expected = tf.random.normal((2,)).numpy().tolist()
    tf.random.set_seed(3)
    with contextlib.suppress(KeyError), tensorflow_internals.other_eager_seeds():
        tf.random.normal((2,))
        raise KeyError
    assert tf.random.normal((2,)).numpy().tolist() == expected
