"""``keras-viz demo``: a small training with every callback, on images that it draws itself."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from keras_viz_callbacks.callbacks.activation_grid import ActivationGrid
from keras_viz_callbacks.callbacks.filter_patterns import FilterPatterns
from keras_viz_callbacks.callbacks.grad_cam import GradCAM
from keras_viz_callbacks.cli.command import CommandError, Parser, positive, where_to_look

SIZE = 64
SHAPES = ("disc", "square", "triangle", "cross")
SHOWN = 8
_NOISE = 40  # mean grey of the coarse noise around each shape: from 0 to twice this


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's arguments."""
    parser = commands.add_parser(
        "demo",
        help="train a small network on drawn shapes, and see what it learns",
        description="Trains a small convnet to recognise shapes, with every callback attached. "
        "It needs no data, and takes about half a minute.",
    )
    parser.add_argument(
        "--log-dir", type=Path, metavar="DIR", default=Path("logs"),
        help="the directory for TensorBoard's --logdir (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--epochs", type=positive, default=6, help="(default: %(default)s)")
    parser.add_argument(
        "--images", type=positive, default=1500, metavar="N",
        help="number of images to train on (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Trains the network."""
    keras.utils.set_random_seed(chosen.seed)
    print(f"Drawing {chosen.images} shapes to train on …", flush=True)
    images, labels = shapes(chosen.images, chosen.seed)
    held_out, held_out_labels = shapes(200, chosen.seed + 1)
    log_dir = chosen.log_dir / time.strftime("demo_%Y-%m-%d_%H-%M-%S")
    shown, shown_labels = held_out[:SHOWN], held_out_labels[:SHOWN]
    try:
        network().fit(
            images,
            labels,
            epochs=chosen.epochs,
            validation_data=(held_out, held_out_labels),
            verbose=2,
            callbacks=[
                ActivationGrid(log_dir, shown, labels=shown_labels, class_names=SHAPES),
                FilterPatterns(log_dir, filters=8),
                GradCAM(log_dir, shown, labels=shown_labels, class_names=SHAPES, layers="conv*"),
            ],
        )
    except ValueError as error:
        if "`log_dir`" not in str(error):
            raise
        raise CommandError(error) from error
    print(f"The pictures are in {log_dir}. {where_to_look(chosen.log_dir)}")


def network() -> keras.Model:
    """Three convolutions, compiled."""
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3))], name="shape_reader")
    for number, filters in enumerate((8, 16, 32), start=1):
        model.add(
            layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{number}")
        )
        model.add(layers.MaxPooling2D())
        model.add(layers.BatchNormalization(momentum=0.8))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(len(SHAPES), activation="softmax"))
    model.compile(
        keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def shapes(number: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Bright shapes of any colour, place and size on coarse noise.

    Args:
        number: Number of images, the same for each shape.
        seed: The same seed gives the same images.

    Returns:
        Images, ``(number, height, width, 3)`` in [0, 1], and the shape of each, an index into
        `SHAPES`.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(number) % len(SHAPES)).astype(np.int32)
    noise = rng.integers(0, 2 * _NOISE, (number, SIZE // 8, SIZE // 8, 3), np.uint8)
    images = np.stack([_drawn(rng, SHAPES[k], n) for k, n in zip(labels, noise, strict=True)])
    return images.astype(np.float32) / np.float32(255), labels


def _drawn(rng: np.random.Generator, shape: str, noise: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(noise).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    radius = int(rng.integers(9, 19))
    x, y = (int(c) for c in rng.integers(radius + 1, SIZE - radius - 1, 2))
    colour = tuple(int(c) for c in rng.permutation([255, *rng.integers(60, 255, 2)]))
    if shape == "disc":
        draw.circle((x, y), radius, colour)
    elif shape == "cross":
        third = radius // 3
        draw.rectangle((x - radius, y - third, x + radius, y + third), colour)
        draw.rectangle((x - third, y - radius, x + third, y + radius), colour)
    else:
        sides = 4 if shape == "square" else 3
        draw.regular_polygon((x, y, radius), sides, fill=colour)
    return np.asarray(image)
