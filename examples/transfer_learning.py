"""Transfer learning in two stages, and what it does to the class maps.

A backbone trained on another task is frozen, and a new head is trained on top of it. Then the
backbone is unfrozen, and the whole model is trained at a low learning rate. There are two calls of
`fit` and one callback, whose steps continue from the first call to the second.

    python examples/transfer_learning.py

By default, the backbone learns to recognise the handwritten digits zero to four, and the new task
is five to nine: about three minutes on two cores. And

    python examples/transfer_learning.py --backbone MobileNetV2 --weights imagenet --data flowers

uses any network of keras.applications, its weights downloaded by Keras or from a file, and your own
images in a folder for each class.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from curves import curves
from debug_errors import load
from keras import layers
from pointing_game import chance, hits, hottest_pixels
from scenes import SIZE, Scenes, scenes
from sheets import Pictures, save, sheet

from keras_viz_callbacks import GradCAM, grad_cam

SHOWN = 8  # held-out images that the callback draws
BOLD = 5e-3  # learning rate of the first stage, which trains the head alone
GENTLE = 2e-4  # learning rate of the second stage


def half(drawn: Scenes, first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scenes of five digits from ``first`` on: images from 0 to 255, labels 0 to 4, boxes."""
    mine = (drawn.labels >= first) & (drawn.labels < first + 5)
    return drawn.images[mine] * 255, drawn.labels[mine] - first, drawn.boxes[mine]


def digit_backbone(size: int) -> keras.Model:
    """Five convolutions for images from 0 to 255."""
    backbone = keras.Sequential([keras.Input((size, size, 3))], name="backbone")
    backbone.add(layers.Rescaling(1 / 255))
    for block, filters in enumerate((16, 32, 64, 96), start=1):
        convolution = layers.Conv2D(filters, 3, padding="same", name=f"conv{block}")
        backbone.add(convolution)
        backbone.add(layers.BatchNormalization(momentum=0.9))
        backbone.add(layers.ReLU())
        backbone.add(layers.MaxPooling2D())
    backbone.add(layers.Conv2D(128, 3, padding="same", activation="relu", name="conv5"))
    return backbone


def keras_backbone(name: str, weights: str, size: int) -> keras.Model:
    """A network of keras.applications for images from 0 to 255, without its classes."""
    network = getattr(keras.applications, name)(
        include_top=False,
        weights=None if weights == "none" else weights,
        input_shape=(size, size, 3),
    )
    # Each family has its own preprocessing, in the module of the network.
    prepared = applications_module(name).preprocess_input
    inputs = keras.Input((size, size, 3))
    return keras.Model(inputs, network(prepared(inputs)), name="backbone")


def applications_module(name: str) -> Any:
    """The module of keras.applications with a network and its preprocessing."""
    make = getattr(keras.applications, name)
    for module in vars(keras.applications).values():
        if getattr(module, name, None) is make and hasattr(module, "preprocess_input"):
            return module
    raise ValueError(f"`name` must be a network of keras.applications. Received: name={name!r}")


def with_head(backbone: keras.Model, classes: int, size: int) -> keras.Model:
    """Augmentation, the backbone as one layer, and a new head."""
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", name="augmentation"),
            backbone,
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.2),
            layers.Dense(classes, activation="softmax"),
        ],
        name="transfer",
    )


def fit(model: keras.Model, train: tuple, rate: float, **arguments: Any) -> None:
    """Compile and train; `compile` fixes which variables are trained."""
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    weights = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    print(f"{weights:,} of {model.count_params():,} weights learn", flush=True)
    model.fit(*train, verbose=2, **arguments)


