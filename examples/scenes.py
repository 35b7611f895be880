"""Scenes from real data that comes with packages: handwritten digits on photographs.

A scene is a small RGB image: a digit of ``sklearn.datasets.load_digits``, enlarged smoothly, in a
bright colour, at a known place on a darkened crop of a photograph of ``skimage.data`` or
``sklearn.datasets``. So it is known where a network that recognises the digit should look.

    train = scenes(4000)
    held_out = scenes(800, split="validation")

The two splits share nothing: they have different digits, different writers and different
photographs. Nothing is downloaded, and the same arguments give the same scenes.

As a script it writes a contact sheet: ``python examples/scenes.py scenes.png``.
"""

from __future__ import annotations

import argparse
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data
from sklearn.datasets import load_digits, load_sample_image

SIZE = 96
CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPLITS = ("train", "validation")

# The 1797 digits are sorted by their 13 writers: the last fifth is by other writers.
FIRST_HELD_OUT_DIGIT = 1437
PHOTOGRAPHS = {
    "train": (
        data.astronaut,
        lambda: data.stereo_motorcycle()[0],
        data.rocket,
        data.hubble_deep_field,
        data.immunohistochemistry,
        functools.partial(load_sample_image, "flower.jpg"),
    ),
    "validation": (
        data.chelsea,
        functools.partial(load_sample_image, "china.jpg"),
        data.coffee,
    ),
}
BRIGHTNESS = 0.4  # of the photograph, so that the digit is brighter
ALONE = (40, 64)  # the range of a digit's side, in pixels
TOGETHER = (28, 44)  # the same if a scene has several: each fits into a quarter
MOST_DIGITS = 4


@dataclass(frozen=True)
class Scenes:
    """What `scenes` returns. The first axis of every array is the scene.

    With one digit per scene, ``labels`` and ``boxes`` have no digit axis. With several they have
    one: (scene, digit) and (scene, digit, 4). Scenes with fewer digits are filled up with -1.
    """

    images: np.ndarray
    """float32 (scene, 96, 96, 3) in [0, 1]."""
    labels: np.ndarray
    """int64 (scene,): the digit, an index into ``class_names``."""
    boxes: np.ndarray
    """int64 (scene, 4): top, left, bottom, right of the digit's ink, in pixels, ends excluded."""
    masks: np.ndarray
    """uint8 (scene, 96, 96): 0 is photograph, 1 + digit is that digit's ink."""
    class_names: tuple[str, ...] = CLASS_NAMES

    def __len__(self) -> int:
        return len(self.images)


def scenes(
    number: int,
    *,
    seed: int = 0,
    split: str = "train",
    digits_per_scene: int | tuple[int, int] = 1,
) -> Scenes:
    """Draw ``number`` scenes; the i-th is the same for every ``number``.

    ``digits_per_scene`` is a number or the two ends of a range, both included. Several digits are
    smaller and never overlap.
    """
    if split not in SPLITS:
        raise ValueError(f"`split` has to be one of {SPLITS}. Received: split={split!r}")
    fewest, most = (
        (digits_per_scene,) * 2 if isinstance(digits_per_scene, int) else digits_per_scene
    )
    if not 1 <= fewest <= most <= MOST_DIGITS:
        raise ValueError(
            f"`digits_per_scene` has to be a number from 1 to {MOST_DIGITS}, or two such numbers "
            f"in order. Received: digits_per_scene={digits_per_scene!r}"
        )
    digits, classes = _digits(split)
    images = np.empty((number, SIZE, SIZE, 3), np.float32)
    labels = np.full((number, most), -1)
    boxes = np.full((number, most, 4), -1)
    masks = np.zeros((number, SIZE, SIZE), np.uint8)
    for scene in range(number):
        rng = np.random.default_rng([seed, SPLITS.index(split), scene])
        images[scene] = _background(rng, split)
        several = most > 1
        quarters = rng.permutation(4)
        for nth in range(rng.integers(fewest, most + 1)):
            chosen = rng.integers(len(digits))
            side = int(rng.integers(*(TOGETHER if several else ALONE), endpoint=True))
            ink = _ink(digits[chosen], side)
            room = SIZE // 2 if several else SIZE
            corner = np.array(divmod(int(quarters[nth]), 2)) * room * several
            top, left = corner + rng.integers(0, room - np.array(ink.shape), endpoint=True)
            box = top, left, top + ink.shape[0], left + ink.shape[1]
            place = np.s_[scene, box[0] : box[2], box[1] : box[3]]
            alpha = ink[..., None]
            images[place] = alpha * _bright_colour(rng) + (1 - alpha) * images[place]
            masks[place][ink > 0.5] = 1 + classes[chosen]
            labels[scene, nth], boxes[scene, nth] = classes[chosen], box
    if most == 1:
        labels, boxes = labels[:, 0], boxes[:, 0]
    return Scenes(images, labels, boxes, masks)


