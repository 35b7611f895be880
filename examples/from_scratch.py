"""Train a convnet from scratch on a folder of images for each class, and watch what it learns.

    python examples/from_scratch.py --data cats_and_dogs

where cats_and_dogs/cat and cats_and_dogs/dog hold the images. Without --data it writes such folders
itself, with scenes of one handwritten digit each, and takes about three minutes on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from curves import curves
from folders import load_folders
from keras import layers
from PIL import Image
from scenes import scenes
from sheets import Pictures, save, sheet

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM

SHOWN = 8  # held-out images that the callbacks draw


def write_digit_folders(folder: Path, number: int, seed: int = 0) -> None:
    """Write scenes as images into a folder for each class: ``zero``, ``one``, …"""
    drawn = scenes(number, seed=seed)
    for name in drawn.class_names:
        (folder / name).mkdir(parents=True)
    for place, (image, label) in enumerate(zip(drawn.images, drawn.labels, strict=True)):
        pixels = Image.fromarray((image * 255).round().astype(np.uint8))
        pixels.save(folder / drawn.class_names[label] / f"{place:05}.png")


def convnet(classes: int, size: int, flip: bool) -> keras.Model:
    """A model for images from 0 to 255: augmentation, five convolutions, one score for each class.

    Only training uses the augmentation: the callbacks draw the images without it.
    """
    augmentation = keras.Sequential(name="augmentation")
    if flip:
        augmentation.add(layers.RandomFlip("horizontal"))
    augmentation.add(layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"))
    augmentation.add(layers.RandomRotation(0.04, fill_mode="nearest"))
    model = keras.Sequential([keras.Input((size, size, 3)), augmentation], name="from_scratch")
    model.add(layers.Rescaling(1 / 255))
    for block, filters in enumerate((16, 32, 64, 96), start=1):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{block}"))
        model.add(layers.MaxPooling2D())
        model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.Conv2D(128, 3, padding="same", activation="relu", name="conv5"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(classes, activation="softmax"))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description="Train on a folder of images for each class.")
    parser.add_argument("--data", type=Path, help="a directory with a folder for each class")
    parser.add_argument("--size", type=int, default=96, help="side that images are resized to")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="augment with mirrored images: right for cats and dogs, wrong for digits "
        "(default: with --data)",
    )
    parser.add_argument("--scenes", type=int, default=2000, help="number of scenes, without --data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="TensorBoard's logdir")
    parser.add_argument("--run", default=f"from_scratch_{time.strftime('%Y-%m-%d_%H-%M-%S')}")
    chosen = parser.parse_args()

    keras.utils.set_random_seed(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.data is None:
            print(f"Writing {chosen.scenes} scenes into a folder for each digit …", flush=True)
            write_digit_folders(Path(folder), chosen.scenes, chosen.seed)
        train, held_out, class_names = load_folders(
            chosen.data or Path(folder), chosen.size, chosen.seed
        )
        print("Classes:", ", ".join(class_names), flush=True)

        flip = chosen.data is not None if chosen.flip is None else chosen.flip
        model = convnet(len(class_names), chosen.size, flip)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        images, labels = (part[:SHOWN] for part in held_out[0])
        log_dir = chosen.log_dir / chosen.run
        shown = {"images": images, "labels": labels, "class_names": class_names}
        model.fit(
            train,
            epochs=chosen.epochs,
            validation_data=held_out,
            verbose=2,  # one line for each epoch
            callbacks=[
                *curves(log_dir),
                ActivationGrid(log_dir, **shown),
                FilterPatterns(log_dir, layers="conv*", filters=9),
                GradCAM(log_dir, **shown, layers="conv*"),
            ],
        )
        model.save(log_dir / "model.keras")

    print(f"\nThe trained model: {log_dir / 'model.keras'}")
    pictures = Pictures(log_dir)
    tags = ["filters/conv3", "activations/conv2/image_0", "grad_cam/conv5/image_0"]
    steps = sorted({round(step) for step in np.linspace(0, chosen.epochs - 1, 3)})
    rows = [[pictures.get(tag, step) for step in steps] for tag in tags]
    columns = [f"epoch {step}" for step in steps]
    save(sheet(rows, columns, tags, width=270), log_dir / "from_scratch.png")
    print(f'To see all: tensorboard --logdir "{chosen.log_dir}", then the tab "Keras Viz".')


if __name__ == "__main__":
    main()
