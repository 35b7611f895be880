"""Reads a folder of images for each class, in batches, on every backend.

`keras.utils.image_dataset_from_directory` does the same, but needs TensorFlow on JAX and torch too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

BATCH_SIZE = 32
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


class ImageFolders(keras.utils.PyDataset):
    """Batches of images from 0 to 255, float32 (batch, size, size, 3), and their classes, int32.

    Attributes:
        class_names: Names of the folders, sorted.
    """

    def __init__(
        self, paths: Sequence[Path], class_names: Sequence[str], size: int, rng=None
    ) -> None:
        """Takes the images at ``paths``; with a ``rng``, each epoch has another order."""
        super().__init__()
        self.paths, self.class_names, self.size = list(paths), list(class_names), size
        self.rng = rng

    def __len__(self) -> int:
        return -(-len(self.paths) // BATCH_SIZE)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        paths = self.paths[batch * BATCH_SIZE : (batch + 1) * BATCH_SIZE]
        labels = [self.class_names.index(path.parent.name) for path in paths]
        return np.stack([self._read(path) for path in paths]), np.array(labels, np.int32)

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        if self.rng is not None:
            self.rng.shuffle(self.paths)

    def _read(self, path: Path) -> np.ndarray:
        size = (self.size, self.size)
        image = keras.utils.load_img(path, target_size=size, interpolation="bilinear")
        return keras.utils.img_to_array(image, dtype="float32")


def load_folders(
    folder: Path, size: int, seed: int = 0
) -> tuple[ImageFolders, ImageFolders, list[str]]:
    """Four fifths of the images to train on, one fifth held out, and the names of the classes."""
    class_names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    paths = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise SystemExit(f"There is no image in the folders of {folder}, one for each class.")
    rng = np.random.default_rng(seed)
    rng.shuffle(paths)
    held_out = len(paths) // 5
    return (
        ImageFolders(paths[held_out:], class_names, size, rng),
        ImageFolders(paths[:held_out], class_names, size),
        class_names,
    )
