"""Make the pictures of the guide, in docs/images, by training the quickstart's network (minutes).

scripts/screenshot makes those of the tab.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

import keras
import numpy as np
from PIL import Image
from quickstart import compiled_model
from scenes import CLASS_NAMES, Scenes, scenes

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from tests.helpers.event_logs import Log

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs/images"
LARGEST = 200_000  # bytes of a picture, at most
GAP = 8
# An image that is predicted rightly and one that is not; layers at which methods are compared.
RIGHT, WRONG = "image_3", "image_5"
COMPARED = ("conv2", "conv3", "conv5")
# The columns of methods.png, as its caption in docs/methods/index.md names them.
FIVE = ("grad_cam", "hires_cam", "layer_cam", "xgrad_cam", "grad_cam_plus_plus")


def train(epochs: int, number_of_scenes: int) -> Log:
    """The log of the quickstart's training, with the methods that are compared."""
    keras.utils.set_random_seed(0)
    images, labels, held_out = data(number_of_scenes)
    model = compiled_model(epochs, number_of_scenes)
    shown = held_out.images[:8]
    labelled = {"labels": held_out.labels[:8], "class_names": CLASS_NAMES, "every": epochs}
    with tempfile.TemporaryDirectory() as log_dir:
        callbacks = [
            ActivationGrid(log_dir, shown, cell_size=48, **labelled),
            FilterPatterns(log_dir, layers="conv*", filters=9, every=epochs),
            *(GradCAM(log_dir, shown, method=m, layers="conv*", **labelled) for m in FIVE),
        ]
        model.fit(
            images,
            labels,
            batch_size=32,
            epochs=epochs,
            validation_data=(held_out.images, held_out.labels),
            verbose=2,
            callbacks=callbacks,
        )
        return Log(log_dir)


def train_too_fast() -> Log:
    """The log of two epochs without normalization, at a learning rate that makes channels dead."""
    keras.utils.set_random_seed(0)
    images, labels, held_out = data(600)
    model = keras.Sequential([keras.Input(images.shape[1:])])
    for number in range(1, 4):
        model.add(keras.layers.Conv2D(16, 3, padding="same", activation="relu", name=f"c{number}"))
        model.add(keras.layers.MaxPooling2D())
    model.add(keras.layers.GlobalAveragePooling2D())
    model.add(keras.layers.Dense(len(CLASS_NAMES), activation="softmax"))
    model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
    with tempfile.TemporaryDirectory() as log_dir:
        grid = ActivationGrid(log_dir, held_out.images[:4], cell_size=48)
        model.fit(images, labels, batch_size=32, epochs=2, verbose=2, callbacks=[grid])
        return Log(log_dir)


def data(number_of_scenes: int) -> tuple[np.ndarray, np.ndarray, Scenes]:
    train = scenes(number_of_scenes, seed=0)
    return train.images, train.labels, scenes(500, seed=0, split="validation")


def row(pictures: list[Image.Image]) -> Image.Image:
    """Pictures side by side on white."""
    width = sum(p.width for p in pictures) + GAP * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, max(p.height for p in pictures)), "white")
    left = 0
    for picture in pictures:
        picture = picture.convert("RGBA")
        sheet.paste(picture, (left, 0), picture)
        left += picture.width + GAP
    return sheet


def column(pictures: list[Image.Image]) -> Image.Image:
    """Pictures below each other on white."""
    turned = [p.transpose(Image.Transpose.TRANSPOSE) for p in pictures]
    return row(turned).convert("RGB").transpose(Image.Transpose.TRANSPOSE)


def save(name: str, picture: Image.Image) -> None:
    """Writes a picture with 256 colours, or fewer if it is too large."""
    path = IMAGES / f"{name}.png"
    for colors in (256, 128, 64, 32, 16):
        row([picture]).quantize(colors).save(path, optimize=True)
        if path.stat().st_size < LARGEST:
            break
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


def draw(log: Log, too_fast: Log) -> None:
    last = max(log.steps(f"grad_cam/conv5/{RIGHT}"))

    def picture(*tag: str) -> Image.Image:
        return log.picture("/".join(tag), last)

    def small(*tag: str) -> Image.Image:
        full = picture(*tag)
        return full.resize((full.width * 5 // 8, full.height * 5 // 8), Image.Resampling.LANCZOS)

    layers = ("conv1", "conv3", "conv5")
    save("activations", row([picture("activations", layer, RIGHT) for layer in layers]))
    save(
        "dead_channels",
        row([too_fast.picture(f"activations/c{n}/image_0", 1) for n in (1, 2, 3)]),
    )
    save("filters", row([picture("filters", layer) for layer in layers]))
    blank = sorted(
        record.tag
        for (_, _, step), record in log.records.items()
        if step == last and record.blank and record.name == "grad_cam"
    )
    print("blank maps:", ", ".join(blank) or "none")
    maps = [picture("grad_cam", "conv5", name) for name in (RIGHT, WRONG)]
    save("class_maps", row(maps + [picture(tag) for tag in blank[:1]]))
    save(
        "methods",
        column([row([small(m, layer, RIGHT) for m in FIVE]) for layer in COMPARED]),
    )
    for (_, tag, step), value in sorted(too_fast.scalars.items()):
        print(f"{tag}, step {step}: {value:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures of the guide.")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--scenes", type=int, default=3000, help="how many to train on")
    chosen = parser.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    draw(train(chosen.epochs, chosen.scenes), train_too_fast())


if __name__ == "__main__":
    main()
