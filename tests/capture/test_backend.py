"""The four primitives, on the backend that runs: tests of the passes are in their own files."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_viz_callbacks.capture import backend as backends
from keras_viz_callbacks.capture.backend import backend, first_image, to_numpy
from tests.helpers.backends import BACKEND, by_backend
from tests.helpers.model_state import assert_same_state, state_of
from tests.helpers.models import small_model

X = np.array([[1, 2], [3, 4], [5, 6]], np.float32)


def test_compile_takes_and_returns_nests_of_arrays(model):
    def function(inputs, scale):
        return {"sum": ops.sum(inputs["x"], axis=-1) * scale, "nothing": None, "pair": (scale, 1)}

    run = backend().compile(
        model, lambda *args: {**function(*args), "pair": (args[1],)}, ({"x": X}, np.float32(1))
    )
    for number in (3, 1):
        found = run({"x": X[:number]}, np.float32(2))
        assert found["nothing"] is None
        assert isinstance(found["sum"], np.ndarray)
        np.testing.assert_array_equal(found["sum"], 2 * X[:number].sum(axis=-1))
        np.testing.assert_array_equal(found["pair"][0], 2)


def test_compile_traces_once_where_the_backend_traces(model):
    traces = []

    def function(x):
        traces.append(x.shape)
        return ops.square(x)

    run = backend().compile(model, function, (X,))
    assert len(traces) == 1
    np.testing.assert_array_equal(run(X), X**2)
    np.testing.assert_array_equal(run(X + 1), (X + 1) ** 2)
    # Torch runs the function itself, each time.
    assert len(traces) == by_backend(tensorflow=1, jax=1, torch=3)


def test_what_is_wrong_is_raised_when_it_is_compiled(model):
    def function(x):
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        backend().compile(model, function, (X,))


def test_a_compiled_function_reads_the_weights_as_they_are_then(model, images):
    run = backend().compile(model, lambda x: model(x, training=False), (images,))
    before = run(images)
    model.set_weights([1.5 * weight for weight in model.get_weights()])
    after = run(images)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, model.predict(images, verbose=0), atol=1e-5)


def test_updates_of_variables_are_dropped(model):
    counter = model.variables[0]
    before = state_of(model)

    def function(x):
        counter.assign(0 * counter.value)
        return x

    backend().compile(model, function, (X,))(X)
    assert_same_state(before, state_of(model))


def differentiated(model, scored, *arguments):
    def function(*tensors):
        gradients, watched, rest = backend().gradients(scored)(*tensors)
        return {"gradients": gradients, "watched": watched, "rest": rest}

    return backend().compile(model, function, arguments)(*arguments)


def test_gradients_are_those_of_the_sum_of_the_scores(model):
    def scored(watch, x):
        y = watch("y", x * x)
        return ops.sum(watch("z", 3 * y), axis=-1), ["y", "z"], {"half": x / 2, "none": None}

    found = differentiated(model, scored, X)
    np.testing.assert_array_equal(found["gradients"]["y"], np.full_like(X, 3))
    np.testing.assert_array_equal(found["gradients"]["z"], np.ones_like(X))
    np.testing.assert_array_equal(found["watched"]["y"], X**2)
    np.testing.assert_array_equal(found["rest"]["half"], X / 2)
    assert found["rest"]["none"] is None


def test_an_argument_can_be_watched(model):
    def scored(watch, x):
        x = watch("x", x)
        return ops.sum(x**3, axis=-1), ["x"], None

    found = differentiated(model, scored, X)
    np.testing.assert_allclose(found["gradients"]["x"], 3 * X**2, rtol=1e-6)


def test_what_the_score_does_not_depend_on_has_a_gradient_of_zero(model):
    def scored(watch, x):
        watch("unused", 2 * x)
        return ops.sum(watch("used", x), axis=-1), ["unused", "used"], None

    found = differentiated(model, scored, X)
    np.testing.assert_array_equal(found["gradients"]["unused"], np.zeros_like(X))


def test_only_the_wanted_gradients_are_returned(model):
    def scored(watch, x):
        return ops.sum(watch("b", watch("a", x) * 2), axis=-1), ["a"], None

    found = differentiated(model, scored, X)
    assert list(found["gradients"]) == ["a"]
    np.testing.assert_array_equal(found["gradients"]["a"], np.full_like(X, 2))


def test_gradients_work_inside_a_loop(model):
    def scored(watch, x):
        x = watch("x", x)
        return -ops.sum(x**2, axis=-1), ["x"], None

    def function(x, steps):
        def step(_, x):
            gradients, _, _ = backend().gradients(scored)(x)
            return x + 0.25 * gradients["x"]

        return ops.fori_loop(0, steps, step, x)

    run = backend().compile(model, function, (X, np.int32(1)))
    # Each step takes half of x away.
    np.testing.assert_allclose(run(X, np.int32(3)), X / 8, rtol=1e-6)


def test_an_update_inside_a_derivative_does_not_leave_it(model):
    counter = model.variables[0]

    def scored(watch, x):
        x = watch("x", x)
        counter.assign(counter.value + ops.mean(x))
        return ops.sum(x * ops.mean(counter.value), axis=-1), ["x"], None

    before = state_of(model)
    found = differentiated(model, scored, X)
    assert np.isfinite(found["gradients"]["x"]).all()
    # A second derivative of the same function is not disturbed by what the first one left.
    again = differentiated(model, scored, X)
    np.testing.assert_array_equal(found["gradients"]["x"], again["gradients"]["x"])
    assert_same_state(before, state_of(model))


def test_a_dry_run_sees_every_shape_and_changes_nothing(images):
    model = small_model()
    before = state_of(model)
    shapes = []
    backend().dry_run(
        model, lambda x: shapes.append(tuple(model(x, training=False).shape)[1:]), (images,)
    )
    assert shapes[-1:] == [(3,)]
    assert_same_state(before, state_of(model))


def test_one_process_is_its_own_chief(model):
    assert backend().is_chief(model) is True


def test_another_backend_of_keras_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(backends.keras.backend, "backend", lambda: "numpy")
    with pytest.raises(ValueError, match="draws models of the Keras backends") as raised:
        backend()
    assert str(raised.value) == (
        "keras_viz_callbacks draws models of the Keras backends tensorflow, jax and torch. "
        "Received: keras.backend.backend()='numpy'. Set KERAS_BACKEND to one of them before "
        "Keras is imported."
    )


def test_helpers_of_the_backend_files():
    first, scalar = first_image((X, np.float32(3)))
    np.testing.assert_array_equal(first, X[:1])
    assert scalar == 3
    assert to_numpy({"a": 2, "b": None}, str) == {"a": "2", "b": None}


def test_the_backend_is_the_one_of_the_environment():
    assert backend().__name__ == f"keras_viz_callbacks.capture.{BACKEND}"
    assert keras.backend.backend() == BACKEND
