"""Does the tab's index keep up with a large log? 2 GB and 40,000 pictures.

    python -m benchmarks.index

writes such a log with our writer, the records of a training with their pictures, 40 a capture, and
removes it afterwards. A fresh process then measures:

- reading everything in slices, as requests do, beside reading the same file by blocks of 1 MiB:
  with the file in the system's cache, alternately, and with the file on disk only, once each (where
  the system can drop it from the cache);
- the memory that the index takes above an index of an empty directory;
- how much is read when the log grows, beside how much has been added;
- how long any picture takes through TensorBoard's own application, with the log in the cache.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from tensorboard.backend import application
from tensorboard.plugins import base_plugin
from werkzeug.test import Client

from benchmarks.event_files import grid
from benchmarks.rows import Row, alone, beside, interleaved, tell
from keras_viz_callbacks.summary.event_file import EventFile
from keras_viz_callbacks.summary.run import Drawing
from tensorboard_plugin import schema
from tensorboard_plugin.index import log_index as index_module
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.plugin import KerasVizPlugin
from tests.helpers.counted_reads import CountingSource

PICTURES = 40_000
BYTES = 2_000_000_000
LAYERS, IMAGES = 10, 4
DISTINCT = 300
REPEATS = 5
ASKED = 500
BLOCK = 1 << 20

LIMIT_SPEED = 2
LIMIT_MIB = 64
LIMIT_MS = 5


def measure(
    directory: str | None = None,
    pictures: int = PICTURES,
    size: int = BYTES,
    repeats: int = REPEATS,
) -> list[Row]:
    """Writes the log and measures it in a fresh process.

    Args:
        directory: Where to write; a temporary directory in it is removed afterwards.
        pictures: How many.
        size: Bytes of all together.
        repeats: Turns with the log in the cache.
    """
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        write(folder, pictures, size)
        command = [sys.executable, "-m", "benchmarks.index", "--of", folder]
        run = subprocess.run(
            [*command, "--repeats", str(repeats)],
            check=True,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )
    return _rows(json.loads(run.stdout), pictures)


def _rows(found: dict[str, float], pictures: int) -> list[Row]:
    what = f"index of {found['gigabytes']:.1f} GB and {pictures:,} pictures"
    rows = [
        beside(f"{what}, in the cache, s", found["warm"], found["warm floor"], LIMIT_SPEED),
    ]
    if "cold" in found:
        rows.append(beside(f"{what}, on disk, s", found["cold"], found["cold floor"], LIMIT_SPEED))
    return [
        *rows,
        alone(f"{what}, memory, MiB", found["MiB"], LIMIT_MIB),
        beside("read while the log grows, MB", found["read MB"], found["grown MB"]),
        alone("a new capture is in the index, ms", found["growth ms"]),
        alone("any picture, median, ms", found["picture ms"], LIMIT_MS),
        alone("any picture, 95 of 100 within, ms", found["picture 95 ms"], LIMIT_MS),
    ]


def write(folder: str, pictures: int, size: int) -> None:
    """The log: each capture holds every layer and image once."""
    rng = random.Random(0)
    length = size // pictures - 3000  # a record and what frames them
    pngs = [b"\x89PNG\r\n\x1a\n" + rng.randbytes(length) for _ in range(min(DISTINCT, pictures))]
    file = EventFile(os.path.join(folder, "run1", schema.RUN_NAME))
    for step in range(pictures // (LAYERS * IMAGES)):
        capture(file, step, pngs)
    file.close()


def capture(file: EventFile, step: int, pngs: list[bytes]) -> None:
    """One step's pictures, in the order of the callbacks."""
    template = grid()
    for i in range(LAYERS * IMAGES):
        layer, image = divmod(i, IMAGES)
        path = f"block{layer // 4}/conv2d_{layer}"
        record = dataclasses.replace(
            template,
            tag=schema.picture_tag("activations", path, f"image_{image}"),
            epoch=step,
            batch=100 * step,
            layer=schema.Layer(path, "Conv2D", layer, (48, 48, 64)),
            image_name=f"image_{image}",
            image_index=image,
            metrics={**template.metrics, "loss": 1 / (step + 1)},
        )
        png = pngs[(step * LAYERS * IMAGES + i) % len(pngs)]
        file.write(step, Drawing(record, png).values())
    file.flush()


