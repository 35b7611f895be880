"""Pictures: read and verified when asked for, made small, cut, compared. Pillow stays in here."""

from __future__ import annotations

import io
import typing

from tensorboard_plugin import schema
from tensorboard_plugin.index.picture_series import PictureLocation
from tensorboard_plugin.log.log_errors import Damaged

if typing.TYPE_CHECKING:
    from PIL import Image

_TYPES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)


def read(location: PictureLocation) -> bytes:
    """The encoded picture, its checksum verified.

    Raises:
        Gone: The file is not there any more.
        Damaged: A checksum fails.
    """
    parts = location.reader.strings(location.offset, location.length, location.step, location.tag)
    if len(parts) < 3:
        raise Damaged("it holds no picture")
    return parts[2]


def read_record(location: PictureLocation) -> tuple[bytes | None, bytes | None]:
    """The record's JSON and the heat map; None for what is not there.

    Raises:
        Gone: The file is not there any more.
        Damaged: A checksum fails.
    """
    if not location.has_record:
        return None, None
    tag = schema.record_tag(location.tag)
    parts = location.reader.strings(
        location.record_offset, location.record_length, location.step, tag
    )
    return parts[0] if parts else None, parts[1] if len(parts) > 1 else None


def content_type(data: bytes) -> str:
    """Content type of an encoded picture; never one that a browser would run."""
    for magic, kind in _TYPES:
        if data.startswith(magic):
            return kind
    return "application/octet-stream"


def decode(data: bytes) -> Image.Image:
    """The picture's pixels.

    Raises:
        Damaged: It is no picture, or an absurdly large one.
    """
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height > 64_000_000:
            raise Damaged(f"the picture has {image.width} × {image.height} pixels")
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Damaged(f"the picture can't be decoded: {error}") from error
    return image


def encode(image: Image.Image) -> bytes:
    """As PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def thumbnail(data: bytes, size: int) -> bytes:
    """The picture with its longer side at most ``size``, as PNG."""
    image = decode(data)
    if max(image.size) <= size and content_type(data) == "image/png":
        return data
    return encode(shrink(image, size))


def shrink(image: Image.Image, size: int) -> Image.Image:
    """The picture in true colours with its longer side at most ``size``."""
    from PIL import Image

    image = true_colours(image)
    longest = max(image.size)
    if longest <= size:
        return image
    target = (max(1, image.width * size // longest), max(1, image.height * size // longest))
    return image.resize(target, Image.Resampling.BOX)


def true_colours(image: Image.Image) -> Image.Image:
    """RGB, or RGBA where something is transparent."""
    transparent = "transparency" in image.info or image.mode in ("RGBA", "LA", "PA")
    return image.convert("RGBA" if transparent else "RGB")


def cut(image: Image.Image, grid: schema.Grid, place: int) -> Image.Image:
    """One cell of a grid.

    Raises:
        Damaged: The grid does not fit the picture.
    """
    top, left = grid.corner(place)
    right, bottom = left + grid.cell_width, top + grid.cell_height
    if not (0 <= left < right <= image.width and 0 <= top < bottom <= image.height):
        raise Damaged("the grid in its record does not fit the picture")
    return image.crop((left, top, right, bottom))


def cell(data: bytes, grid: schema.Grid, place: int, size: int | None) -> bytes:
    """One cell of a grid as PNG, its longer side ``size`` if that is given."""
    from PIL import Image

    image = decode(data)
    part = cut(image, grid, place)
    part.info = dict(image.info)
    if size is None or size == max(part.size):
        return encode(part)
    if size < max(part.size):
        return encode(shrink(part, size))
    factor = size / max(part.size)
    target = (max(1, round(part.width * factor)), max(1, round(part.height * factor)))
    return encode(part.resize(target, Image.Resampling.NEAREST))


def levels(data: bytes) -> bytes | None:
    """The palette entries as grey levels, as PNG; None where there is no palette."""
    from PIL import Image

    image = decode(data)
    if image.mode != "P":
        return None
    return encode(Image.frombytes("L", image.size, image.tobytes()))


def eight_bits(heat_map: bytes) -> bytes:
    """A 16-bit grey PNG with 8 bits."""
    image = decode(heat_map)
    if image.mode != "L":
        image = image.convert("I").point(lambda v: v / 257 + 0.5).convert("L")
    return encode(image)


def grey(data: bytes) -> Image.Image:
    """The picture in grey levels, to be compared."""
    return decode(data).convert("L")


def difference(a: Image.Image, b: Image.Image) -> float | None:
    """Mean absolute difference of two grey pictures, 0 to 1; None where their sizes differ."""
    from PIL import ImageChops

    if a.size != b.size:
        return None
    histogram = ImageChops.difference(a, b).histogram()
    return sum(i * n for i, n in enumerate(histogram)) / (255 * a.width * a.height)
