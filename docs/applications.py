"""Every architecture of keras.applications with every technique: docs/applications_table.md.

    python docs/applications.py                # all, at most about two minutes each
    python docs/applications.py VGG16 VGG19    # these

Each is built without weights, at the smallest size at which training gives finite numbers, and
trained for an epoch of one batch with the three callbacks and ``layers=None``. A cell is the number
of drawn layers. Results are kept in docs/applications.json, so that a run can be continued.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from tests.helpers.event_logs import Log

SIZES = (32, 64, 71, 75, 96, 128, 224, 331)
TECHNIQUES = ("activations", "grad_cam", "filters")
HERE = Path(__file__).resolve().parent
RESULTS = HERE / "applications.json"


def architectures() -> dict[str, Callable[..., keras.Model]]:
    """Every architecture by its name."""
    return {
        name: function
        for name, function in sorted(vars(keras.applications).items())
        if inspect.isfunction(function)
    }


def try_out(architecture: Callable[..., keras.Model]) -> dict[str, Any]:
    """The result of an epoch at the smallest size at which training gives finite numbers."""
    for size in SIZES:
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)
        try:
            model = architecture(weights=None, classes=10, input_shape=(size, size, 3))
        except ValueError:
            continue  # too small for it
        try:
            return {"size": size, "parameters": model.count_params(), **one_epoch(model, size)}
        except FloatingPointError:
            continue  # its own output is not finite after the first step
    raise ValueError(f"{architecture.__name__} takes none of {SIZES}")


def one_epoch(model: keras.Model, size: int) -> dict[str, Any]:
    """Trains one epoch of one batch with the three callbacks; the drawn layers and the time."""
    model.compile("sgd", "sparse_categorical_crossentropy")
    images = np.random.default_rng(0).random((2, size, size, 3), np.float32)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as log_dir:
        model.fit(
            images,
            np.array([0, 1]),
            verbose=0,
            callbacks=[
                ActivationGrid(log_dir, images[:1], max_channels=4, on_error="raise"),
                GradCAM(log_dir, images[:1], on_error="raise"),
                FilterPatterns(log_dir, filters=2, steps=2, on_error="raise"),
            ],
        )
        drawn: dict[str, set[str]] = {technique: set() for technique in TECHNIQUES}
        for record in Log(log_dir).records.values():
            if record.layer is not None:
                drawn[record.name].add(record.layer.path)
    return {
        **{technique: len(layers) for technique, layers in drawn.items()},
        "seconds": round(time.perf_counter() - began, 1),
    }


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as Markdown."""
    lines = [
        "| Architecture | Input | Parameters | Layers in `ActivationGrid` | in `GradCAM` "
        "| in `FilterPatterns` |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, result in sorted(results.items()):
        size, millions = result["size"], result["parameters"] / 1e6
        cells = " | ".join(str(result[technique]) for technique in TECHNIQUES)
        lines.append(f"| {name} | {size} × {size} | {millions:.1f} M | {cells} |")
    versions = f"Keras {keras.__version__} on {keras.backend.backend()}"
    return "\n".join([*lines, "", f"{len(results)} architectures, {versions}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="architectures; all those not yet done if none")
    wanted = parser.parse_args().names
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name, architecture in architectures().items():
        if name in wanted or (not wanted and name not in results):
            results[name] = try_out(architecture)
            print(name, results[name], flush=True)
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    (HERE / "applications_table.md").write_text(table(results), encoding="utf-8")


if __name__ == "__main__":
    main()
