"""Exceptions and Ctrl-C inside ``fit``, then ``fit`` again in the same process."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_viz_callbacks.summary import worker
from tests.helpers.faults import tiny_training
from tests.helpers.faults.fault import fault
from tests.helpers.faults.log_checks import readable, steps
from tests.helpers.faults.tiny_training import At
from tests.helpers.model_state import assert_same_state, state_of


class Stopped(Exception):  # noqa: N818
    """The exception of another callback."""


def raises() -> None:
    raise Stopped


def presses_ctrl_c() -> None:
    """Sends the signal; Python then raises KeyboardInterrupt in the main thread."""
    os.kill(os.getpid(), signal.SIGINT)


def _twice(own: list[Any], hook: str, *, is_before: bool, action: Callable[[], None]) -> list[Any]:
    """A training that ends at a hook, and another one after it; returns the model's variables."""
    model = tiny_training.model()
    end = At(hook, action)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    validation = (tiny_training.six_images()[:2], tiny_training.six_labels()[:2])
    try:
        with pytest.raises((Stopped, KeyboardInterrupt)):
            tiny_training.fit(
                model, [end, *own] if is_before else [*own, end], validation_data=validation
            )
    finally:
        signal.signal(signal.SIGINT, before)
    tiny_training.fit(model, own, epochs=2)
    return tiny_training.variables(model)


@fault(
    "An exception or Ctrl-C at any hook of another callback, before or after ours in the list",
    checked="another `fit` gives the same weights as without our callbacks; the log continues "
    "after the last capture and has no gap; the worker thread ends by itself",
    seen="the exception itself, nothing of ours",
    times=4 * len(tiny_training.HOOKS),
    tested=len(tiny_training.HOOKS),
)
def at_a_hook(directory: Path, number: int) -> str:
    hook = tiny_training.HOOKS[number % len(tiny_training.HOOKS)]
    # Four variants of each hook in four rounds; the first round has both places and both kinds.
    variant = (number + number // len(tiny_training.HOOKS)) % 4
    is_before, action = variant % 2 == 0, (raises, presses_ctrl_c)[variant // 2]
    own = tiny_training.callbacks(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "IDLE", 0.05)
        with tiny_training.our_warnings() as warned:
            found = _twice(own, hook, is_before=is_before, action=action)
        tiny_training.assert_worker_ends()
    assert warned == []
    tiny_training.assert_same(found, _twice([], hook, is_before=is_before, action=action))
    captured = {"on_train_begin": 0, "on_epoch_end": 1 if is_before else 2, "on_train_end": 4}
    log = readable(directory)
    assert steps(log, tiny_training.TAGS) == list(range(captured.get(hook, 1) + 2))
    return f"{hook}, {'before' if is_before else 'after'} ours, {action.__name__}"


def _state(model: Any) -> dict[str, Any]:
    """What our callbacks might change, without what Keras itself changes in a `fit`."""
    state = state_of(model)
    state.pop("training", None)
    state.pop("gradients", None)  # on torch, each training step makes new ones
    for attributes in state["attributes"]:
        for name in ("history", "training"):
            attributes.pop(name, None)
    return state


def _seconds_of_a_fit(directory: Path) -> float:
    model = tiny_training.model()
    began = time.perf_counter()
    tiny_training.fit(model, tiny_training.callbacks(directory))
    return time.perf_counter() - began


@fault(
    "Ctrl-C at a random moment, inside a capture or anywhere else",
    checked="layers, flags and hooks of the model are what they were; another `fit` gives the "
    "right weights and all its pictures, after the earlier ones",
    seen="KeyboardInterrupt, nothing of ours",
    times=50,
    tested=1,
)
def at_any_moment(directory: Path, number: int) -> str:
    length = _seconds_of_a_fit(directory / "undisturbed")
    own = tiny_training.callbacks(directory / "log")
    model = tiny_training.model()
    before = _state(model)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    at = float(np.random.default_rng(number).uniform(0, length))
    alarm = signal.signal(signal.SIGALRM, lambda *_: presses_ctrl_c())
    where = "it had ended"
    try:
        signal.setitimer(signal.ITIMER_REAL, at)
        tiny_training.fit(model, own)
    except KeyboardInterrupt as error:
        frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        where = Path([name for name in frames if name != __file__][-1]).name
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGINT, handler)
    model = tiny_training.model()
    assert_same_state(before, _state(model))
    if where == "type_dispatch.py":
        # TensorFlow takes the function out of its cache and puts it back; in between it is lost.
        model.make_train_function(force=True)
    tiny_training.fit(model, own)
    tiny_training.assert_same(tiny_training.variables(model), tiny_training.expected())
    log = readable(directory)
    found = {tag: log.steps(tag, "log/keras_viz") for tag in tiny_training.TAGS}
    last = max(map(max, found.values()))
    for each in found.values():
        assert each[-tiny_training.EPOCHS :] == list(
            range(last - tiny_training.EPOCHS + 1, last + 1)
        ), found
    return f"after {at / length:.0%} of a training: {where}"
