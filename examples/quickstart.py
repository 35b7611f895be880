"""Train a small convnet to recognise digits on photographs, and watch what it learns.

    python examples/quickstart.py --serve

takes about two minutes on two cores, then starts TensorBoard; the tab is called "Keras Viz".
"""

from __future__ import annotations

import argparse
import contextlib
import math
import subprocess
import sys
import time
from pathlib import Path

import keras
from curves import curves
from keras import layers
from scenes import CLASS_NAMES, SIZE, scenes

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM

BATCH_SIZE = 32
SHOWN = 4  # held-out scenes that the callbacks draw: 1 MB for each capture


def compiled_model(epochs: int, number_of_scenes: int) -> keras.Model:
    """Four blocks of convolution, pooling and batch normalization, and one more convolution.

    Every convolution ends in a ReLU, so a channel that finds nothing is zero. The learning rate
    falls to zero at the last batch: without that, the validation accuracy jumps.
    """
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3))], name="digit_reader")
    for block, filters in enumerate((16, 32, 64, 96), start=1):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{block}"))
        model.add(layers.MaxPooling2D())
        model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.Conv2D(128, 3, padding="same", activation="relu", name="conv5"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(len(CLASS_NAMES), activation="softmax"))
    batches = epochs * math.ceil(number_of_scenes / BATCH_SIZE)
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, batches)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description="Train on scenes, with the callbacks attached.")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--scenes", type=int, default=3000, help="number to train on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="TensorBoard's logdir")
    parser.add_argument("--run", default=time.strftime("%Y-%m-%d_%H-%M-%S"), help="folder in it")
    parser.add_argument(
        "--serve", action=argparse.BooleanOptionalAction, help="start TensorBoard at the end"
    )
    chosen = parser.parse_args()

    print(f"Drawing {chosen.scenes} scenes to train on …", flush=True)
    keras.utils.set_random_seed(chosen.seed)
    train = scenes(chosen.scenes, seed=chosen.seed)
    held_out = scenes(500, seed=chosen.seed, split="validation")
    images, labels = held_out.images[:SHOWN], held_out.labels[:SHOWN]
    model = compiled_model(chosen.epochs, chosen.scenes)
    log_dir = chosen.log_dir / chosen.run

    started = time.monotonic()
    model.fit(
        train.images,
        train.labels,
        batch_size=BATCH_SIZE,
        epochs=chosen.epochs,
        validation_data=(held_out.images, held_out.labels),
        verbose=2,  # one line for each epoch
        callbacks=[
            *curves(log_dir),
            ActivationGrid(log_dir, images, labels=labels, class_names=CLASS_NAMES),
            FilterPatterns(log_dir, layers="conv*", filters=9),
            GradCAM(log_dir, images, labels=labels, class_names=CLASS_NAMES, layers="conv*"),
        ],
    )
    print(f"\nTrained for {time.monotonic() - started:.0f} s. The pictures are in {log_dir}.")

    if not chosen.serve:
        print(f'To see them: tensorboard --logdir "{chosen.log_dir}", then the tab "Keras Viz".')
        return
    print(
        'TensorBoard prints its address below: open its tab "Keras Viz". Ctrl-C ends it.',
        flush=True,
    )
    with contextlib.suppress(KeyboardInterrupt):
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(chosen.log_dir)]
        raise SystemExit(subprocess.call(command))


if __name__ == "__main__":
    main()
