"""From heat map to boxes: where is the digit, for a network trained on its class alone?

    python examples/localize.py

trains the quickstart's network on scenes for about a minute, makes a box from each held-out class
map, and compares it with the true box. For a box, the map is enlarged and cut at a share of its
maximum; the box is around the largest connected part. The share is chosen for each layer on
training scenes. This is weakly-supervised localization as in Selvaraju et al. 2017, "Grad-CAM",
section 3.2.

With your own data: ``--model FILE`` takes a trained classifier, and ``--images DIR`` photographs,
which are drawn with their boxes. Nothing is measured then, since the true boxes are not known.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
from boxes import enlarged, heated, intersection_over_union, panel, save, sheet
from pointing_game import chance, hits, hottest_pixels
from quickstart import BATCH_SIZE, compiled_model
from scenes import CLASS_NAMES, SIZE, Scenes, scenes
from skimage.measure import label, regionprops

from keras_viz_callbacks import grad_cam

LAYERS = ("conv3", "conv4", "conv5")
SHARES = np.arange(0.05, 0.8, 0.05)
PICKED_ON = 200  # training scenes
PAPERS_SHARE = 0.15
SHOWN = 12
NOTHING = (0, 0, 0, 0)
TRUE, FOUND = "#ffffff", "#ff4fd8"


def box_of(heat: np.ndarray, share: float, shape: tuple[int, int] = (SIZE, SIZE)) -> tuple:
    """The box around the largest connected part of a map above a share of its maximum.

    A map (height, width) that is zero everywhere has none: `NOTHING`.
    """
    large = enlarged(heat, shape)
    parts = regionprops(label(large > share * large.max())) if large.max() > 0 else []
    return max(parts, key=lambda part: part.area).bbox if parts else NOTHING


def boxes_of(maps: np.ndarray, share: float) -> np.ndarray:
    """A box for each map: int (map, 4)."""
    return np.array([box_of(heat, share) for heat in maps])


def best_share(maps: np.ndarray, boxes: np.ndarray) -> float:
    """The share of the maximum that gives the largest mean overlap with the true boxes."""
    return max(SHARES, key=lambda s: intersection_over_union(boxes_of(maps, s), boxes).mean())


def row(name: str, boxes: np.ndarray, pixels: np.ndarray, true: np.ndarray) -> str:
    """One line of the table."""
    overlap = intersection_over_union(boxes, true)
    found = (overlap >= 0.5).mean()
    return f"{name:<34}{overlap.mean():10.3f}{found:12.3f}{hits(pixels, true).mean():10.3f}"


def print_baselines(true: np.ndarray, train: Scenes, seed: int) -> None:
    """Prints what guessing reaches, with a box of the mean size in the training scenes."""
    rng = np.random.default_rng(seed)
    side = (train.boxes[:, 2:] - train.boxes[:, :2]).mean(axis=0)
    corner = rng.uniform(0, SIZE - side, (len(true), 2))
    anywhere = rng.integers(0, SIZE, (len(true), 2))
    print(row("chance: anywhere", np.hstack([corner, corner + side]), anywhere, true))
    middle = np.tile(np.r_[(SIZE - side) / 2, (SIZE + side) / 2], (len(true), 1))
    print(row("always the middle", middle, np.full((len(true), 2), SIZE // 2), true))
    print(f"(A random pixel hits with probability {chance(true):.3f}.)", flush=True)


def draw_scenes(shown: Scenes, maps: np.ndarray, boxes: np.ndarray) -> list:
    """The first scenes with their maps, the true box in white, the found box in pink."""
    return [
        panel(
            heated(image, heat),
            [(true, TRUE), (found, FOUND)],
            f"{CLASS_NAMES[digit]} · overlap {intersection_over_union(found, true):.2f}",
        )
        for image, digit, true, heat, found in zip(
            shown.images, shown.labels, shown.boxes, maps, boxes, strict=False
        )
    ]


def draw_photographs(model: keras.Model, folder: Path, layer: str | None, share: float) -> list:
    """The user's images at the model's size, each with the box of its predicted class."""
    kinds = (".jpg", ".jpeg", ".png", ".bmp")
    paths = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in kinds][:SHOWN]
    if not paths:
        raise SystemExit(f"--images: there is no {', '.join(kinds)} in {folder}.")
    size = model.input_shape[1:3]
    loaded = (keras.utils.load_img(path, target_size=size) for path in paths)
    images = np.stack([keras.utils.img_to_array(image) for image in loaded]) / 255
    print(f"Class maps of {len(images)} photographs in {folder} …", flush=True)
    maps = grad_cam(model, images, layer=layer)
    classes = model.predict(images, verbose=0).argmax(axis=-1)
    return [
        panel(heated(image, heat), [(box_of(heat, share, size), FOUND)], f"class {number}")
        for image, heat, number in zip(images, maps, classes, strict=True)
    ]


def train_and_measure(chosen: argparse.Namespace) -> list:
    """Prints the table, and draws the layer that was best on training scenes."""
    train = scenes(chosen.scenes, seed=chosen.seed)
    held_out = scenes(chosen.held_out, seed=chosen.seed, split="validation")
    print(f"Training on {chosen.scenes} scenes …", flush=True)
    model = compiled_model(chosen.epochs, chosen.scenes)
    validation = held_out.images, held_out.labels
    model.fit(train.images, train.labels, BATCH_SIZE, chosen.epochs, 2, validation_data=validation)

    print(f"\n{len(held_out)} held-out scenes{'mean IoU':>28}{'IoU ≥ 0.5':>12}{'pointing':>10}")
    print_baselines(held_out.boxes, train, chosen.seed)
    best = (-1.0,)
    for layer in LAYERS:
        some = slice(PICKED_ON)
        maps = grad_cam(model, train.images[some], layer=layer, target=train.labels[some])
        share = chosen.share or best_share(maps, train.boxes[some])
        overlap = intersection_over_union(boxes_of(maps, share), train.boxes[some]).mean()
        maps = grad_cam(model, held_out.images, layer=layer, target=held_out.labels)
        boxes = boxes_of(maps, share)
        name = f"{layer}, cut at {share:.2f} of the maximum"
        print(row(name, boxes, hottest_pixels(maps), held_out.boxes), flush=True)
        best = max(best, (overlap, layer, maps[:SHOWN], boxes[:SHOWN]), key=lambda b: b[0])
    _, layer, maps, boxes = best
    print(f"\nDrawn: {layer}, the best on training scenes.")
    return draw_scenes(held_out, maps, boxes)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make boxes from class maps, and measure them.")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--scenes", type=int, default=3000, help="number to train on")
    parser.add_argument("--held-out", type=int, default=500, help="number to measure on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, help="share of a map's maximum at which it is cut")
    parser.add_argument(
        "--model", type=Path, help="your own classifier (.keras) for images in [0, 1]"
    )
    parser.add_argument("--images", type=Path, help="with --model: a folder of photographs")
    parser.add_argument(
        "--layer", help="with --model: layer of the maps (default: the last convolution)"
    )
    parser.add_argument("--picture", type=Path, default=Path("localize.jpg"), help="to be written")
    chosen = parser.parse_args()
    if (chosen.model is None) != (chosen.images is None):
        parser.error("--model and --images go together")

    keras.utils.set_random_seed(chosen.seed)
    if chosen.model is not None:
        model = keras.models.load_model(chosen.model)
        panels = draw_photographs(model, chosen.images, chosen.layer, chosen.share or PAPERS_SHARE)
    else:
        panels = train_and_measure(chosen)
    save(sheet(panels, columns=6), chosen.picture)
    print(f"The boxes, found and true, are drawn in {chosen.picture}.")


if __name__ == "__main__":
    main()
