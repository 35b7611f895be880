"""Images of a folder, and classes by its folders; what is wrong with it."""

import re

import numpy as np
import pytest
from PIL import Image

from keras_viz_callbacks.capture.image_folder import read_images


@pytest.fixture
def folder(tmp_path):
    for number in range(6):
        path = tmp_path / ("cat", "dog", "fox")[number % 3] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (12, 10), (40 * number, 0, 0)).save(path)
    return tmp_path


def test_equally_many_of_each_folder(folder):
    found = read_images(folder, (5, 6, 3), 4, labelled=True)
    assert list(found.images) == ["cat/0", "cat/3", "dog/1", "fox/2"]
    assert found.labels.tolist() == [0, 0, 1, 2]
    assert found.class_names == ("cat", "dog", "fox")
    np.testing.assert_array_equal(found.images["dog/1"], np.full((5, 6, 3), (40, 0, 0)))


def test_all_images_without_classes(folder):
    found = read_images(folder, (5, 6, 1), None, labelled=False)
    assert len(found.images) == 6
    assert {image.shape for image in found.images.values()} == {(5, 6, 1)}
    assert (found.labels, found.class_names) == (None, None)


def test_the_order_of_classes_is_that_of_their_names(folder):
    found = read_images(folder, (5, 6, 3), 3, labelled=True, class_names=["fox", "cat", "dog"])
    labels = dict(zip(found.images, found.labels.tolist(), strict=True))
    assert labels == {"fox/2": 0, "cat/0": 1, "dog/1": 2}


def test_what_is_wrong_says_so(folder):
    none, empty = folder / "none", folder / "empty"
    empty.mkdir()
    suffixes = ".bmp, .gif, .jpeg, .jpg, .png, .webp"
    for path, names, message in [
        (none, None, f"`images`: there is no folder {none}. Name one that holds images."),
        (empty, None, f"`images`: there is no image ({suffixes}) in {empty} or its folders."),
        (
            folder,
            ["owl"],
            f"`class_names`: there is no folder 'owl' in {folder}. It has: cat, dog, empty, fox.",
        ),
    ]:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            read_images(path, (5, 6, 3), 4, labelled=names is not None, class_names=names)
    broken = folder / "cat" / "0.png"
    broken.write_bytes(b"no image")
    message = f"`images`: {broken} can't be read as an image. Remove it."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_images(folder, (5, 6, 3), 4, labelled=False)
