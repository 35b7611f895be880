"""The bytes that one capture writes, for several settings: the table of docs/guide/cost.md.

    python docs/cost.py --output docs/cost_table.md

The model is VGG16 with random weights, on photographs of a usual size. The bytes hardly depend on
the machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np
from skimage import data, transform

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from tests.helpers.event_logs import Log

SIDE = 150


def photographs() -> np.ndarray:
    """Four photographs of scikit-image, float32 in [0, 255]."""
    pictures = (data.chelsea(), data.astronaut(), data.coffee(), data.rocket())
    resized = [transform.resize(p, (SIDE, SIDE), anti_aliasing=True) for p in pictures]
    return np.stack(resized).astype(np.float32) * 255


def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    backbone = keras.applications.VGG16(
        include_top=False, weights=None, input_shape=(SIDE, SIDE, 3), pooling="avg"
    )
    scores = keras.layers.Dense(10, activation="softmax")(backbone.output)
    return keras.Model(backbone.input, scores)


def written(make: Any, images: np.ndarray) -> tuple[int, int]:
    """Bytes and layers of the one capture that a callback makes."""
    with tempfile.TemporaryDirectory() as log_dir:
        callback = make(log_dir, images)
        network = model()
        callback.set_model(network)
        callback.set_params({"epochs": 1, "steps": 1})
        callback.on_train_begin()
        callback.on_epoch_begin(0)
        callback.on_epoch_end(0)
        callback.on_train_end()
        log = Log(log_dir)
        layers = {record.layer.path for record in log.records.values() if record.layer}
        return sum(file.stat().st_size for file in log.files), len(layers)


CASES = {
    "`ActivationGrid(…)`": lambda log_dir, images: ActivationGrid(log_dir, images),
    "`ActivationGrid(…, cell_size=32)`": lambda log_dir, images: ActivationGrid(
        log_dir, images, cell_size=32
    ),
    "`ActivationGrid(…, max_channels=16)`": lambda log_dir, images: ActivationGrid(
        log_dir, images, max_channels=16
    ),
    "`ActivationGrid(…, max_channels=512)`": lambda log_dir, images: ActivationGrid(
        log_dir, images, max_channels=512
    ),
    "`GradCAM(…)`": lambda log_dir, images: GradCAM(log_dir, images),
    '`GradCAM(…, layers="*conv*")`': lambda log_dir, images: GradCAM(
        log_dir, images, layers="*conv*"
    ),
    "`FilterPatterns(…)`": lambda log_dir, _: FilterPatterns(log_dir),
}


def table() -> str:
    images = photographs()
    lines = [
        "<!-- Made by docs/cost.py: run it again, don't edit. -->",
        "",
        f"One capture of VGG16 on four photographs of {SIDE} × {SIDE} pixels, the held-out images",
        "themselves (written once) included, as `docs/cost.py` measures it:",
        "",
        "| Callback | Layers | Kilobytes |",
        "|---|---|---|",
    ]
    sizes = {}
    for name, make in CASES.items():
        size, layers = written(make, images)
        print(f"{name}: {size / 1000:.0f} kB", flush=True)
        lines.append(f"| {name} | {layers} | {size / 1000:,.0f} |")
        sizes[name] = size
    total = sum(sizes[f"`{name}(…)`"] for name in ("ActivationGrid", "GradCAM", "FilterPatterns"))
    lines.append(f"| the three as they are by default | | {total / 1000:,.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the table of docs/guide/cost.md.")
    parser.add_argument("--output", type=Path, help="write the table there; default: print it")
    chosen = parser.parse_args()
    made = table()
    if chosen.output is None:
        print(made)
    else:
        chosen.output.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
