"""Every kind of model with every technique on this backend: docs/kinds_table.md.

    KERAS_BACKEND=jax .venv-jax/bin/python docs/kinds.py             # all
    KERAS_BACKEND=jax .venv-jax/bin/python docs/kinds.py segmenter   # these

Each cell is a one-epoch ``fit`` of a model of `tests/helpers/model_kinds.py`. Results of each
backend are kept in docs/kinds.json; the table holds the results of all backends that were run.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras

from docs.backends import BACKENDS
from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from tests.helpers.event_logs import Log
from tests.helpers.model_kinds import KINDS, Case, Kind

CALLBACKS = {"activations": ActivationGrid, "grad_cam": GradCAM, "filters": FilterPatterns}
HERE = Path(__file__).resolve().parent
RESULTS = HERE / "kinds.json"


def callback(technique: str, case: Case, log_dir: str) -> keras.callbacks.Callback:
    if technique == "filters":
        return FilterPatterns(log_dir, filters=2, steps=2, on_error="raise")
    images = keras.tree.map_structure(lambda part: part[:3], case.x)
    arguments = case.images | (case.classes if technique == "grad_cam" else {})
    return CALLBACKS[technique](log_dir, images, on_error="raise", **arguments)


def cell(kind: Kind, technique: str) -> str:
    """``drawn``, ``refused`` if that is expected, or what went wrong."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(4)
    case = kind.make()
    with tempfile.TemporaryDirectory() as log_dir:
        try:
            case.model.fit(
                case.x,
                case.y,
                **{"batch_size": 4, **case.fit},
                verbose=0,
                callbacks=[callback(technique, case, log_dir)],
            )
        except Exception as error:  # noqa: BLE001 - the table reports it
            is_expected = isinstance(error, ValueError) and technique not in case.techniques
            return "refused" if is_expected else f"{type(error).__name__}: {error}"[:200]
        drawn = {record.name for record in Log(log_dir).records.values()}
    return "drawn" if technique in drawn else "nothing was drawn"


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as Markdown: a row for each kind, a column for each backend."""
    backends = [backend for backend in BACKENDS if backend in results]
    lines = [
        "| Model | " + " | ".join(BACKENDS[backend] for backend in backends) + " |",
        "|---|" + "---|" * len(backends),
    ]
    for key, kind in KINDS.items():
        cells = [_marks(results[backend].get(key), kind, backend) for backend in backends]
        lines.append(f"| {kind.name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _marks(cells: Any, kind: Kind, backend: str) -> str:
    if backend in kind.not_on:
        return f"not there: {kind.not_on[backend]}"
    if cells is None:
        return "not run"
    letters = {"activations": "A", "grad_cam": "C", "filters": "F"}
    marks = [letters[t] for t, outcome in cells.items() if outcome == "drawn"]
    failed = [f"{letters[t]}: {o}" for t, o in cells.items() if o not in ("drawn", "refused")]
    return " ".join(marks + failed) or "one clear error"


def main() -> None:
    backend = keras.backend.backend()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    found = results.setdefault(backend, {})
    for key in sys.argv[1:] or KINDS:
        if backend not in KINDS[key].not_on:
            found[key] = {technique: cell(KINDS[key], technique) for technique in CALLBACKS}
            print(key, found[key], flush=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    (HERE / "kinds_table.md").write_text(table(results), encoding="utf-8")


if __name__ == "__main__":
    main()
