"""What can go wrong, done for real: the list that tests and docs/faults.py run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

Run = Callable[[Path, int], "str | None"]
"""Does a fault once, in an empty directory, and raises AssertionError for what did not hold.

The number counts the times from 0: it is the seed, or picks one of several variants. What is
returned says what this time was like; docs/faults.json keeps it.
"""


@dataclass(frozen=True)
class Fault:
    """A fault, and what must hold in spite of it.

    Attributes:
        name: What goes wrong, as the table says it.
        checked: What must hold.
        seen: What the user is told; ``run`` checks the words that are quoted there.
        times: How often docs/faults.py does it.
        run: Does it once.
        tested: How often the tests do it.
        cannot: Why it can't be done on this machine or backend, or None.
        slow: Whether the tests do it with the slow ones only.
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
"""Every fault of the modules that have been imported, in their order."""


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
    """Puts a function among `FAULTS`; the arguments are those of `Fault`."""

    def add(run: Run) -> Run:
        FAULTS.append(Fault(name, checked, seen, times, run, tested, cannot, slow))
        return run

    return add


def faults_of(*modules: ModuleType) -> list[Fault]:
    """The faults that these modules define, in their order."""
    names = [module.__name__ for module in modules]
    return [each for each in FAULTS if each.run.__module__ in names]


def parameters(*modules: ModuleType) -> list[object]:
    """``(fault, number)`` for ``pytest.mark.parametrize``: each as often as the tests do it."""
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
    """What a test does with a parameter: the fault once, or a skip that says why not."""
    if reason := each.cannot():
        pytest.skip(reason)
    each.run(directory, number)
