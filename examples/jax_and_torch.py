"""The same training on another backend, and one model drawn on two backends.

    python examples/jax_and_torch.py --backend jax
    python examples/jax_and_torch.py --backend torch --model logs/jax_and_torch/jax/model.keras

The first line trains a digit classifier on JAX, with the callbacks attached as on any other
backend, and saves the model with the class maps of eight held-out scenes. The second line loads the
model on torch, draws the same scenes, and prints how much the maps of the two backends differ.
Neither needs TensorFlow.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

SHOWN = 8  # held-out scenes that the callbacks draw


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train and draw on a backend of your choice.")
    backends = ["tensorflow", "jax", "torch"]
    parser.add_argument("--backend", choices=backends, default=os.environ.get("KERAS_BACKEND"))
    parser.add_argument("--model", type=Path, help="draw this saved model instead of training one")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--scenes", type=int, default=2000, help="number to train on")
    parser.add_argument("--log-dir", type=Path, default=Path("logs/jax_and_torch"))
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    if chosen.backend is not None:
        # Keras reads this only once, when it is first imported.
        os.environ["KERAS_BACKEND"] = chosen.backend

    import keras
    import numpy as np
    from quickstart import compiled_model
    from scenes import CLASS_NAMES, scenes

    from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM, grad_cam

    backend = keras.backend.backend()
    log_dir = chosen.log_dir / backend
    held_out = scenes(200, seed=0, split="validation")
    images, labels = held_out.images[:SHOWN], held_out.labels[:SHOWN]
    keras.utils.set_random_seed(0)
    callbacks = [
        ActivationGrid(log_dir, images, labels=labels, class_names=CLASS_NAMES),
        FilterPatterns(log_dir, filters=9),
        GradCAM(log_dir, images, labels=labels, class_names=CLASS_NAMES),
    ]
    if chosen.model is None:
        train = scenes(chosen.scenes, seed=0)
        model = compiled_model(chosen.epochs, chosen.scenes)
        model.fit(
            train.images,
            train.labels,
            batch_size=32,
            epochs=chosen.epochs,
            validation_data=(held_out.images, held_out.labels),
            verbose=2,
            callbacks=callbacks,
        )
        model.save(log_dir / "model.keras")
        np.save(log_dir / "maps.npy", grad_cam(model, images))
        print(f"Saved {log_dir / 'model.keras'}; give it as --model on another backend.")
    else:
        model = keras.models.load_model(chosen.model)
        draw_once(model, callbacks)
        theirs = np.load(chosen.model.parent / "maps.npy")
        apart = np.abs(grad_cam(model, images) - theirs).max() / theirs.max()
        print(f"Class maps on {backend} and those saved beside the model differ by {apart:.1e}.")
    print(f'To see them: tensorboard --logdir "{chosen.log_dir}"')


def draw_once(model: keras.Model, callbacks: list) -> None:
    """Makes one capture of a model without training it."""
    params = {"epochs": 1, "steps": 0}  # one object for all callbacks, since they belong together
    for callback in callbacks:
        callback.set_model(model)
        callback.set_params(params)
        callback.on_train_begin()
    for callback in callbacks:
        callback.on_epoch_begin(0)
    for callback in callbacks:
        callback.on_epoch_end(0)
    for callback in callbacks:
        callback.on_train_end()


if __name__ == "__main__":
    main()
