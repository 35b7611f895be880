"""Train a small U-Net to segment digits on photographs, and see what one region depends on.

    python examples/segmenter.py

takes a few minutes on two cores. A segmenter returns a class for every pixel, so there is no class
of the whole image to explain: `target`, a function of the outputs, is the sum of one digit's logits
over one region, here that digit's ink. Vinogradova et al. 2020, "Towards Interpretable Semantic
Segmentation via Gradient-weighted Class Activation Mapping".
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import keras
import matplotlib as mpl
import numpy as np
from boxes import heated, panel, save, sheet
from curves import curves
from keras import layers, ops
from pointing_game import hottest_pixels
from scenes import CLASS_NAMES, SIZE, Scenes, scenes

from keras_viz_callbacks import GradCAM, grad_cam

BATCH_SIZE = 32
DIGITS = (1, 3)  # of each scene
CLASSES = 1 + len(CLASS_NAMES)  # 0 is photograph
LAYERS = ("down4", "bottom", "up4", "up3")  # in the order of a pass
METHODS = ("grad_cam", "hires_cam")
SHOWN = 6  # regions drawn during the training
EXPLAINED = 100  # regions explained afterwards
COLOURS = np.vstack([np.full(3, 0.13), mpl.colormaps["tab10"](range(10))[:, :3]])  # by class


def u_net() -> keras.Model:
    """A small network as in Ronneberger et al. 2015: four poolings, four joined enlargements."""
    inputs = x = keras.Input((SIZE, SIZE, 3))
    across = []
    for number, filters in enumerate((16, 24, 48, 64), start=1):
        x = block(x, filters, f"down{number}")
        across.append(x)
        x = layers.MaxPooling2D()(x)
    x = block(x, 96, "bottom")
    for number, filters in zip((4, 3, 2, 1), (64, 48, 24, 16), strict=True):
        x = layers.Concatenate()([layers.UpSampling2D()(x), across[number - 1]])
        x = block(x, filters, f"up{number}")
    return keras.Model(inputs, layers.Conv2D(CLASSES, 1, name="pixels")(x), name="segmenter")


def block(x, filters: int, name: str):
    """One convolution: enough for digits."""
    x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def compiled(model: keras.Model, batches: int) -> keras.Model:
    """Compiles with a learning rate that falls to zero at the last batch."""
    rate = keras.optimizers.schedules.CosineDecay(3e-3, batches)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    overlap = keras.metrics.MeanIoU(
        CLASSES, name="mean_iou", sparse_y_true=True, sparse_y_pred=False
    )
    model.compile(keras.optimizers.Adam(rate), loss, metrics=[overlap])
    return model


def single_regions(held_out: Scenes, number: int):
    """The scenes, labels, and ink, bool (digit, 96, 96), of the first digits."""
    scene, digit = (places[:number] for places in np.nonzero(held_out.labels >= 0))
    labels = held_out.labels[scene, digit]
    ink = np.zeros((len(scene), SIZE, SIZE), bool)
    for region, s, (top, left, bottom, right) in zip(
        ink, scene, held_out.boxes[scene, digit], strict=True
    ):
        box = np.s_[top:bottom, left:right]
        region[box] = held_out.masks[s][box] > 0
    return scene, labels, ink


def class_in_region(labels: np.ndarray, regions: np.ndarray):
    """A target: for each image the sum of one digit's logits over its region."""
    picked = (regions[..., None] * np.eye(CLASSES)[1 + labels][:, None, None]).astype(np.float32)
    return lambda outputs: ops.sum(ops.multiply(outputs, picked), axis=(1, 2, 3))


