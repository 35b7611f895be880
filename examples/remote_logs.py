"""A log directory that is not on this machine.

    python examples/remote_logs.py --serve                      # memory://, lost at the end
    python examples/remote_logs.py --log-dir s3://bucket/logs   # needs s3fs
    python examples/remote_logs.py --log-dir gs://bucket/logs   # needs gcsfs

The callbacks take any URL that fsspec can open, and nothing else in the training changes. In a
store that can't append, each capture is a complete event file; the recipe lists them. Keys, region
and endpoint come from the environment, as for every client of the store: with AWS_ENDPOINT_URL,
s3:// means MinIO, Ceph, or a `moto_server` on your own machine.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
import time
from types import ModuleType

import fsspec
import keras
from quickstart import BATCH_SIZE, SHOWN, compiled_model
from scenes import CLASS_NAMES, scenes
from tensorboard import program

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM


def train(chosen: argparse.Namespace, log_dir: str) -> None:
    """The quickstart's training, with a URL as ``log_dir``."""
    data = scenes(chosen.scenes, seed=chosen.seed)
    held_out = scenes(200, seed=chosen.seed, split="validation")
    images, labels = held_out.images[:SHOWN], held_out.labels[:SHOWN]
    compiled_model(chosen.epochs, chosen.scenes).fit(
        data.images,
        data.labels,
        batch_size=BATCH_SIZE,
        epochs=chosen.epochs,
        validation_data=(held_out.images, held_out.labels),
        verbose=2,  # one line for each epoch
        callbacks=[
            ActivationGrid(log_dir, images, labels=labels, class_names=CLASS_NAMES),
            FilterPatterns(log_dir, layers="conv*", filters=9),
            GradCAM(log_dir, images, labels=labels, class_names=CLASS_NAMES, layers="conv*"),
        ],
    )


def print_files(log_dir: str) -> None:
    """Prints the files in the store: they sort by time, and none was written twice."""
    store, root = fsspec.core.url_to_fs(log_dir)
    files = store.find(root, detail=True)
    for path, about in files.items():
        print(f"{about['size'] / 2**20:6.2f} MiB  {path.removeprefix(root)}")
    print(f"{len(files)} event files in {log_dir}.")


def serve(log_dir: str, port: str) -> None:
    """Starts TensorBoard in this process, since no other can read its ``memory://``.

    If TensorFlow is installed, TensorBoard reads through it, and TensorFlow supports neither
    ``s3://`` nor ``memory://``. TensorBoard ignores TensorFlow if there is a module of this name.
    """
    sys.modules["tensorboard.compat.notf"] = ModuleType("notf")
    board = program.TensorBoard()
    board.configure(["tensorboard", "--logdir", log_dir, "--port", port])
    print(f'Open the tab "Keras Viz" of {board.launch()}. Ctrl-C ends it.', flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Train, with a URL as log directory.")
    parser.add_argument("--log-dir", metavar="URL", default="memory://logs", help="for all runs")
    parser.add_argument("--run", default=time.strftime("remote_%H-%M-%S"), help="folder in it")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--scenes", type=int, default=2000, help="number to train on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--serve", action="store_true", help="start TensorBoard at the end")
    parser.add_argument("--port", default="default", help="for TensorBoard")
    chosen = parser.parse_args()

    keras.utils.set_random_seed(chosen.seed)
    log_dir = f"{chosen.log_dir.rstrip('/')}/{chosen.run}"
    train(chosen, log_dir)
    print_files(log_dir)
    if chosen.serve:
        serve(chosen.log_dir, chosen.port)


if __name__ == "__main__":
    main()
