"""``keras-viz replay``: pictures of a finished training, from its checkpoints."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_viz_callbacks.callbacks.activation_grid import ActivationGrid
from keras_viz_callbacks.callbacks.base import VisualizationCallback
from keras_viz_callbacks.callbacks.filter_patterns import FilterPatterns
from keras_viz_callbacks.callbacks.grad_cam import GradCAM
from keras_viz_callbacks.callbacks.options import MAX_IMAGES
from keras_viz_callbacks.capture.image_folder import ImageFolder, read_images
from keras_viz_callbacks.capture.inputs import guess_value_range
from keras_viz_callbacks.capture.survey import survey
from keras_viz_callbacks.cli.command import CommandError, Parser, positive, where_to_look
from tensorboard_plugin import schema

TECHNIQUES: dict[str, Callable[..., VisualizationCallback]] = {
    "activations": ActivationGrid,
    "filters": FilterPatterns,
    "grad_cam": GradCAM,
}
_SUFFIXES = (".keras", ".weights.h5")


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's arguments."""
    parser = commands.add_parser(
        "replay",
        help="draw a finished training from its checkpoints",
        description="Draws what a network had learned at each checkpoint, as the callbacks would "
        "have done during the training. Nothing is trained, and no checkpoint is changed.",
        epilog="Steps are epochs as TensorBoard counts them, from 0: ModelCheckpoint's "
        "'model_{epoch:02d}.keras' counts from 1, so model_01.keras is step 0. Names without a "
        "number are used in the order given.",
    )
    parser.add_argument(
        "checkpoints", nargs="+", type=Path, metavar="CHECKPOINT",
        help="models (.keras) or weights (.weights.h5, with --model), or a folder of these",
    )  # fmt: skip
    parser.add_argument(
        "--images", type=Path, metavar="DIR", required=True,
        help="a folder of held-out images, or one with a folder of images for each class",
    )  # fmt: skip
    parser.add_argument(
        "--log-dir", type=Path, metavar="DIR", required=True, help="where the pictures go"
    )
    parser.add_argument(
        "--labels", action="store_true",
        help="the folders in --images are the classes, in alphabetical order, as in "
        "image_dataset_from_directory",
    )  # fmt: skip
    parser.add_argument(
        "--class-names", nargs="+", metavar="NAME",
        help="with --labels: the folders in the order of the model's outputs",
    )  # fmt: skip
    parser.add_argument(
        "--techniques", nargs="+", choices=TECHNIQUES, default=list(TECHNIQUES),
        metavar="TECHNIQUE", help=f"one or more of {', '.join(TECHNIQUES)} (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--layers", nargs="+", metavar="LAYER",
        help="paths, names or globs such as 'block3_*' (default: the default of each callback)",
    )  # fmt: skip
    parser.add_argument(
        "--filters", type=positive, default=8, metavar="N",
        help="number of filters of a layer (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--max-images", type=positive, default=MAX_IMAGES, metavar="N",
        help="largest number of images (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--value-range", nargs=2, type=float, metavar=("LOW", "HIGH"),
        help="values of black and white in the model's input (default: 0 255 if the model "
        "rescales its input, otherwise 0 1)",
    )  # fmt: skip
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="the model, if the checkpoints are weights"
    )
    parser.add_argument(
        "--import", dest="imports", action="append", default=[], metavar="MODULE",
        help="module to import first, such as the one that registers your own layers",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Draws the checkpoints."""
    checkpoints = _in_order(_found(chosen.checkpoints))
    _check_log_dir(chosen.log_dir)
    if chosen.class_names and not chosen.labels:
        raise CommandError("--class-names goes with --labels.")
    for module in chosen.imports:
        _import(module)
    model = _load_model(chosen.model or checkpoints[0][1])
    shape = _image_shape(model)
    try:
        folder = read_images(
            chosen.images,
            shape,
            chosen.max_images,
            class_names=chosen.class_names,
            labelled=chosen.labels,
        )
    except ValueError as error:
        raise CommandError(error) from error
    value_range = _value_range(chosen, model, shape)
    callbacks = [
        _callback(t, chosen, folder, value_range) for t in dict.fromkeys(chosen.techniques)
    ]
    _drive(keras.callbacks.CallbackList(callbacks), model, checkpoints)
    print(f"The pictures are in {chosen.log_dir}. {where_to_look(chosen.log_dir)}")


def _drive(
    callbacks: keras.callbacks.CallbackList,
    model: keras.Model,
    checkpoints: Sequence[tuple[int, Path]],
) -> None:
    """Calls the callbacks as in a training in which each epoch loads a checkpoint.

    All weights are loaded into one model, so that nothing is traced twice.
    """
    callbacks.set_model(model)
    callbacks.set_params({"epochs": checkpoints[-1][0] + 1, "steps": None, "verbose": 0})
    try:
        callbacks.on_train_begin()
    except ValueError as error:
        raise CommandError(error) from error
    try:
        for epoch, path in checkpoints:
            _load_weights(model, path)
            callbacks.on_epoch_begin(epoch)
            callbacks.on_epoch_end(epoch)
            print(f"step {epoch}: {path.name}", flush=True)
    finally:
        callbacks.on_train_end()


def _callback(
    technique: str,
    chosen: argparse.Namespace,
    folder: ImageFolder,
    value_range: tuple[float, float],
) -> VisualizationCallback:
    if technique == "filters":
        return FilterPatterns(
            chosen.log_dir, layers=chosen.layers, filters=chosen.filters, value_range=value_range
        )
    low, high = value_range
    return TECHNIQUES[technique](
        chosen.log_dir,
        folder.images,
        layers=chosen.layers,
        labels=folder.labels,
        class_names=folder.class_names,
        preprocess=lambda images: (low + images * ((high - low) / 255)).astype(np.float32),
        max_images=chosen.max_images,
    )


def _value_range(
    chosen: argparse.Namespace, model: keras.Model, shape: tuple[int, int, int]
) -> tuple[float, float]:
    if chosen.value_range is not None:
        low, high = chosen.value_range
        if not low < high:
            raise CommandError(f"--value-range: LOW must be below HIGH, not {low:g} {high:g}.")
        return low, high
    return guess_value_range(survey(model, np.zeros((1, *shape), np.float32)))


def _found(paths: Sequence[Path]) -> list[Path]:
    """The given files, and the files in the given folders, sorted by name."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.name.endswith(_SUFFIXES))
            if not inside:
                raise CommandError(
                    f"CHECKPOINT: there is no {' and no '.join(_SUFFIXES)} file in {path}. "
                    "ModelCheckpoint('model_{epoch:02d}.keras') writes them."
                )
            found += inside
        elif not path.exists():
            raise CommandError(f"CHECKPOINT: there is no file {path}. Name checkpoints that exist.")
        elif not path.name.endswith(_SUFFIXES):
            raise CommandError(
                f"CHECKPOINT: {path.name} must end with {' or '.join(_SUFFIXES)}. Save a model "
                "with model.save('NAME.keras')."
            )
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _in_order(paths: Sequence[Path]) -> list[tuple[int, Path]]:
    """Each checkpoint with its step, ascending."""
    epochs = epochs_in([path.name for path in paths])
    if epochs is None:
        print("The checkpoints' names hold no epoch: steps follow the order given.")
        return list(enumerate(paths))
    # `ModelCheckpoint` counts from 1, but TensorBoard's curves from 0.
    first = 0 if 0 in epochs else 1
    return sorted((epoch - first, path) for epoch, path in zip(epochs, paths, strict=True))


def epochs_in(names: Sequence[str]) -> list[int] | None:
    """The epoch in each file name, or None if the names have none.

    It is the number after "epoch" or "ep"; without these, the first whole number that differs from
    name to name.
    """
    without_fractions = [re.sub(r"\d+\.\d+", "", name.lower()) for name in names]
    for pattern in (r"ep(?:och)?[-_=.]?(\d+)", r"(\d+)"):
        numbers = [[int(n) for n in re.findall(pattern, name)] for name in without_fractions]
        for column in zip(*numbers, strict=False):
            if len(names) > 1 and len(set(column)) == len(names):
                return list(column)
    return None


def _check_log_dir(log_dir: Path) -> None:
    if next(log_dir.glob(f"{schema.RUN_NAME}*/*tfevents*"), None) is not None:
        raise CommandError(
            f"--log-dir: {log_dir} already holds pictures. Name another directory, or remove "
            f"{log_dir / schema.RUN_NAME}."
        )


def _import(module: str) -> None:
    sys.path.insert(0, "")  # as `python -m` does
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise CommandError(
            f"--import: {error}. Name a module of the current directory, or an installed one."
        ) from error
    finally:
        sys.path.remove("")


def _load_model(path: Path) -> keras.Model:
    if path.name.endswith(".weights.h5"):
        raise CommandError(
            f"CHECKPOINT: {path.name} holds weights only. Name the model of these weights by "
            "--model."
        )
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:
        raise CommandError(
            f"{path} can't be loaded as a model: {_first_line(error)} Layers of your own must be "
            "registered by a module that --import names."
        ) from error


def _load_weights(model: keras.Model, path: Path) -> None:
    try:
        model.load_weights(path)
    except Exception as error:
        raise CommandError(
            f"CHECKPOINT: the weights of {path.name} don't fit {model.name!r}: "
            f"{_first_line(error)} Replay checkpoints of one training."
        ) from error


def _image_shape(model: keras.Model) -> tuple[int, int, int]:
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise CommandError(
            f"CHECKPOINT: the model must have one input of images. Received: input_shape={shape}. "
            "Attach the callbacks in a script of your own instead, as examples/custom_loop.py does."
        )
    _, height, width, channels = shape
    if channels not in (1, 3):
        raise CommandError(
            "CHECKPOINT: the model must take grey or RGB images, with 1 or 3 channels. Received: "
            f"input_shape={shape}. Attach the callbacks in a script of your own instead, as "
            "examples/custom_loop.py does."
        )
    return height or 224, width or 224, channels


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    line = text.splitlines()[0]
    return line if line.endswith((".", "!", "?")) else f"{line}."