@functools.cache
def _digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """The split's digits, float32 (digit, 8, 8) in [0, 1], and their classes (digit,)."""
    bunch = load_digits()
    held_out = np.arange(len(bunch.target)) >= FIRST_HELD_OUT_DIGIT
    mine = held_out if split == "validation" else ~held_out
    return (bunch.images[mine] / 16).astype(np.float32), bunch.target[mine]


@functools.cache
def _photographs(split: str) -> list[Image.Image]:
    return [Image.fromarray(load()).convert("RGB") for load in PHOTOGRAPHS[split]]


def _background(rng: np.random.Generator, split: str) -> np.ndarray:
    """A darkened square crop of a photograph, float32 (96, 96, 3); half of them mirrored."""
    photographs = _photographs(split)
    photograph = photographs[rng.integers(len(photographs))]
    side = int(rng.integers(SIZE, min(photograph.size), endpoint=True))
    left, top = (int(rng.integers(0, length - side, endpoint=True)) for length in photograph.size)
    crop = photograph.resize(
        (SIZE, SIZE), Image.Resampling.BILINEAR, (left, top, left + side, top + side)
    )
    pixels = np.asarray(crop, np.float32) * (BRIGHTNESS / 255)
    return pixels[:, ::-1] if rng.random() < 0.5 else pixels


def _ink(digit: np.ndarray, side: int) -> np.ndarray:
    """How much ink covers each pixel, in [0, 1], of an enlarged digit without its empty margins.

    Bicubic enlargement alone is blurred: a steep smooth step gives it an outline.
    """
    padded = np.pad(digit, 1)  # so that strokes at the edge get an outline too
    enlarged = Image.fromarray(padded).resize((side * 10 // 8,) * 2, Image.Resampling.BICUBIC)
    steps = np.clip((np.asarray(enlarged) - 0.3) / 0.3, 0, 1)
    ink = steps * steps * (3 - 2 * steps)
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _bright_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour of any hue with its strongest channel at 1, float32 (3,)."""
    hue, weakest = rng.uniform(0, 6), rng.uniform(0.2, 0.6)
    ramp = np.clip(np.abs((hue + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return (weakest + (1 - weakest) * ramp).astype(np.float32)


def contact_sheet(shown: Scenes, columns: int = 12) -> Image.Image:
    """Scenes side by side, their boxes outlined in white."""
    images = (shown.images * 255).round().astype(np.uint8)
    for image, boxes in zip(images, shown.boxes.reshape(len(shown), -1, 4), strict=True):
        for top, left, bottom, right in boxes[boxes[:, 0] >= 0]:
            image[[top, bottom - 1], left:right] = 255
            image[top:bottom, [left, right - 1]] = 255
    rows = [np.concatenate(list(row), 1) for row in images.reshape(-1, columns, SIZE, SIZE, 3)]
    return Image.fromarray(np.concatenate(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a contact sheet of scenes.")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--digits", type=int, nargs=2, default=(1, 1), metavar=("FEWEST", "MOST"))
    chosen = parser.parse_args()
    fewest, most = chosen.digits
    shown = scenes(
        12 * chosen.rows, seed=chosen.seed, split=chosen.split, digits_per_scene=(fewest, most)
    )
    contact_sheet(shown).save(chosen.picture)


if __name__ == "__main__":
    main()
