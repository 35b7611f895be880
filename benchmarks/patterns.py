"""How long until a filter responds to its pattern as to the textbook's after 30 steps?

    python -m benchmarks.patterns
    KERAS_BACKEND=torch python -m benchmarks.patterns --sheet patterns.png

The floor is the textbook's ascent as one compiled loop over 16 filters as a batch, cut at the
layer, on images of the model's input size. Ours takes as many steps as it needs for half of the
filters to respond as much; both are timed in turn, after a first run.

More steps raise every response, and so does more contrast. That the picture does not suffer is
told by the response to the pictures themselves, all brought to one contrast; ``--sheet`` shows
them, the textbook's above ours.
"""

from __future__ import annotations

import argparse
import bisect
import importlib
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from benchmarks.captures import seconds
from benchmarks.networks import WORKLOADS, Workload
from benchmarks.rows import Row, beside, interleaved, tell
from keras_viz_callbacks.capture.inputs import image_input
from keras_viz_callbacks.capture.survey import Survey, survey
from keras_viz_callbacks.patterns.ascent import Ascent
from keras_viz_callbacks.patterns.display import to_displayable
from keras_viz_callbacks.patterns.objectives import channel
from keras_viz_callbacks.patterns.settings import STEPS, AscentSettings

FILTERS = 16
TEXTBOOK_STEPS = 30
LIMIT = 0.5
REPEATS = 3

floors = importlib.import_module(f"benchmarks.floors.{keras.backend.backend()}")


def textbook_start(side: int) -> np.ndarray:
    """Noise from 0.4 to 0.6, ``(filter, side, side, 3)``."""
    noise = np.random.default_rng(0).uniform(0.4, 0.6, (FILTERS, side, side, 3))
    return noise.astype(np.float32)


def one_contrast(images: np.ndarray) -> np.ndarray:
    """Pictures as they are shown: around grey, with one standard deviation; not cut off."""
    axes = (1, 2, 3)
    centred = images - images.mean(axes, keepdims=True)
    spread = centred.std(axes, keepdims=True)
    return (0.5 + 0.2 * centred / np.maximum(spread, 1e-9)).astype(np.float32)


def quick_enough(
    model: keras.Model, name: str, found: Survey, expected: np.ndarray
) -> Ascent | None:
    """The ascent of the fewest steps after which half of the filters respond as expected."""

    def ascent(steps: int) -> Ascent:
        return Ascent(model, found, channel(name, FILTERS), AscentSettings(steps=steps))

    def suffices(steps: int) -> bool:
        # Filters that respond to nothing in the textbook's either say nothing.
        reached = (ascent(steps).run().response >= expected)[expected > 0]
        return bool(reached.mean() >= 0.5)

    # A response never falls with further steps: the best is kept.
    steps = bisect.bisect_left(range(2 * STEPS), True, lo=1, key=suffices)
    return None if steps == 2 * STEPS else ascent(steps)


def measure_layer(workload: Workload, name: str, repeats: int) -> tuple[list[Row], np.ndarray]:
    """Rows of one layer, and the pictures: the textbook's above ours."""
    model = workload.model
    start = textbook_start(workload.images.shape[1])
    textbook = floors.patterns(model, name, start)
    theirs, expected = textbook(TEXTBOOK_STEPS)
    found = survey(model, image_input(model).sample())
    ascent = quick_enough(model, name, found, expected)
    if ascent is None:
        raise RuntimeError(f"{name} never responds as the textbook's patterns make it")
    steps, ours = ascent.settings.steps, ascent.run().images
    medians, _ = interleaved(
        {
            "floor": lambda: seconds(lambda: textbook(TEXTBOOK_STEPS)),
            "ours": lambda: seconds(ascent.run),
        },
        repeats,
    )
    shown = ascent.run(one_contrast(ours)).start
    _, shown_theirs = floors.patterns(model, name, one_contrast(theirs))(0)
    what = f"16 patterns of {name}, {workload.name}"
    rows = [
        beside(
            f"{what}, until the textbook's response ({steps} steps), s",
            medians["ours"],
            medians["floor"],
            LIMIT,
        ),
        beside(
            "· response at one contrast",
            float(shown[expected > 0].mean()),
            float(shown_theirs[expected > 0].mean()),
        ),
    ]
    return rows, sheet(theirs, ascent.without_margin(ours))


def sheet(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """Two rows of pictures, the upper ones cut to the size of the lower."""
    side = ours.shape[1]
    margin = (theirs.shape[1] - side) // 2
    theirs = theirs[:, margin : margin + side, margin : margin + side]
    return np.concatenate(
        [np.concatenate(list(to_displayable(images)), axis=1) for images in (theirs, ours)]
    )


def measure(
    names: list[str] | None = None, repeats: int = REPEATS, to: Path | None = None
) -> list[Row]:
    """All rows of this backend; the pictures go to a file if one is named."""
    rows, sheets = [], []
    for workload_name in names or list(WORKLOADS):
        workload = WORKLOADS[workload_name]()
        for name in workload.drawn:
            found, pictures = measure_layer(workload, name, repeats)
            rows += found
            sheets.append(pictures)
    if to is not None:
        Image.fromarray(np.concatenate(sheets)).save(to)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure filter patterns beside the textbook's.")
    parser.add_argument("--workloads", nargs="*", choices=list(WORKLOADS))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--sheet", type=Path, help="write the patterns there, side by side")
    chosen = parser.parse_args()
    tell(measure(chosen.workloads, chosen.repeats, chosen.sheet))


if __name__ == "__main__":
    main()
