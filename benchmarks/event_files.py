"""What does an event file cost, compared with the bytes alone? 1,000 pictures of 100 kB.

    python -m benchmarks.event_files

The floor writes the pictures' bytes to one file in the same directory with `os.write`, one call for
each picture. Ours writes the same pictures and their records with `EventFile`, one call for each
picture and 40 pictures in a capture, as the worker of a training does: framed, with checksums, with
a table of contents before each capture, and with a check before each that the file still exists.
Neither waits for the disk: both end when the system has the bytes.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import time
from collections.abc import Callable

from benchmarks.rows import Row, beside, interleaved, tell
from keras_viz_callbacks.summary.event_file import EventFile
from keras_viz_callbacks.summary.run import Drawing
from tensorboard_plugin import schema

PICTURES = 1000
SIZE = 100_000
CAPTURE = 40
LIMIT = 2
REPEATS = 15


def measure(
    directory: str | None = None,
    pictures: int = PICTURES,
    size: int = SIZE,
    repeats: int = REPEATS,
) -> list[Row]:
    """Medians of the floor's and our times, measured in turn.

    Args:
        directory: Directory to write to; a temporary directory in it is removed afterwards.
        pictures: Number of pictures in a turn.
        size: Bytes of a picture.
        repeats: Number of turns.
    """
    encoded = [os.urandom(size) for _ in range(CAPTURE)]
    maps = [Drawing(_named(class_map(), i), png) for i, png in enumerate(encoded)]
    grids = [Drawing(_named(grid(), i), png) for i, png in enumerate(encoded)]
    ready = [drawing.values() for drawing in grids]

    def floor(path: str) -> float:
        descriptor = os.open(os.path.join(path, "bytes"), os.O_WRONLY | os.O_CREAT)
        begin = time.perf_counter()
        for i in range(pictures):
            os.write(descriptor, encoded[i % CAPTURE])
        seconds = time.perf_counter() - begin
        os.close(descriptor)
        return seconds

    def ours(path: str, values: Callable[[int], list]) -> float:
        file = EventFile(path)
        begin = time.perf_counter()
        for i in range(pictures):
            file.write(i // CAPTURE, values(i % CAPTURE))
            if i % CAPTURE == CAPTURE - 1:
                file.flush()
        file.flush()
        seconds = time.perf_counter() - begin
        file.close()
        return seconds

    def turn(write: Callable[..., float], *arguments: object) -> Callable[[], float]:
        def run() -> float:
            with tempfile.TemporaryDirectory(dir=directory) as path:
                return write(path, *arguments)

        return run

    found, _ = interleaved(
        {
            "floor": turn(floor),
            "ready": turn(ours, ready.__getitem__),
            "maps": turn(ours, lambda i: maps[i].values()),
            "grids": turn(ours, lambda i: grids[i].values()),
        },
        repeats,
    )
    what = f"{pictures:,} pictures of {size / 1000:.0f} kB with their records"
    return [
        beside(f"{what}, written, s", found["ready"], found["floor"], LIMIT),
        beside("the same, class maps' summaries made too, s", found["maps"], found["floor"]),
        beside("the same, 64 channels' summaries made too, s", found["grids"], found["floor"]),
    ]


def _named(record: schema.Record, number: int) -> schema.Record:
    """The record of another image of the same capture."""
    name = f"image_{number}"
    tag = record.tag.replace("image_0", name)
    return dataclasses.replace(record, tag=tag, image_name=name, image_index=number)


def class_map() -> schema.Record:
    """A record as `GradCAM` writes it."""
    score = schema.ClassScore(3, "three", 0.8125)
    return schema.Record(
        "grad_cam",
        "grad_cam/block4/conv2d_3/image_0",
        400,
        400,
        image_bytes=SIZE,
        epoch=3,
        batch=400,
        layer=schema.Layer("block4/conv2d_3", "Conv2D", 3, (12, 12, 64)),
        image_name="image_0",
        image_index=0,
        label=score,
        prediction=score,
        target=score,
        value_range=(0.0, 1.5),
        colormap="inferno",
        channels=64,
        map_shape=(12, 12),
        metrics={"loss": 0.5234, "accuracy": 0.875, "val_loss": 0.6311, "val_accuracy": 0.8125},
    )


def grid() -> schema.Record:
    """A record as `ActivationGrid` writes it, with four numbers for each channel."""
    columns = [tuple(float(f"{k + 0.0137 * i:.4g}") for i in range(64)) for k in range(4)]
    return schema.Record(
        "activations",
        "activations/block4/conv2d_3/image_0",
        402,
        402,
        image_bytes=SIZE,
        epoch=3,
        batch=400,
        layer=schema.Layer("block4/conv2d_3", "Conv2D", 3, (48, 48, 64)),
        image_name="image_0",
        image_index=0,
        grid=schema.Grid(8, 8, 48, 48, 2, tuple(range(64))),
        value_range=(0.0, 4.5),
        scale="channel",
        colormap="viridis",
        channels=64,
        kind="channels",
        title="Activations",
        item="channel",
        measures={"blank_channels": 0.125},
        statistics=schema.ChannelStatistics(*columns),
        metrics={"loss": 0.5234, "accuracy": 0.875, "val_loss": 0.6311, "val_accuracy": 0.8125},
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Measure event files, compared with the bytes alone."
    )
    parser.add_argument("--directory", help="write there; default: the system's temporary one")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    chosen = parser.parse_args()
    tell(measure(chosen.directory, chosen.pictures, repeats=chosen.repeats))


if __name__ == "__main__":
    main()
