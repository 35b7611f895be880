"""What layers' Python code changes in a pass, and that other threads draw as if there were none."""

# ruff: noqa: NPY002 - the global generator is what these tests are about

import contextlib
import random
import threading
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_viz_callbacks.capture.observer_state import python_state_kept

DRAWS = {
    "numpy.random.normal": lambda: np.random.normal(size=3).tolist(),
    "numpy.random.rand": lambda: np.random.rand(3).tolist(),
    "numpy.random.ranf": lambda: np.random.ranf(3).tolist(),
    "numpy.random.shuffle": lambda: np.random.permutation(20).tolist(),
    "numpy.random.seed": lambda: np.random.seed(1) or np.random.rand(),
    "random.random": lambda: random.random(),
    "random.gauss": lambda: random.gauss(0, 1),
    "random.seed": lambda: random.seed(1) or random.random(),
}


def numbers():
    """What each global generator gives next, half a pair of normal numbers included."""
    return [np.random.normal(), np.random.rand(), random.gauss(0, 1), random.random()]


@pytest.fixture(autouse=True)
def seeds():
    np.random.seed(3)
    random.seed(3)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_later_numbers_are_those_without_a_pass(draw):
    np.random.normal()  # the second of a pair of normal numbers waits
    random.gauss(0, 1)
    states = np.random.get_state(), random.getstate()
    expected = draw(), numbers()
    np.random.set_state(states[0])
    random.setstate(states[1])
    with python_state_kept([]):
        draw()
        draw()
    assert (draw(), numbers()) == expected


def test_a_pass_draws_what_it_would_have_drawn():
    with python_state_kept([]):
        inside = numbers()
    assert numbers() == inside


def test_later_numbers_are_the_same_after_a_failure_and_inside_each_other():
    with contextlib.suppress(KeyError), python_state_kept([]), python_state_kept([]):
        numbers()
        raise KeyError
    after = numbers()
    np.random.seed(3)
    random.seed(3)
    assert numbers() == after


def test_functions_are_the_modules_own_again():
    before = dict(vars(np.random)), dict(vars(random))
    with python_state_kept([]):
        assert np.random.normal is not before[0]["normal"]
    assert (vars(np.random), vars(random)) == before


def test_another_thread_draws_on_meanwhile():
    """Such as the one that prepares the next batches: it must not get a number twice."""
    expected = [numbers() for _ in range(3)]
    np.random.seed(3)
    random.seed(3)
    found = [numbers()]
    with python_state_kept([]):
        numbers()
        thread = threading.Thread(target=lambda: found.append(numbers()))
        thread.start()
        thread.join()
    found.append(numbers())
    assert found == expected


def test_passes_of_two_threads_overlap():
    begun, ended = threading.Event(), threading.Event()

    def overlap():
        with python_state_kept([]):
            begun.set()
            ended.wait(10)
            numbers()

    original = np.random.normal
    thread = threading.Thread(target=overlap)
    with python_state_kept([]):
        thread.start()
        begun.wait(10)
        numbers()
    after = numbers()
    ended.set()
    thread.join()
    assert np.random.normal == original
    np.random.seed(3)
    random.seed(3)
    assert numbers() == after


def test_a_generator_set_by_the_user_is_copied():
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(5))
    try:
        with python_state_kept([]):
            inside = np.random.rand()
        assert np.random.rand() == inside
    finally:
        np.random.set_bit_generator(before)


def test_attributes_that_become_tensors_are_as_before():
    kept, tensor = keras.ops.ones(2), keras.ops.zeros(2)
    layer = keras.layers.Layer()
    other = SimpleNamespace(last=None, seen=kept, count=1)
    with contextlib.suppress(KeyError), python_state_kept([layer, other]):
        layer.last = tensor
        other.last = tensor
        other.seen = other.seen + 1
        other.count = 2
        raise KeyError
    assert "last" not in vars(layer)
    assert other.last is None
    assert other.seen is kept
    assert other.count == 2
