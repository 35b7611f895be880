"""All benchmarks on this backend, and the table of the guide.

    python -m benchmarks                                            # all, on TensorFlow
    KERAS_BACKEND=jax .venv-jax/bin/python -m benchmarks captures   # these, on JAX

Results of each backend are kept in docs/benchmarks.json; docs/benchmarks_table.md holds those of
all backends that were run, with machine and versions. Benchmarks that do not depend on the backend
run on TensorFlow. The extra ``benchmark`` installs the similar tools.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from benchmarks.rows import Row, table
from docs.backends import BACKENDS

EVERYWHERE = {
    "captures": "A capture, on the training thread",
    "patterns": "Filter patterns",
    "endurance": "500 epochs",
}
ONCE = {
    "overhead": "A bound on the share of time",
    "event_files": "Event files",
    "index": "The index of a log of 2 GB and 40,000 pictures",
}
TITLES = {**EVERYWHERE, **ONCE}
DOCS = Path(__file__).resolve().parents[1] / "docs"
RESULTS = DOCS / "benchmarks.json"
TABLE = DOCS / "benchmarks_table.md"


def machine() -> str:
    """Processor, cores and versions."""
    backend = keras.backend.backend()
    versions = [f"{name} {importlib.metadata.version(name)}" for name in (backend, "keras")]
    cores = os.cpu_count()
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, " + ", ".join(
        versions
    )


def text(results: dict[str, Any]) -> str:
    """All tables as Markdown."""
    lines = ["<!-- Made by python -m benchmarks: run it again, don't edit. -->"]
    for backend, title in BACKENDS.items():
        if backend not in results:
            continue
        lines += ["", f"### {title}", "", f"{results[backend]['machine']}."]
        for name, what in TITLES.items():
            if name in results[backend]["rows"]:
                rows = [Row(*row) for row in results[backend]["rows"][name]]
                lines += ["", f"{what}:", "", table(rows)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure everything and make the guide's table.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(TITLES)}")
    parser.add_argument("--workloads", nargs="*", help="of captures and patterns: vgg16, lesson")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(TITLES):
        parser.error(f"names must be of {', '.join(TITLES)}. Received: {', '.join(unknown)}")
    backend = keras.backend.backend()
    names = chosen.names or list(TITLES if backend == "tensorflow" else EVERYWHERE)
    for name in names:
        print(f"{name} …", flush=True)
        of = {"names": chosen.workloads} if name in ("captures", "patterns") else {}
        rows = importlib.import_module(f"benchmarks.{name}").measure(**of)
        print(table(rows), flush=True)
        # Written at once: the other benchmarks take minutes.
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        entry = results.setdefault(backend, {"rows": {}})
        entry["machine"] = machine()
        entry["rows"][name] = rows
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        TABLE.write_text(text(json.loads(RESULTS.read_text())), encoding="utf-8")


if __name__ == "__main__":
    main()
