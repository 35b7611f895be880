"""Faults that are really caused: the list that tests and docs/faults.py run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

Run = Callable[[Path, int], "str | None"]
"""Causes a fault once, in an empty directory, and raises AssertionError for what did not hold.

The number counts the times from 0: it is the seed, or picks one of several variants. The returned
text describes this time; docs/faults.json keeps it.
"""


@dataclass(frozen=True)
class Fault:
    """A fault, and what must hold in spite of it.

    Attributes:
        name: Description of the fault in the table.
        checked: What must hold.
        seen: What the user sees; ``run`` checks the words that are quoted here.
        times: Number of times that docs/faults.py causes it.
        run: Function that causes it once.
        tested: Number of times that the tests cause it.
        cannot: Function that returns why this machine or backend can't cause it, or None.
        slow: True if it belongs to the slow tests.
    """

    name: str
    checked: str
    seen: str
    times: int
    run: Run
    tested: int = 1
    cannot: Callable[[], str | None] = lambda: None
    slow: bool = False


FAULTS: list[Fault] = []
"""Every fault of the imported modules, in their order."""


def fault(
    name: str,
    *,
    checked: str,
    seen: str,
    times: int,
    tested: int = 1,
    cannot: Callable[[], str | None] = lambda: None,
    slow: bool = False,
) -> Callable[[Run], Run]:
    """Adds a function to `FAULTS`; the arguments are those of `Fault`."""

    def add(run: Run) -> Run:
        FAULTS.append(Fault(name, checked, seen, times, run, tested, cannot, slow))
        return run

    return add


def faults_of(*modules: ModuleType) -> list[Fault]:
    """The faults that these modules define, in their order."""
    names = [module.__name__ for module in modules]
    return [each for each in FAULTS if each.run.__module__ in names]


def parameters(*modules: ModuleType) -> list[object]:
    """``(fault, number)`` for ``pytest.mark.parametrize``: each as often as the tests cause it."""
    return [
        pytest.param(
            each,
            number,
            id=f"{each.run.__name__}-{number}",
            marks=[pytest.mark.slow] if each.slow else [],
        )
        for each in faults_of(*modules)
        for number in range(each.tested)
    ]


def do(each: Fault, number: int, directory: Path) -> None:
    """Causes a fault once, or skips the test with the reason."""
    if reason := each.cannot():
        pytest.skip(reason)
    each.run(directory, number)
