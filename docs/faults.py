"""Everything that can go wrong, really caused, and counted: docs/faults_table.md.

    python docs/faults.py                                     # all
    KERAS_BACKEND=jax .venv-jax/bin/python docs/faults.py     # on another backend
    python docs/faults.py kill full                           # these

Each fault is a function of `tests/helpers/faults`, and `tests/faults` causes each a few times.
Results of each backend are kept in docs/faults.json, with remarks on each time; the table is made
from them.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras

from docs.backends import BACKENDS
from tests.helpers.faults import tiny_training
from tests.helpers.faults.fault import Fault, faults_of

MODULES = {
    "Training": ("killed", "signals", "disk", "stalled", "files", "captures", "processes"),
    "The tab": ("tab_files", "tab_requests", "tab_names"),
}
HERE = Path(__file__).resolve().parent
RESULTS = HERE / "faults.json"


def faults(side: str) -> list[Fault]:
    """All faults of one side, in the order of the table."""
    names = (f"tests.helpers.faults.{name}" for name in MODULES[side])
    return [each for name in names for each in faults_of(importlib.import_module(name))]


def done(each: Fault) -> dict[str, Any]:
    """Causes a fault as often as it says, and returns the results."""
    if reason := each.cannot():
        return {"cannot": reason}
    held, failures, remarks = 0, [], []
    began = time.perf_counter()
    for number in range(each.times):
        with tempfile.TemporaryDirectory() as directory:
            try:
                remarks.append(each.run(Path(directory), number))
                held += 1
            except Exception:  # noqa: BLE001 - the table reports it
                failures.append(f"time {number}: {traceback.format_exc()[-1000:]}")
                tiny_training.forget()  # so that the damaged model is not counted again
    return {
        "done": each.times,
        "held": held,
        "seconds": round(time.perf_counter() - began, 1),
        "failures": failures,
        "remarks": [remark for remark in remarks if remark],
    }


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as Markdown: a row for each fault, with its counts on each backend."""
    backends = [backend for backend in BACKENDS if backend in results]
    heads = [f"Held, of times done: {BACKENDS[backend]}" for backend in backends]
    lines = []
    for side in MODULES:
        lines += [f"**{side}**", "", f"| Fault | Checked | {' | '.join(heads)} | What one sees |"]
        lines.append("|---|---|" + "---|" * (len(heads) + 1))
        for each in faults(side):
            cells = [_cell(results[backend].get(each.run.__name__)) for backend in backends]
            lines.append(f"| {each.name} | {each.checked} | {' | '.join(cells)} | {each.seen} |")
        lines.append("")
    machines = {f"{BACKENDS[b]}: {results[b]['machine']}" for b in backends}
    return "\n".join([*lines, *sorted(machines), ""])


def _cell(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not run"
    if "cannot" in result:
        return f"not there: {result['cannot']}"
    return f"{result['held']} of {result['done']}"


def machine() -> str:
    """The machine and the versions that the results are from."""
    return (
        f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"Keras {keras.__version__}"
    )


def main() -> None:
    backend = keras.backend.backend()
    for side in MODULES:
        for each in faults(side):
            name = each.run.__name__
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            result = done(each)
            # Read again: other backends may have been run in the meantime.
            results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            results.setdefault(backend, {}).update({"machine": machine(), name: result})
            RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
            (HERE / "faults_table.md").write_text(table(results), encoding="utf-8")
            print(name, _cell(result), flush=True)


if __name__ == "__main__":
    main()