def measure_log(folder: str, repeats: int) -> dict[str, float]:
    """All figures of a log that is there."""
    (path,) = Path(folder).glob("*/*/*")
    found = {"gigabytes": path.stat().st_size / 1e9}
    with tempfile.TemporaryDirectory() as empty:
        base = indexed(empty)
        before = resident()
        index = indexed(folder)
        found["MiB"] = resident() - before
        del base, index

    middle, _ = interleaved(
        {"floor": lambda: read_all(path), "ours": lambda: seconds_to_index(folder)}, repeats
    )
    found["warm floor"], found["warm"] = middle["floor"], middle["ours"]
    if forget(path):
        found["cold floor"] = read_all(path)
        forget(path)
        found["cold"] = seconds_to_index(folder)
        read_all(path)  # the index has left most of it on the disk
    return found | grow(folder) | ask(folder)


def indexed(folder: str) -> LogIndex:
    """An index that has read everything."""
    index = LogIndex(log_directories(folder))
    while True:
        index.refresh()
        if all(reader.is_caught_up for run in index.runs.values() for reader in run.readers):
            return index


def seconds_to_index(folder: str) -> float:
    begin = time.perf_counter()
    indexed(folder)
    return time.perf_counter() - begin


def read_all(path: Path) -> float:
    """Seconds for the floor: the file by blocks into one buffer."""
    block = bytearray(BLOCK)
    begin = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.readinto(block):
            pass
    return time.perf_counter() - begin


def forget(path: Path) -> bool:
    """Takes a file out of the system's cache, where the system can do that."""
    if not hasattr(os, "posix_fadvise"):
        return False
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def grow(folder: str, captures: int = 10) -> dict[str, float]:
    """What is read, and how long it takes, when captures are added one by one.

    They go to a file of their own, as those of a training that was started again.
    """
    storage = CountingSource(folder)
    png = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(47_000)
    with (
        mock.patch.object(index_module, "log_source_of", return_value=storage),
        mock.patch.object(index_module, "LOOK_EVERY", 0),
        mock.patch.object(index_module, "WALK_EVERY", 0),
        mock.patch.object(index_module, "WALK_SHARE", 0),
    ):
        file = EventFile(os.path.join(folder, "run2", schema.RUN_NAME))
        capture(file, 0, [png])
        assert file.path is not None
        index = indexed(folder)
        grown = os.path.getsize(file.path)
        storage.reads.clear()
        times = []
        for step in range(1, captures + 1):
            capture(file, step, [png])
            begin = time.perf_counter()
            index.refresh(seconds=60)
            times.append(time.perf_counter() - begin)
        assert index.runs[f"run2/{schema.RUN_NAME}"].sorted_steps == list(range(captures + 1))
        grown = os.path.getsize(file.path) - grown
        file.close()
    return {
        "read MB": storage.take()[1] / 1e6,
        "grown MB": grown / 1e6,
        "growth ms": 1000 * statistics.median(times),
    }


def ask(folder: str) -> dict[str, float]:
    """How long random pictures take through the application."""
    plugin = KerasVizPlugin(base_plugin.TBContext(logdir=folder))
    client = Client(application.TensorBoardWSGI([plugin]))
    url = "/data/plugin/keras_viz/"
    while True:
        answer = client.get(f"{url}runs").get_json()
        if answer["indexing"]["done"] == answer["indexing"]["total"]:
            break
    run = client.get(f"{url}run", query_string={"run": answer["runs"][0]["run"]}).get_json()
    rng = random.Random(2)
    times = []
    for _ in range(ASKED):
        series = rng.choice(run["series"])
        step = rng.choice(run["step_lists"][series["step_list"]])
        query = {"run": run["run"], "tag": series["tag"], "step": step}
        begin = time.perf_counter()
        response = client.get(f"{url}picture", query_string=query)
        assert response.status_code == 200
        assert len(response.data) > 1000
        times.append(time.perf_counter() - begin)
    return {
        "picture ms": 1000 * statistics.median(times),
        "picture 95 ms": 1000 * statistics.quantiles(times, n=20)[-1],
    }


def resident() -> float:
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the index on a large log.")
    parser.add_argument("--directory", help="write there; default: the system's temporary one")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--bytes", type=int, default=BYTES)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--of", help=argparse.SUPPRESS)  # what the fresh process does
    chosen = parser.parse_args()
    if chosen.of is not None:
        print(json.dumps(measure_log(chosen.of, chosen.repeats)))
    else:
        tell(measure(chosen.directory, chosen.pictures, chosen.bytes, chosen.repeats))


if __name__ == "__main__":
    main()
