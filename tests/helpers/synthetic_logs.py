"""Synthetic logs, written by the real writer, for tests, benchmarks and a look at the tab.

    python -m tests.helpers.synthetic_logs DIRECTORY --epochs 30 --layers 8

The pictures look like what the callbacks draw: maps that sharpen from noise into edges of the
held-out scene while training goes on, deeper layers coarser and with more dead channels, class
maps that find the object, predictions that become right.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import io
import os
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema

CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
BATCHES = 100


@dataclass(frozen=True)
class Spec:
    """How much is written.

    Attributes:
        epochs: Number of captures.
        layers: Number of layers; every fourth lies in a nested model.
        images: Number of held-out images.
        channels: Channels of the first layer; deeper ones have more, up to four times.
        cell: Pixels of a cell in the first layer's grid.
        size: Pixels of a held-out image.
        first_epoch: Step of the first capture, for a training that was restarted.
        step_size: Distance of steps, for a batch frequency.
        filters: Whether filter patterns are written.
        class_maps: Number of layers, counted from the last, with class maps.
        held_out: Whether the held-out images are written.
        labels: Whether the held-out images have labels.
        distinct: So many epochs are drawn, then their pictures come again: for large logs.
        seed: Other seeds give other pictures.
        name: How a held-out image is called.
    """

    epochs: int = 3
    layers: int = 2
    images: int = 2
    channels: int = 6
    cell: int = 12
    size: int = 32
    first_epoch: int = 0
    step_size: int = 1
    filters: bool = True
    class_maps: int = 1
    held_out: bool = True
    labels: bool = True
    distinct: int | None = None
    seed: int = 0
    name: str = "image_{}"


@dataclass(frozen=True)
class Written:
    """One picture as it went to the log.

    Attributes:
        dead: Fraction of its layer's channels that are dead, where that is reported.
    """

    step: int
    png: bytes
    record: schema.Record
    heat_map: bytes | None = None
    dead: float | None = None


@dataclass
class Log:
    """What was written: the expected values of tests."""

    directory: str
    path: str
    pictures: dict[tuple[str, int], Written] = field(default_factory=dict)

    @property
    def tags(self) -> list[str]:
        """Every tag, in order of writing."""
        return list(dict.fromkeys(tag for tag, _ in self.pictures))

    def steps(self, tag: str) -> list[int]:
        """The steps of a tag, in order of writing."""
        return [step for t, step in self.pictures if t == tag]


def write(log_dir: str, spec: Spec | None = None, run_name: str = schema.RUN_NAME) -> Log:
    """Writes one training's event file to ``<log_dir>/<run_name>``."""
    spec = Spec() if spec is None else spec
    directory = os.path.join(log_dir, run_name)
    file = event_file.EventFile(directory)
    log = Log(directory, "")
    for step, capture in captures(spec):
        write_capture(file, step, capture)
        log.pictures.update(((w.record.tag, step), w) for w in capture)
    log.path = file.path or ""
    file.close()
    return log


def write_capture(file: event_file.EventWriter, step: int, capture: list[Written]) -> None:
    """Writes one step's pictures in the order of the callbacks: record, picture, …, scalars."""
    values = []
    dead: dict[schema.Layer, float] = {}
    for written in capture:
        record = written.record
        values.append(summaries.record(record, written.heat_map))
        values.append(summaries.image(record.tag, written.png, record.width, record.height))
        if record.layer is not None and written.dead is not None:
            dead[record.layer] = written.dead
    if dead:
        values.append(summaries.measures(_table(capture[-1].record, dead)))
    for layer, value in dead.items():
        values.append(summaries.scalar(schema.scalar_tag("dead_channels", layer.path), value))
    file.write(step, values)
    file.flush()


def write_tables(
    log_dir: str,
    tables: Mapping[int, Sequence[schema.MeasureTable]],
    run_name: str = schema.RUN_NAME,
) -> None:
    """Writes an event file of measures only, without a picture; the tables are by step."""
    file = event_file.EventFile(os.path.join(log_dir, run_name))
    for step, of_step in tables.items():
        file.write(step, [summaries.measures(table) for table in of_step])
    file.close()


def _table(record: schema.Record, dead: dict[schema.Layer, float]) -> schema.MeasureTable:
    return schema.MeasureTable(
        schema.NAME_ACTIVATIONS,
        record.epoch,
        record.batch,
        tuple(dead),
        {"dead_channels": tuple(dead.values())},
        record.metrics,
    )


def without_contents(data: bytes) -> bytes:
    """An event file as other writers make it: each picture has to be looked at."""
    kept, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        frame = data[at : at + 16 + length]
        if schema.CONTENTS_TAG.encode() not in frame[:200]:
            kept.append(frame)
        at += len(frame)
    return b"".join(kept)


