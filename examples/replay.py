"""Draw a finished training from its checkpoints.

    python examples/replay.py

trains the quickstart's network for a minute with ModelCheckpoint and without these callbacks. Then
it runs

    keras-viz replay CHECKPOINTS --images DIR --labels --log-dir DIR
    keras-viz export DIR

which you can run on checkpoints of your own: see `keras-viz replay --help`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
from quickstart import BATCH_SIZE, compiled_model
from scenes import CLASS_NAMES, Scenes, scenes

from keras_viz_callbacks.cli import main as keras_viz

SHOWN = 6  # held-out scenes that are drawn


def train(chosen: argparse.Namespace, held_out: Scenes, checkpoints: Path) -> None:
    """Trains, and keeps a checkpoint of each epoch and nothing else."""
    print(f"Training on {chosen.scenes} scenes, with a checkpoint for each epoch …", flush=True)
    past = scenes(chosen.scenes, seed=chosen.seed)
    compiled_model(chosen.epochs, chosen.scenes).fit(
        past.images,
        past.labels,
        batch_size=BATCH_SIZE,
        epochs=chosen.epochs,
        validation_data=(held_out.images, held_out.labels),
        verbose=2,  # one line for each epoch
        callbacks=[keras.callbacks.ModelCheckpoint(checkpoints / "model_{epoch:02d}.keras")],
    )


def write_images(held_out: Scenes, folder: Path) -> None:
    """Writes a folder for each class, as for `image_dataset_from_directory`."""
    for name in CLASS_NAMES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(held_out.images[:SHOWN]):
        name = CLASS_NAMES[held_out.labels[number]]
        keras.utils.save_img(folder / name / f"scene_{number}.png", image)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train without callbacks; replay afterwards.")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--scenes", type=int, default=2000, help="number to train on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work-dir", type=Path, default=Path("replayed"), help="for everything")
    chosen = parser.parse_args()

    keras.utils.set_random_seed(chosen.seed)
    held_out = scenes(200, seed=chosen.seed, split="validation")
    checkpoints, images = chosen.work_dir / "checkpoints", chosen.work_dir / "images"
    checkpoints.mkdir(parents=True, exist_ok=True)
    train(chosen, held_out, checkpoints)
    write_images(held_out, images)

    logs, pictures = chosen.work_dir / "logs", chosen.work_dir / "pictures"
    in_order = ["--labels", "--class-names", *CLASS_NAMES]
    wanted = ["--layers", "conv4", "conv5", "--log-dir", str(logs / "old")]
    for arguments in (
        ["replay", str(checkpoints), "--images", str(images), *in_order, *wanted],
        ["export", str(logs), "--output", str(pictures), "--name", "grad_cam"],
    ):
        print("\nkeras-viz", *arguments, flush=True)
        status = keras_viz(arguments)
        if status:
            raise SystemExit(status)


if __name__ == "__main__":
    main()