def explain(model: keras.Model, held_out: Scenes) -> None:
    """Prints how often the hottest pixel of a region's map lies on its own ink or on any ink."""
    scene, labels, ink = single_regions(held_out, EXPLAINED)
    target, any_ink = class_in_region(labels, ink), held_out.masks[scene] > 0
    print(f"\nHottest pixel of the maps of {len(ink)} single digits:")
    print("layer, method       on its own ink   on any digit's ink")
    print(f"{'(at random)':<20}{ink.mean():14.3f}{any_ink.mean():21.3f}")
    middle = np.s_[:, SIZE // 2, SIZE // 2]
    print(f"{'(the middle)':<20}{ink[middle].mean():14.3f}{any_ink[middle].mean():21.3f}")
    for layer in LAYERS:
        for method in METHODS:
            maps = grad_cam(model, held_out.images[scene], layer, target, method)
            rows, columns = hottest_pixels(maps).T
            found = (rows >= 0).astype(float)  # a map of zeros points nowhere
            own, of_any = (
                (found * mask[np.arange(len(mask)), rows, columns]).mean()
                for mask in (ink, any_ink)
            )
            print(f"{layer + ' ' + method:<20}{own:14.3f}{of_any:21.3f}", flush=True)


def pictures(model: keras.Model, held_out: Scenes, number: int = 4) -> list:
    """The scene, the predicted regions, and maps of two layers, for single digits."""
    scene, labels, ink = single_regions(held_out, number)
    images = held_out.images[scene]
    painted = model.predict(images, verbose=0).argmax(axis=-1)
    target = class_in_region(labels, ink)
    by_layer = [grad_cam(model, images, name, target, METHODS[-1]) for name in ("down4", "up3")]
    panels = []
    for i in range(len(scene)):
        panels.append(panel(images[i], caption=f"scene {scene[i]}"))
        names = sorted({CLASS_NAMES[c - 1] for c in np.unique(painted[i]) if c})
        panels.append(panel(COLOURS[painted[i]], caption="painted " + ", ".join(names)))
        for name, maps in zip(("down4", "up3"), by_layer, strict=True):
            caption = f"{CLASS_NAMES[labels[i]]}, its region, {name}"
            panels.append(panel(heated(images[i], maps[i]), caption=caption))
    return panels


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a U-Net; explain single regions.")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--scenes", type=int, default=2500, help="number to train on")
    parser.add_argument("--held-out", type=int, default=200, help="number to measure on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="TensorBoard's logdir")
    parser.add_argument("--run", default=time.strftime("segmenter_%H-%M-%S"), help="folder in it")
    parser.add_argument("--weights", type=Path, help="file of trained weights, instead of training")
    parser.add_argument("--save", type=Path, help="file to save the weights to (.weights.h5)")
    parser.add_argument("--picture", type=Path, default=Path("segmenter.jpg"), help="to be written")
    chosen = parser.parse_args()

    keras.utils.set_random_seed(chosen.seed)
    held_out = scenes(
        chosen.held_out, seed=chosen.seed, split="validation", digits_per_scene=DIGITS
    )
    model = compiled(u_net(), chosen.epochs * math.ceil(chosen.scenes / BATCH_SIZE))
    if chosen.weights is not None:
        model.load_weights(chosen.weights)
    else:
        print(f"Drawing {chosen.scenes} scenes of {DIGITS[0]} to {DIGITS[1]} digits …", flush=True)
        train = scenes(chosen.scenes, seed=chosen.seed, digits_per_scene=DIGITS)
        scene, labels, ink = single_regions(held_out, SHOWN)
        names = [
            f"scene {s} {CLASS_NAMES[k]} {i}"
            for i, (s, k) in enumerate(zip(scene, labels, strict=True))
        ]
        regions = dict(zip(names, held_out.images[scene], strict=True))
        log_dir = chosen.log_dir / chosen.run
        started = time.monotonic()
        model.fit(
            train.images,
            train.masks,
            BATCH_SIZE,
            chosen.epochs,
            verbose=2,  # one line for each epoch
            callbacks=[
                *curves(log_dir),
                GradCAM(log_dir, regions, layers=list(LAYERS), target=class_in_region(labels, ink)),
            ],
        )
        print(f"Trained for {time.monotonic() - started:.0f} s.")
    if chosen.save is not None:
        model.save_weights(chosen.save)

    measured = model.evaluate(held_out.images, held_out.masks, BATCH_SIZE, verbose=0)[1]
    print(f"Mean IoU of the {CLASSES} classes on {len(held_out)} held-out scenes: {measured:.3f}")
    explain(model, held_out)
    save(sheet(pictures(model, held_out), columns=4), chosen.picture)
    print(f"\nScenes, predicted regions, and maps of single regions are drawn in {chosen.picture}.")
    if chosen.weights is None:
        print(
            f'To see their training: tensorboard --logdir "{chosen.log_dir}", the tab "Keras Viz", '
            f"run {chosen.run}."
        )


if __name__ == "__main__":
    main()
