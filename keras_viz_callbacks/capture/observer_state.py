"""State outside of Keras' variables that a layer's Python code can change, on each backend."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

import keras
import numpy as np

from keras_viz_callbacks.capture import keras_internals

_MISSING = object()


class _GlobalGenerator:
    """A module's functions of one global random generator.

    Inside `aside` they draw from a copy, in this thread only. Saving and restoring the generator
    itself would give a second time the numbers that another thread draws meanwhile, such as the one
    that prepares the next batches.

    Args:
        module: The module.
        functions: Its functions, and the methods of the generator that they call.
        copied: Makes a copy of the generator.
    """

    def __init__(
        self, module: ModuleType, functions: Mapping[str, str], copied: Callable[[], Any]
    ) -> None:
        self._module = module
        self._copied = copied
        self._originals: dict[str, Any] = {}
        self._replacements = {
            name: self._replacement(name, method) for name, method in functions.items()
        }
        self._threads = 0
        self._lock = threading.Lock()
        self._local = threading.local()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Lets this thread draw from a copy, which is made when it first draws."""
        if self._is_aside():
            yield
            return
        with self._lock:
            if not self._threads:
                self._install()
            self._threads += 1
        self._local.is_aside = True
        self._local.generator = None
        try:
            yield
        finally:
            self._local.is_aside = False
            with self._lock:
                self._threads -= 1
                if not self._threads:
                    self._uninstall()

    def _is_aside(self) -> bool:
        return getattr(self._local, "is_aside", False)

    def _install(self) -> None:
        for name, replacement in self._replacements.items():
            self._originals[name] = getattr(self._module, name)
            setattr(self._module, name, replacement)

    def _uninstall(self) -> None:
        for name, replacement in self._replacements.items():
            if getattr(self._module, name) is replacement:
                setattr(self._module, name, self._originals[name])

    def _replacement(self, name: str, method: str) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            if not self._is_aside():
                return self._originals[name](*args, **kwargs)
            if self._local.generator is None:
                self._local.generator = self._copied()
            return getattr(self._local.generator, method)(*args, **kwargs)

        return function


def _methods(module: ModuleType, generator: Any) -> dict[str, str]:
    """The functions of a module that are methods of its global generator."""
    return {
        name: name
        for name, function in vars(module).items()
        if getattr(function, "__self__", None) is generator and not name.startswith("_")
    }


_NUMPY: Any = vars(np.random)["random_sample"].__self__
_PYTHON: Any = vars(random)["random"].__self__


def _copy_of_numpy() -> Any:
    state = _NUMPY.get_state(legacy=False)
    generator = np.random.RandomState(getattr(np.random, state["bit_generator"])())
    generator.set_state(state)
    return generator


def _copy_of_python() -> random.Random:
    generator = random.Random()
    generator.setstate(_PYTHON.getstate())
    return generator


_GENERATORS = (
    _GlobalGenerator(
        np.random,
        {
            **_methods(np.random, _NUMPY),
            # They are functions of their own.
            "seed": "seed",
            "ranf": "random_sample",
            "sample": "random_sample",
        },
        _copy_of_numpy,
    ),
    _GlobalGenerator(random, _methods(random, _PYTHON), _copy_of_python),
)


@contextlib.contextmanager
def python_state_kept(layers: Iterable[object]) -> Iterator[None]:
    """Keeps what layers' Python code changes as it was.

    That is NumPy's, Python's and Keras' global random numbers, drawn by the functions of
    `numpy.random`, `random` and `keras.random`, and attributes of the layers that are tensors or
    become tensors. A tensor of a trace must not be left in a layer.

    Args:
        layers: The layers, or modules, whose attributes are kept.
    """
    with contextlib.ExitStack() as stack:
        for generator in _GENERATORS:
            stack.enter_context(generator.aside())
        stack.enter_context(keras_internals.global_seeds_kept())
        before = [(layer, dict(vars(layer))) for layer in layers]
        try:
            yield
        finally:
            for layer, attributes in before:
                _restore(layer, attributes)


def _restore(layer: object, before: Mapping[str, Any]) -> None:
    now = vars(layer)
    names = [name for name, value in now.items() if before.get(name, _MISSING) is not value]
    names += [name for name in before if name not in now]
    for name in names:
        value, changed = before.get(name, _MISSING), now.get(name, _MISSING)
        if not (keras.ops.is_tensor(value) or keras.ops.is_tensor(changed)):
            continue
        # Past Keras' tracking of attributes.
        if value is _MISSING:
            object.__delattr__(layer, name)
        else:
            object.__setattr__(layer, name, value)