def captures(spec: Spec) -> Iterator[tuple[int, list[Written]]]:
    """Step and pictures, epoch by epoch."""
    scenes = [_scene(spec, i) for i in range(spec.images)]
    for n in range(spec.epochs):
        epoch = spec.first_epoch + n
        step = epoch * spec.step_size
        capture = []
        if n == 0 and spec.held_out:
            capture += [_held_out(spec, i, scene) for i, (scene, _) in enumerate(scenes)]
        for layer in range(spec.layers):
            capture += [_activations(spec, epoch, layer, i) for i in range(spec.images)]
        if spec.filters:
            capture += [_filters(spec, epoch, layer) for layer in range(spec.layers)]
        for layer in range(max(0, spec.layers - spec.class_maps), spec.layers):
            capture += [_class_map(spec, epoch, layer, i) for i in range(spec.images)]
        yield step, [dataclasses.replace(w, step=step) for w in capture]


def layer_of(spec: Spec, index: int) -> schema.Layer:
    """The layer of that place in the network."""
    prefix = f"block{index // 4 + 1}/" if index % 4 == 3 else ""
    side = max(4, spec.size >> (index // 2))
    channels = min(spec.channels * (1 + index // 2), 4 * spec.channels)
    return schema.Layer(f"{prefix}conv2d_{index}", "Conv2D", index, (side, side, channels))


def metrics_of(epoch: int) -> dict[str, float | None]:
    """Keras' logs of an epoch: a loss that falls, with noise, and accuracies that rise."""
    noise = float(np.random.default_rng(epoch).normal(0, 0.02))
    return {
        "loss": 2.3 * 0.9**epoch + 0.05 + abs(noise),
        "accuracy": 1 - 0.9 * 0.9**epoch,
        "val_loss": None if epoch == 1 else 2.3 * 0.92**epoch + 0.1 + noise,
        "val_accuracy": 1 - 0.9 * 0.93**epoch,
    }


def _common(spec: Spec, epoch: int) -> dict[str, object]:
    return {"epoch": epoch, "batch": (epoch + 1) * BATCHES, "metrics": metrics_of(epoch)}


def _drawn_epoch(spec: Spec, epoch: int) -> int:
    return epoch if spec.distinct is None else epoch % spec.distinct


def _scores(spec: Spec, epoch: int, image: int) -> dict[str, object]:
    label = (3 * image + 1) % 10
    probability = 1 - 0.9 * 0.8 ** ((epoch + 1) / (1 + image % 3))
    right = probability > 0.45
    wrong = (label + 4) % 10
    prediction = label if right else wrong
    best = probability if right else 1 - probability
    scores: dict[str, object] = {
        "prediction": schema.ClassScore(prediction, CLASS_NAMES[prediction], best)
    }
    if spec.labels:
        scores["label"] = schema.ClassScore(label, CLASS_NAMES[label], probability)
    return scores


def _held_out(spec: Spec, image: int, scene: np.ndarray) -> Written:
    png = _png(Image.fromarray(scene))
    record = schema.Record(
        schema.NAME_IMAGES,
        schema.picture_tag(schema.NAME_IMAGES, None, spec.name.format(image)),
        spec.size,
        spec.size,
        kind="image",
        title="Held-out images",
        image_bytes=len(png),
        image_name=spec.name.format(image),
        image_index=image,
        label=_scores(spec, 0, image).get("label"),  # type: ignore[arg-type]
        epoch=spec.first_epoch,
        batch=BATCHES,
    )
    return Written(0, png, record)


def _activations(spec: Spec, epoch: int, index: int, image: int) -> Written:
    layer = layer_of(spec, index)
    drawn = _drawn_epoch(spec, epoch)
    maps = _maps(spec, drawn, index, image)
    dead = np.all(maps == 0, axis=(0, 1))
    png, grid, width, height = _grid_png(spec, drawn, index, image)
    record = schema.Record(
        schema.NAME_ACTIVATIONS,
        schema.picture_tag("activations", layer.path, spec.name.format(image)),
        width,
        height,
        image_bytes=len(png),
        layer=layer,
        image_name=spec.name.format(image),
        image_index=image,
        grid=grid,
        value_range=(float(maps.min()), float(maps.max())),
        scale="channel",
        colormap="viridis",
        channels=maps.shape[2],
        kind="channels",
        title="Activations",
        item="channel",
        measures={"blank_channels": float(dead.mean())},
        statistics=schema.ChannelStatistics(
            minimum=_numbers(maps.min(axis=(0, 1))),
            maximum=_numbers(maps.max(axis=(0, 1))),
            mean=_numbers(maps.mean(axis=(0, 1))),
            std=_numbers(maps.std(axis=(0, 1))),
        ),
        **_scores(spec, epoch, image),  # type: ignore[arg-type]
        **_common(spec, epoch),  # type: ignore[arg-type]
    )
    return Written(0, png, record, dead=float(dead.mean()))


def _filters(spec: Spec, epoch: int, index: int) -> Written:
    layer = layer_of(spec, index)
    count = min(4, layer.shape[2])
    items = tuple(range(0, layer.shape[2], layer.shape[2] // count))[:count]
    drawn = _drawn_epoch(spec, epoch)
    png, grid, width, height = _pattern_png(spec, drawn, index, items)
    record = schema.Record(
        schema.NAME_FILTERS,
        schema.picture_tag("filters", layer.path),
        width,
        height,
        image_bytes=len(png),
        kind="patterns",
        title="Filter patterns",
        item="filter",
        layer=layer,
        grid=grid,
        channels=layer.shape[2],
        statistics=schema.ChannelStatistics(
            start=tuple(0.1 + 0.01 * i for i in items),
            maximum=tuple(5.0 + epoch + 0.01 * i for i in items),
        ),
        note=f"{len(items)} of {layer.shape[2]} filters",
        **_common(spec, epoch),  # type: ignore[arg-type]
    )
    return Written(0, png, record)


def _class_map(spec: Spec, epoch: int, index: int, image: int) -> Written:
    layer = layer_of(spec, index)
    drawn = _drawn_epoch(spec, epoch)
    side = layer.shape[0]
    scene, (row, column) = _scene(spec, image)
    blank = image == 1 and epoch == 0
    heat = np.zeros((side, side)) if blank else _blob(side, row, column, 3 / (3 + drawn))
    png, map_png = _overlay_png(scene, heat)
    scores = _scores(spec, epoch, image)
    record = schema.Record(
        "grad_cam",
        schema.picture_tag("grad_cam", layer.path, spec.name.format(image)),
        spec.size,
        spec.size,
        kind="evidence",
        title="Grad-CAM",
        image_bytes=len(png),
        layer=layer,
        image_name=spec.name.format(image),
        image_index=image,
        target=scores["prediction"],  # type: ignore[arg-type]
        value_range=(0.0, 0.0 if blank else 1.5),
        colormap="inferno",
        channels=layer.shape[2],
        blank=blank,
        map_shape=(side, side),
        **scores,  # type: ignore[arg-type]
        **_common(spec, epoch),  # type: ignore[arg-type]
    )
    return Written(0, png, record, map_png)


@functools.lru_cache(maxsize=64)
def _scene(spec: Spec, image: int) -> tuple[np.ndarray, tuple[float, float]]:
    """A held-out image: a bright disk over a coloured ramp, and where the disk is (0 to 1)."""
    rng = np.random.default_rng((spec.seed, image))
    row, column = rng.uniform(0.25, 0.75, 2)
    y, x = np.mgrid[0 : spec.size, 0 : spec.size] / spec.size
    ramp = np.stack([x, y, 1 - x], axis=-1) * rng.uniform(60, 140, 3)
    disk = (np.hypot(y - row, x - column) < 0.2)[..., None]
    scene = np.where(disk, rng.uniform(150, 255, 3), ramp) + rng.normal(0, 4, (*x.shape, 1))
    return scene.clip(0, 255).astype(np.uint8), (float(row), float(column))


@functools.lru_cache(maxsize=256)
def _maps(spec: Spec, epoch: int, index: int, image: int) -> np.ndarray:
    """Activations ``(height, width, channels)``: oriented edges that come out of noise."""
    side, _, channels = layer_of(spec, index).shape
    fixed = np.random.default_rng((spec.seed, index))  # the layer's filters, the same each epoch
    angle, cut = fixed.uniform(0, 2 * np.pi, channels), fixed.uniform(0, 0.4, channels)
    deaths = fixed.uniform(0, 1, channels)
    scene, _ = _scene(spec, image)
    small = Image.fromarray(scene).convert("L").resize((side, side), Image.Resampling.BOX)
    dy, dx = np.gradient(np.asarray(small, dtype=np.float32) / 64)
    edges = dy[..., None] * np.sin(angle) + dx[..., None] * np.cos(angle)
    noise = np.random.default_rng((spec.seed, index, image, epoch)).normal(
        0, 1, (side, side, channels)
    )
    learned = 1 - 0.85**epoch
    maps = np.maximum(0, learned * edges * 3 + (1.05 - learned) * noise - cut)
    maps[..., deaths < 0.06 * index * (1 + learned)] = 0
    return maps.astype(np.float32)


@functools.lru_cache(maxsize=4096)
def _grid_png(
    spec: Spec, epoch: int, index: int, image: int
) -> tuple[bytes, schema.Grid, int, int]:
    maps = _maps(spec, epoch, index, image)
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    levels = np.where(high > low, (maps - low) / np.where(high > low, high - low, 1), 0)
    cells = np.round(levels * (schema.PALETTE_LEVELS - 1)).astype(np.uint8)
    cell = max(4, spec.cell >> (index // 4))
    rows = [np.arange(cell) * cells.shape[0] // cell]
    cells = cells[rows[0]][:, rows[0]]
    grid, canvas = _lay_out(cells.shape[2], cell, schema.PALETTE_GAP, ())
    for i in range(cells.shape[2]):
        blank = high[i] == 0
        y, x = grid.corner(i)
        canvas[y : y + cell, x : x + cell] = schema.PALETTE_BLANK if blank else cells[..., i]
    picture = Image.fromarray(canvas).convert("P")
    picture.putpalette(_palette("viridis").tobytes())
    return _png(picture, transparency=schema.PALETTE_GAP), grid, canvas.shape[1], canvas.shape[0]


@functools.lru_cache(maxsize=4096)
def _pattern_png(
    spec: Spec, epoch: int, index: int, items: tuple[int, ...]
) -> tuple[bytes, schema.Grid, int, int]:
    cell = 2 * spec.cell
    grid, canvas = _lay_out(len(items), cell, 255, (3,), items)
    y, x = np.mgrid[0:cell, 0:cell] / cell
    for i, item in enumerate(items):
        fixed = np.random.default_rng((spec.seed, index, item))
        frequency, phase = fixed.uniform(5, 30, 2), fixed.uniform(0, 6, 3)
        waves = np.sin(frequency[0] * x + frequency[1] * y)[..., None] + np.sin(
            phase + 9 * x[..., None]
        )
        noise = fixed.normal(0, 1, (cell, cell, 3))
        strength = 1 - 0.7 ** (epoch + 1)
        top, left = grid.corner(i)
        canvas[top : top + cell, left : left + cell] = (
            128 + 50 * (strength * waves + (1 - strength) * noise)
        ).clip(0, 255)
    return _png(Image.fromarray(canvas)), grid, canvas.shape[1], canvas.shape[0]


def _overlay_png(scene: np.ndarray, heat: np.ndarray) -> tuple[bytes, bytes]:
    top = heat.max()
    scaled = heat / top if top > 0 else heat
    deep = Image.fromarray(np.round(scaled * 65535).astype(np.uint16))
    large = Image.fromarray(scaled.astype(np.float32)).resize(
        scene.shape[1::-1], Image.Resampling.BILINEAR
    )
    colours = _palette("inferno").reshape(-1, 3)[(np.asarray(large) * 252).astype(int)]
    return _png(Image.fromarray((0.5 * scene + 0.5 * colours).astype(np.uint8))), _png(deep)


def _blob(side: int, row: float, column: float, width: float) -> np.ndarray:
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side
    return np.exp(-((y - row) ** 2 + (x - column) ** 2) / (0.02 + 0.2 * width))


def _lay_out(
    count: int, cell: int, fill: int, depth: tuple[int, ...], items: tuple[int, ...] | None = None
) -> tuple[schema.Grid, np.ndarray]:
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    gap = 2
    grid = schema.Grid(columns, rows, cell, cell, gap, items or tuple(range(count)))
    shape = (gap + rows * (cell + gap), gap + columns * (cell + gap), *depth)
    return grid, np.full(shape, fill, np.uint8)


@functools.cache
def _palette(name: str) -> np.ndarray:
    import matplotlib

    colours = matplotlib.colormaps[name](np.linspace(0, 1, schema.PALETTE_LEVELS))[:, :3]
    special = [[255, 0, 160], [136, 136, 140], [255, 255, 255]]
    return np.concatenate([np.round(colours * 255), special]).astype(np.uint8).ravel()


def _png(picture: Image.Image, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=3, **options)
    return buffer.getvalue()


def _numbers(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a synthetic log for the tab.")
    parser.add_argument("directory", help="log directory; each run goes to <directory>/<run>")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cell", type=int, default=48)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--distinct", type=int, help="draw so many epochs, then repeat them")
    parser.add_argument("--no-filters", action="store_true", help="leave filter patterns out")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--delay", type=float, default=0, help="seconds between epochs")
    arguments = parser.parse_args()
    for run in range(arguments.runs):
        spec = Spec(
            epochs=arguments.epochs,
            layers=arguments.layers,
            images=arguments.images,
            channels=arguments.channels,
            cell=arguments.cell,
            size=arguments.size,
            class_maps=2,
            filters=not arguments.no_filters,
            distinct=arguments.distinct,
            seed=run,
        )
        directory = os.path.join(arguments.directory, f"run{run + 1}", schema.RUN_NAME)
        file = event_file.EventFile(directory)
        begin, count = time.perf_counter(), 0
        for step, capture in captures(spec):
            write_capture(file, step, capture)
            count += len(capture)
            time.sleep(arguments.delay)
        file.close()
        print(f"{directory}: {count} pictures in {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
