from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from tensorboard_plugin.answers import exports, pictures
from tensorboard_plugin.log.log_errors import Damaged


@pytest.mark.parametrize(
    ("parts", "stem"),
    [
        (("run1", "grad_cam", "block/conv1", "image_0"), "run1-grad_cam-block_conv1-image_0"),
        (("a", None, "", "b"), "a-b"),
        (("../..", "/etc/passwd"), "etc_passwd"),
        (("", None), "picture"),
        (("ü b", "x:y"), "ü_b-x_y"),
        (("x" * 500,) * 9, "-".join(["x" * 60] * 4)[:200]),
    ],
)
def test_any_texts_become_a_file_name(parts: tuple[str | None, ...], stem: str) -> None:
    assert exports.stem(*parts) == stem


@pytest.mark.parametrize(
    ("kind", "extension"), [("PNG", "png"), ("JPEG", "jpg"), ("GIF", "gif"), ("WEBP", "webp")]
)
def test_a_picture_has_the_extension_of_its_bytes(kind: str, extension: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, kind)
    assert exports.extension_of(buffer.getvalue()) == extension


def test_anything_else_has_an_extension_that_nothing_runs() -> None:
    assert exports.extension_of(b"<html>") == "bin"


def test_a_gif_has_the_frames_in_their_order() -> None:
    colours = ["red", "lime", "blue"]
    frames = [Image.new("RGB", (5, 4), colour) for colour in colours]
    gif = Image.open(io.BytesIO(b"".join(exports.gif(frames, 120))))
    assert (gif.size, gif.n_frames) == ((5, 4), 3)  # type: ignore[attr-defined]
    assert (gif.info["duration"], gif.info["loop"]) == (120, 0)
    for place, frame in enumerate(frames):
        gif.seek(place)
        assert np.array_equal(np.asarray(gif.convert("RGB")), np.asarray(frame))


def test_what_is_transparent_or_smaller_lies_on_white() -> None:
    frames = [Image.new("RGB", (4, 4)), Image.new("RGBA", (4, 4)), Image.new("RGB", (2, 2))]
    gif = Image.open(io.BytesIO(b"".join(exports.gif(frames, 20))))
    gif.seek(1)
    assert np.asarray(gif.convert("RGB")).min() == 255
    gif.seek(2)
    assert np.asarray(gif.convert("RGB"))[3, 3].tolist() == [255, 255, 255]


def test_no_frame_is_no_gif() -> None:
    assert list(exports.gif([], 100)) == []


def test_a_zip_says_what_is_left_out_and_no_name_is_there_twice() -> None:
    png = pictures.encode(Image.new("RGB", (1, 1)))

    def damaged() -> bytes:
        raise Damaged("it is damaged")

    chunks = exports.zip_of(
        [("a", lambda: png), ("A", lambda: png), ("b", damaged), ("c", "it is gone")]
    )
    archive = zipfile.ZipFile(io.BytesIO(b"".join(chunks)))
    assert archive.testzip() is None
    assert archive.namelist() == ["a.png", "A_2.png", "README.txt"]
    assert archive.read("a.png") == png
    assert archive.read("README.txt").decode() == (
        "These pictures could not be read:\nb: it is damaged\nc: it is gone\n"
    )
