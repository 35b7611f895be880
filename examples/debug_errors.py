"""Which held-out images does a network get wrong, and where does it look?

Trains for a few epochs and selects the held-out images on which the network is wrong and most
certain. Then it goes on training, with two class maps of each of them at every epoch: of the true
class and of the class that was predicted instead. It prints which classes were confused, before and
after:

    python examples/debug_errors.py
    python examples/debug_errors.py --data cats_and_dogs
    python examples/debug_errors.py --data cats_and_dogs --model logs/run1/model.keras

The data is a folder of images for each class, as in from_scratch.py. Without --data it is scenes
with a handwritten digit each, which takes about three minutes on two cores. With --model the errors
are those of a finished training, and the maps begin with that model.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import keras
import numpy as np
from curves import curves
from folders import load_folders
from from_scratch import convnet
from scenes import CLASS_NAMES, SIZE, scenes
from sheets import Pictures, save, sheet

from keras_viz_callbacks import GradCAM

TECHNIQUES = {"true_class": "true class", "taken_for": "taken for"}


def errors(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Indices of the images that are predicted wrongly, the most confident mistake first.

    ``probabilities`` is (image, class), ``labels`` (image,).
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def print_confusions(
    probabilities: np.ndarray, labels: np.ndarray, class_names: list[str], rows: int = 8
) -> None:
    """Print the most frequent confusions, and the mean probability of the wrong class."""
    predicted = probabilities.argmax(axis=1)
    wrong = errors(probabilities, labels)
    print(
        f"{len(wrong)} of {len(labels)} held-out images are wrong ({len(wrong) / len(labels):.1%})"
    )
    if not len(wrong):
        return
    pairs = Counter(zip(labels[wrong].tolist(), predicted[wrong].tolist(), strict=True))
    print(f"{'true':>12}  {'taken for':>12}  images  mean probability")
    for (true, taken), count in pairs.most_common(rows):
        these = (labels == true) & (predicted == taken)
        sure = probabilities[these, taken].mean()
        print(f"{class_names[true]:>12}  {class_names[taken]:>12}  {count:6}  {sure:16.2f}")
    if len(pairs) > rows:
        print(f"{'…':>12}  {len(pairs) - rows} more pairs")


def load(data: Path | None, size: int, number: int, seed: int) -> tuple:
    """Images from 0 to 255 and labels to train on, the same held out, and the class names."""
    if data is None:
        train, held_out = scenes(number, seed=seed), scenes(500, seed=seed, split="validation")
        parts = (train.images * 255, train.labels), (held_out.images * 255, held_out.labels)
        return *parts, list(CLASS_NAMES)
    *folders, class_names = load_folders(data, size, seed)
    parts = []
    for folder in folders:
        batches = [folder[number] for number in range(len(folder))]
        images, labels = zip(*batches, strict=True)
        parts.append((np.concatenate(images), np.concatenate(labels)))
    return *parts, class_names


def main() -> None:
    parser = argparse.ArgumentParser(description="Look at what a network gets wrong.")
    parser.add_argument("--data", type=Path, help="a directory with a folder for each class")
    parser.add_argument("--model", type=Path, help="a trained model for images from 0 to 255")
    parser.add_argument("--size", type=int, default=SIZE, help="side that images are resized to")
    parser.add_argument(
        "--first-epochs", type=int, default=3, help="epochs before the errors are selected"
    )
    parser.add_argument("--epochs", type=int, default=8, help="epochs after that, with class maps")
    parser.add_argument("--errors", type=int, default=8, help="number of images to watch")
    parser.add_argument("--scenes", type=int, default=2000, help="number of scenes, without --data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="TensorBoard's logdir")
    parser.add_argument("--run", default=f"debug_errors_{time.strftime('%Y-%m-%d_%H-%M-%S')}")
    chosen = parser.parse_args()

    keras.utils.set_random_seed(chosen.seed)
    train, (images, labels), class_names = load(
        chosen.data, chosen.size, chosen.scenes, chosen.seed
    )
    if chosen.model is None:
        model = convnet(len(class_names), chosen.size, flip=chosen.data is not None)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(*train, epochs=chosen.first_epochs, validation_data=(images, labels), verbose=2)
    else:
        model = keras.models.load_model(chosen.model)

    print("\nBefore:")
    before = model.predict(images, verbose=0)
    print_confusions(before, labels, class_names)
    watched = errors(before, labels)[: chosen.errors]
    if not len(watched):
        print("No image is wrong: use fewer --first-epochs.")
        return

        # The name says what is shown; the tab lists the pictures of an image by it.
    shown = {
        f"{nth}_{class_names[labels[i]]}_as_{class_names[before[i].argmax()]}": images[i]
        for nth, i in enumerate(watched)
    }
    log_dir = chosen.log_dir / chosen.run
    common = {"labels": labels[watched], "class_names": class_names, "max_images": len(shown)}
    targets = {"true_class": labels[watched], "taken_for": before[watched].argmax(axis=1)}
    maps = [
        GradCAM(log_dir, shown, **common, name=name, target=targets[name]) for name in TECHNIQUES
    ]
    print(f"\nTraining on, with class maps of {len(shown)} of them:", flush=True)
    first = 0 if chosen.model is not None else chosen.first_epochs
    model.fit(
        *train,
        initial_epoch=first,
        epochs=first + chosen.epochs,
        validation_data=(images, labels),
        verbose=2,
        callbacks=[*curves(log_dir), *maps],
    )

    print("\nAfter:")
    after = model.predict(images, verbose=0)
    print_confusions(after, labels, class_names)
    solved = after[watched].argmax(axis=1) == labels[watched]
    print(f"Of the {len(watched)} watched, {solved.sum()} are right now:")
    for name, is_right, i in zip(shown, solved, watched, strict=True):
        chance = f"{before[i, labels[i]]:.2f} -> {after[i, labels[i]]:.2f}"
        print(f"  {'right' if is_right else 'wrong'}  {name:30} true class {chance}")

    write_sheet(log_dir, list(shown))
    print(f'To see every epoch: tensorboard --logdir "{chosen.log_dir}", then the tab "Keras Viz".')


def write_sheet(log_dir: Path, names: list[str], rows: int = 4) -> None:
    """Both maps of some images at the first and at the last epoch of them, side by side."""
    pictures = Pictures(log_dir)
    layer = pictures.tags("true_class")[0].split("/", 1)[1].rsplit("/", 1)[0]
    steps = pictures.steps(f"true_class/{layer}/{names[0]}")
    columns = [(step, technique) for step in (steps[0], steps[-1]) for technique in TECHNIQUES]
    cells = [
        [pictures.get(f"{technique}/{layer}/{name}", step) for step, technique in columns]
        for name in names[:rows]
    ]
    words = [f"epoch {step}: {TECHNIQUES[technique]}" for step, technique in columns]
    save(sheet(cells, words), log_dir / "debug_errors.png")


if __name__ == "__main__":
    main()
