"""A series as animated GIF or ZIP, made while it is sent: one picture in memory at a time."""

from __future__ import annotations

import io
import re
import struct
import typing
import zipfile
from collections.abc import Callable, Iterable, Iterator

from tensorboard_plugin.answers import pictures

if typing.TYPE_CHECKING:
    from PIL import Image

_UNSAFE = re.compile(r"[^\w.+=-]+")
_EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_TRAILER = b"\x3b"


def stem(*parts: str | None) -> str:
    """A file name, without its extension, that every file system takes, from any texts."""
    clean = (_UNSAFE.sub("_", part).strip("._") for part in parts if part)
    return "-".join(part[:60] for part in clean if part)[:200] or "picture"


def extension_of(data: bytes) -> str:
    """Of an encoded picture's file name."""
    return _EXTENSIONS.get(pictures.content_type(data), "bin")


def gif(frames: Iterable[Image.Image], duration: int) -> Iterator[bytes]:
    """An animated GIF in endless loop, chunk by chunk.

    Pillow keeps all frames until it writes the first. So each is encoded as a GIF of its own, and
    its blocks are put together here (GIF89a, section 20 to 26).

    Args:
        frames: Of one size, which is the first one's; others are fitted to it.
        duration: Milliseconds a frame.
    """
    size: tuple[int, int] | None = None
    control = b"\x21\xf9\x04" + struct.pack("<BHBB", 0b100, max(2, round(duration / 10)), 0, 0)
    for frame in frames:
        if size is None:
            size = frame.size
            yield b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0)
            yield b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", 0, 0)
        table, image_data = _gif_blocks(_flat(frame, size))
        bits = (len(table) // 3).bit_length() - 2
        yield control
        yield b"\x2c" + struct.pack("<HHHHB", 0, 0, *size, 0b1000_0000 | bits) + table + image_data
    if size is not None:
        yield _TRAILER


def zip_of(entries: Iterable[tuple[str, Callable[[], bytes] | str]]) -> Iterator[bytes]:
    """A ZIP, chunk by chunk; what can't be read is named in its README.txt.

    Args:
        entries: File name without extension, and what reads the picture or why it is left out.
    """
    sink = _Sink()
    missing = []
    taken: set[str] = set()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # PNGs are deflated already
        for stem, read in entries:
            if isinstance(read, str):
                missing.append(f"{stem}: {read}")
                continue
            try:
                data = read()
            except Exception as error:  # noqa: BLE001 - one picture less, never a broken archive
                missing.append(f"{stem}: {error}")
                continue
            name = _free_name(stem, extension_of(data), taken)
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
            yield sink.take()
        if missing:
            text = "These pictures could not be read:\n" + "\n".join(missing) + "\n"
            archive.writestr(zipfile.ZipInfo("README.txt", (1980, 1, 1, 0, 0, 0)), text)
    yield sink.take()


def _free_name(stem: str, extension: str, taken: set[str]) -> str:
    name, number = f"{stem}.{extension}", 2
    while name.casefold() in taken:
        name, number = f"{stem}_{number}.{extension}", number + 1
    taken.add(name.casefold())
    return name


class _Sink(io.RawIOBase):
    """Takes what is written until it is fetched; `zipfile` sees a stream that can't seek."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: typing.Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def _flat(frame: Image.Image, size: tuple[int, int]) -> Image.Image:
    """In 256 colours, of that size, over white."""
    from PIL import Image

    frame = pictures.true_colours(frame)
    if frame.mode == "RGBA" or frame.size != size:
        ground = Image.new("RGB", size, "white")
        frame.thumbnail(size)
        ground.paste(frame, (0, 0), frame if frame.mode == "RGBA" else None)
        frame = ground
    return frame.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _gif_blocks(frame: Image.Image) -> tuple[bytes, bytes]:
    """Colour table and image data of a picture, out of the GIF that Pillow makes of it."""
    buffer = io.BytesIO()
    frame.save(buffer, "GIF", optimize=False, interlace=0)
    data = buffer.getvalue()
    flags = data[10]
    at, table = 13, b""
    if flags & 0x80:
        length = 3 << ((flags & 7) + 1)
        table, at = data[at : at + length], at + length
    while data[at] == 0x21:  # extensions: a label, then blocks up to an empty one
        at = _after_blocks(data, at + 2)
    flags = data[at + 9]
    at += 10
    if flags & 0x80:
        length = 3 << ((flags & 7) + 1)
        table, at = data[at : at + length], at + length
    return table, data[at : _after_blocks(data, at + 1)]


def _after_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1
