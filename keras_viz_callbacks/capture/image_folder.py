"""Held-out images from a folder, with labels if it has a folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")


@dataclass(frozen=True)
class ImageFolder:
    """Images of one size.

    Attributes:
        images: Images by their path in the folder without suffix, each uint8
            ``(height, width, channels)``.
        labels: Class of each image, or None.
        class_names: Names of the folders in the order of the classes, or None.
    """

    images: dict[str, NDArray[np.uint8]]
    labels: NDArray[np.int32] | None
    class_names: tuple[str, ...] | None


def read_images(
    folder: Path,
    shape: tuple[int, int, int],
    number: int | None,
    *,
    labelled: bool,
    class_names: Sequence[str] | None = None,
) -> ImageFolder:
    """Reads images; if there are folders for each class, equally many from each.

    Args:
        folder: Folder of images, or of folders of images.
        shape: ``(height, width, channels)`` to resize to; 1 channel is grey, 3 are RGB.
        number: Largest number of images; None for all.
        labelled: Whether the folders in it are the classes.
        class_names: Names of the folders in the order of the classes; alphabetical by default.

    Raises:
        ValueError: There is no such folder, no image in it, or one can't be read.
    """
    if not folder.is_dir():
        raise ValueError(f"`images`: there is no folder {folder}. Name one that holds images.")
    groups = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    if labelled:
        groups = _class_folders(groups[1:], folder, class_names)
    inside = [sorted(p for p in g.iterdir() if p.suffix.lower() in SUFFIXES) for g in groups]
    # The first of each group, then the second of each, …
    turns = sorted((nth, group) for group, paths in enumerate(inside) for nth in range(len(paths)))
    picked = sorted((group, nth) for nth, group in turns[:number])
    if not picked:
        raise ValueError(
            f"`images`: there is no image ({', '.join(SUFFIXES)}) in {folder}"
            + (" or its folders." if not labelled else ": `labels` needs a folder for each class.")
        )
    paths = [inside[group][nth] for group, nth in picked]
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
    if len(set(names)) < len(names):  # cat.png and cat.jpg
        names = [path.relative_to(folder).as_posix() for path in paths]
    return ImageFolder(
        {name: _read(path, shape) for name, path in zip(names, paths, strict=True)},
        np.array([group for group, _ in picked], np.int32) if labelled else None,
        tuple(path.name for path in groups) if labelled else None,
    )


def _class_folders(found: list[Path], folder: Path, names: Sequence[str] | None) -> list[Path]:
    if names is None:
        return found
    known = {path.name: path for path in found}
    for name in names:
        if name not in known:
            raise ValueError(
                f"`class_names`: there is no folder {name!r} in {folder}. It has: "
                f"{', '.join(known) or 'none'}."
            )
    return [known[name] for name in names]


def _read(path: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    height, width, channels = shape
    try:
        with Image.open(path) as image:
            colours = image.convert("RGB" if channels == 3 else "L")
    except OSError as error:
        raise ValueError(f"`images`: {path} can't be read as an image. Remove it.") from error
    resized = np.asarray(colours.resize((width, height), Image.Resampling.BILINEAR))
    return resized.reshape(height, width, channels)
