"""Batches made by other processes. A spawned one has to import this module only."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of two, made by two processes, which Keras starts again for each epoch."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        super().__init__(workers=2, use_multiprocessing=True, max_queue_size=2)
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images) // 2

    def __getitem__(self, index: int) -> Any:
        batch = slice(2 * index, 2 * index + 2)
        return self.images[batch], self.labels[batch]
