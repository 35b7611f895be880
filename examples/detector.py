"""Train a small one-stage detector, and see what each single detection depends on.

    python examples/detector.py

takes a few minutes on two cores. The detector, in `yolo`, is similar to YOLO: a grid of cells, each
with a box, an objectness and classes. It returns no class of the whole image; `target`, a function
of the outputs, selects the score of one cell. During the training, GradCAM draws where the evidence
for single digits is. Afterwards the recipe draws the same for the detections, and prints the share
of maps whose hottest pixel lies in the box of their own digit, not of another.

Grad-CAM weights whole channels, so it also shows the other places of the scene where they respond.
HiResCAM weights each place separately and shows only the digit to be explained. At ``conv6``, after
which each cell is processed alone, it can show nothing but the cell.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import keras
import numpy as np
from boxes import heated, panel, save, sheet
from curves import curves
from keras import ops
from pointing_game import hits, hottest_pixels
from scenes import CLASS_NAMES, SIZE, Scenes, scenes
from yolo.grid import CELLS, VALUES, Detections, cells_of, from_grid, to_grid, without_duplicates
from yolo.metrics import mean_average_precision
from yolo.model import detector

from keras_viz_callbacks import GradCAM, grad_cam

BATCH_SIZE = 32
DIGITS = (1, 4)  # of each scene
LAYERS = ("conv4", "conv5", "conv6")
METHODS = ("grad_cam", "hires_cam")
SHOWN = 6  # digits drawn during the training
DRAWN = 6
EXPLAINED = 200  # detections explained afterwards


def class_of_cell(cells: np.ndarray, labels: np.ndarray):
    """A target: for each image the logit of one class, in the cell that is responsible for it."""
    picked = np.zeros((len(labels), CELLS, CELLS, VALUES), np.float32)
    picked[np.arange(len(labels)), cells[:, 0], cells[:, 1], 5 + labels] = 1
    return lambda outputs: ops.sum(ops.multiply(outputs, picked), axis=(1, 2, 3))


def single_digits(held_out: Scenes, number: int) -> tuple[dict, np.ndarray, np.ndarray]:
    """Scenes by a name for each of their digits, and the digits' cells and labels."""
    scene, digit = (places[:number] for places in np.nonzero(held_out.labels >= 0))
    labels = held_out.labels[scene, digit]
    cells = cells_of(held_out.boxes[scene, digit])
    names = [
        f"scene {s} {CLASS_NAMES[label]} at {row},{column}"
        for s, label, (row, column) in zip(scene, labels, cells, strict=True)
    ]
    return dict(zip(names, held_out.images[scene], strict=True)), cells, labels


class Precision(keras.callbacks.Callback):
    """Adds the mean average precision on held-out scenes to the logs of each epoch."""

    def __init__(self, held_out: Scenes) -> None:
        super().__init__()
        self.held_out = held_out

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        """Detect and measure."""
        found = detect(self.model, self.held_out.images)
        logs["val_map50"] = mean_average_precision(found, self.held_out.labels, self.held_out.boxes)


def detect(model: keras.Model, images: np.ndarray) -> Detections:
    """The model's detections in images, without duplicates."""
    return without_duplicates(from_grid(model.predict(images, BATCH_SIZE, verbose=0)))