def points_at_the_digit(model: keras.Model, images: Any, labels: Any, boxes: Any) -> float:
    """How often the hottest pixel of the class map of the true class lies on the digit."""
    return float(hits(hottest_pixels(grad_cam(model, images, target=labels)), boxes).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description="Transfer learning, frozen and then unfrozen.")
    parser.add_argument("--data", type=Path, help="the new task: a folder for each class")
    parser.add_argument("--backbone", help="network of keras.applications, such as MobileNetV2")
    parser.add_argument(
        "--weights",
        help="imagenet, none, or a file; without --backbone a saved model for images from 0 to "
        "255, without its classes",
    )
    parser.add_argument("--size", type=int, default=SIZE, help="side that images are resized to")
    parser.add_argument("--backbone-epochs", type=int, default=5, help="epochs on the old task")
    parser.add_argument("--frozen-epochs", type=int, default=4)
    parser.add_argument("--unfrozen-epochs", type=int, default=5)
    parser.add_argument(
        "--scenes", type=int, default=2400, help="number of scenes, half for each task"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="TensorBoard's logdir")
    parser.add_argument("--run", default=f"transfer_learning_{time.strftime('%Y-%m-%d_%H-%M-%S')}")
    chosen = parser.parse_args()

    keras.utils.set_random_seed(chosen.seed)
    digits = scenes(chosen.scenes, seed=chosen.seed)
    if chosen.backbone is not None:
        backbone = keras_backbone(chosen.backbone, chosen.weights or "imagenet", chosen.size)
    elif chosen.weights is not None:
        backbone = keras.models.load_model(chosen.weights)
    else:
        print("The old task: zero, one, two, three, four.")
        backbone = digit_backbone(chosen.size)
        old = with_head(backbone, 5, chosen.size)
        fit(old, half(digits, 0)[:2], 1e-3, epochs=chosen.backbone_epochs)

    boxes = None
    if chosen.data is None:
        class_names = list(digits.class_names[5:])
        train = half(digits, 5)[:2]
        held_out_scenes = scenes(500, seed=chosen.seed, split="validation")
        *held_out, boxes = half(held_out_scenes, 5)
    else:
        train, held_out, class_names = load(chosen.data, chosen.size, 0, chosen.seed)
    images, labels = held_out
    print(f"\nThe new task: {', '.join(class_names)}; {len(train[0])} images to train on.")

    log_dir = chosen.log_dir / chosen.run
    model = with_head(backbone, len(class_names), chosen.size)
    maps = GradCAM(log_dir, images[:SHOWN], labels=labels[:SHOWN], class_names=class_names)
    stages = [("frozen", False, BOLD, chosen.frozen_epochs)]
    stages.append(("unfrozen", True, GENTLE, chosen.unfrozen_epochs))
    if boxes is not None:
        print(f"A random pixel lies on the digit in {chance(boxes):.0%} of the held-out images.")
    for stage, trainable, rate, epochs in stages:
        backbone.trainable = trainable
        print(f"\nThe backbone is {stage}: ", end="")
        fit(
            model,
            train,
            rate,
            epochs=epochs,
            validation_data=(images, labels),
            callbacks=[*curves(log_dir / stage), maps],
        )
        accuracy = model.evaluate(images, labels, verbose=0, return_dict=True)["accuracy"]
        print(f"{stage}: held-out accuracy {accuracy:.3f}", end="")
        if boxes is not None:
            share = points_at_the_digit(model, images, labels, boxes)
            print(f", the class map's hottest pixel on the digit in {share:.0%}", end="")
        print(flush=True)

    pictures = Pictures(log_dir)
    tags = pictures.tags("grad_cam")[:4]
    steps = pictures.steps(tags[0])
    moments = {
        f"frozen, epoch {steps[0]}": steps[0],
        f"frozen, epoch {steps[chosen.frozen_epochs - 1]}": steps[chosen.frozen_epochs - 1],
        f"unfrozen, epoch {steps[-1]}": steps[-1],
    }
    cells = [[pictures.get(tag, step) for step in moments.values()] for tag in tags]
    print()
    save(sheet(cells, list(moments)), log_dir / "transfer_learning.png")
    print(f'To see every epoch: tensorboard --logdir "{chosen.log_dir}", then the tab "Keras Viz".')


if __name__ == "__main__":
    main()
