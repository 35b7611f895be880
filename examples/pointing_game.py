"""The pointing game: how often does the hottest pixel of a class map lie on the digit?

Trains the quickstart's network and plays after each epoch, at every convolution, on held-out
scenes whose digit's box is known:

    python examples/pointing_game.py --epochs 4

Two baselines do not look at the image: one points at a random pixel, and is right as often as the
boxes are large; the other points at the middle. A map that is zero everywhere points nowhere and
counts as wrong. The game is that of Zhang et al., Top-down Neural Attention by Excitation Backprop,
2016, section 4.2, without their margin of 15 pixels around the object.
"""

from __future__ import annotations

import argparse

import keras
import numpy as np
from PIL import Image
from quickstart import BATCH_SIZE, compiled_model
from scenes import SIZE, Scenes, scenes

from keras_viz_callbacks import grad_cam

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")


def hottest_pixels(maps: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Row and column, int (scene, 2), of the maximum of each map enlarged to its image.

    ``maps`` is (scene, height, width). Maps are enlarged as in the pictures: bilinearly, with
    half-pixel centres. A map without values above zero gives -1, -1.
    """
    pixels = np.full((len(maps), 2), -1)
    for pixel, small in zip(pixels, maps, strict=True):
        if small.max() > 0:
            large = Image.fromarray(small).resize((size, size), Image.Resampling.BILINEAR)
            pixel[:] = np.unravel_index(np.argmax(large), (size, size))
    return pixels


def hits(pixels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Whether each pixel, (scene, 2), lies in its box, (scene, 4): bool (scene,)."""
    return ((pixels >= boxes[:, :2]) & (pixels < boxes[:, 2:])).all(axis=1)


def chance(boxes: np.ndarray, size: int = SIZE) -> float:
    """How often a random pixel lies in the box: the boxes' mean share of the image."""
    return float(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).mean() / size**2)


class PointingGame(keras.callbacks.Callback):
    """Prints a row before the training, and after each epoch."""

    def __init__(self, held_out: Scenes) -> None:
        super().__init__()
        self.held_out = held_out

    def on_train_begin(self, logs=None) -> None:
        """Print the baselines and the first row."""
        boxes = self.held_out.boxes
        middle = np.full((len(boxes), 2), SIZE // 2)
        print(f"Hottest pixel of Grad-CAM in the digit's box, {len(boxes)} held-out scenes.")
        print(f"A random pixel: {chance(boxes):.3f}. The middle: {hits(middle, boxes).mean():.3f}")
        print("epoch  accuracy" + "".join(f"{layer:>8}" for layer in LAYERS), flush=True)
        self.play("start", float("nan"))

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        """Print the epoch's row."""
        self.play(str(epoch), logs["val_accuracy"])

    def play(self, epoch: str, accuracy: float) -> None:
        """Print how often each layer's map points at the digit."""
        row = f"{epoch:>5}{accuracy:10.3f}"
        for layer in LAYERS:
            maps = grad_cam(
                self.model, self.held_out.images, layer=layer, target=self.held_out.labels
            )
            row += f"{hits(hottest_pixels(maps), self.held_out.boxes).mean():8.3f}"
        print(row, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Play the pointing game while training.")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--scenes", type=int, default=3000, help="number to train on")
    parser.add_argument("--held-out", type=int, default=500, help="number to play on")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()

    keras.utils.set_random_seed(chosen.seed)
    train = scenes(chosen.scenes, seed=chosen.seed)
    held_out = scenes(chosen.held_out, seed=chosen.seed, split="validation")
    compiled_model(chosen.epochs, chosen.scenes).fit(
        train.images,
        train.labels,
        batch_size=BATCH_SIZE,
        epochs=chosen.epochs,
        validation_data=(held_out.images, held_out.labels),
        verbose=0,
        callbacks=[PointingGame(held_out)],
    )


if __name__ == "__main__":
    main()