def explain(model: keras.Model, found: Detections, held_out: Scenes) -> dict:
    """Prints the table; maps (detection, height, width) by layer and method."""
    target = class_of_cell(found.cell, found.label)
    print(f"\nHottest pixel of the maps of {len(found)} detections:")
    print("layer, method     in its own box   in any digit's box")
    rng = np.random.default_rng(0)
    print(pointing("(at random)", rng.integers(0, SIZE, (len(found), 2)), found, held_out))
    middle = np.full((len(found), 2), SIZE // 2)
    print(pointing("(the middle)", middle, found, held_out))
    images = held_out.images[found.scene]
    maps = {}
    for layer in LAYERS:
        for method in METHODS:
            heat = grad_cam(model, images, layer=layer, target=target, method=method)
            row = f"{layer} {method}"
            print(pointing(row, hottest_pixels(heat), found, held_out), flush=True)
            maps[layer, method] = heat
    return maps


def pointing(name: str, pixels: np.ndarray, found: Detections, held_out: Scenes) -> str:
    """One line of the table."""
    own = hits(pixels, found.box).mean()
    digits = held_out.boxes[found.scene]
    of_any = np.stack([hits(pixels, digits[:, nth]) for nth in range(digits.shape[1])]).any(axis=0)
    return f"{name:<18}{own:14.3f}{of_any.mean():21.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a detector; explain its detections.")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--scenes", type=int, default=4000, help="number to train on")
    parser.add_argument("--held-out", type=int, default=500, help="number to measure on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="TensorBoard's logdir")
    parser.add_argument("--run", default=time.strftime("detector_%H-%M-%S"), help="folder in it")
    parser.add_argument("--weights", type=Path, help="file of trained weights, instead of training")
    parser.add_argument("--save", type=Path, help="file to save the weights to (.weights.h5)")
    parser.add_argument(
        "--sure", type=float, default=0.5, help="lowest score of a detection that is explained"
    )
    parser.add_argument("--picture", type=Path, default=Path("detector.jpg"), help="to be written")
    chosen = parser.parse_args()

    keras.utils.set_random_seed(chosen.seed)
    held_out = scenes(
        chosen.held_out, seed=chosen.seed, split="validation", digits_per_scene=DIGITS
    )
    model = detector(chosen.epochs * -(-chosen.scenes // BATCH_SIZE))
    if chosen.weights is not None:
        model.load_weights(chosen.weights)
    else:
        print(f"Drawing {chosen.scenes} scenes of {DIGITS[0]} to {DIGITS[1]} digits …", flush=True)
        train = scenes(chosen.scenes, seed=chosen.seed, digits_per_scene=DIGITS)
        images, cells, labels = single_digits(held_out, SHOWN)
        target = class_of_cell(cells, labels)
        log_dir = chosen.log_dir / chosen.run
        started = time.monotonic()
        model.fit(
            train.images,
            to_grid(train.labels, train.boxes),
            BATCH_SIZE,
            chosen.epochs,
            verbose=2,  # one line for each epoch
            callbacks=[
                Precision(held_out),
                *curves(log_dir),
                *(
                    GradCAM(log_dir, images, layers=list(LAYERS), target=target, method=method)
                    for method in METHODS
                ),
            ],
        )
        print(f"Trained for {time.monotonic() - started:.0f} s.")
    if chosen.save is not None:
        model.save_weights(chosen.save)

    found = detect(model, held_out.images)
    precision = mean_average_precision(found, held_out.labels, held_out.boxes)
    print(f"Mean average precision at IoU 0.5 on {len(held_out)} scenes: {precision:.3f}")
    sure = found[np.flatnonzero(found.score >= chosen.sure)]
    sure = sure[np.argsort(sure.scene, kind="stable")[:EXPLAINED]]
    if not len(sure):
        print(f"Nothing was found with a score of {chosen.sure}: train for longer.")
        return
    maps = explain(model, sure, held_out)
    shared = (
        np.bincount(sure.scene)[sure.scene] > 1
    )  # scenes in which a map could show another digit
    drawn = [*np.flatnonzero(shared), *np.flatnonzero(~shared)][:DRAWN]
    panels = [
        panel(
            heated(held_out.images[sure.scene[nth]], maps[LAYERS[0], method][nth]),
            [(sure.box[nth], "#ffffff")],
            f"{CLASS_NAMES[sure.label[nth]]} {sure.score[nth]:.0%}, {method}",
        )
        for method in METHODS
        for nth in drawn
    ]
    save(sheet(panels, columns=len(drawn)), chosen.picture)
    print(f"\nSingle detections and their maps at {LAYERS[0]} are drawn in {chosen.picture}.")
    if chosen.weights is None:
        print(
            f'To see their training: tensorboard --logdir "{chosen.log_dir}", the tab "Keras Viz", '
            f"run {chosen.run}."
        )


if __name__ == "__main__":
    main()
