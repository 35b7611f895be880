"""Which models this project and two similar tools can take: the table of docs/comparison.md.

Run it in an environment of its own:

    python -m venv .venv-relatives
    .venv-relatives/bin/pip install '.[tensorflow]' tf-explain tf-keras-vis opencv-python-headless
    .venv-relatives/bin/python docs/compare.py --output docs/comparison_table.md

Each task is tried on four small models, at a convolution in the middle of each. A tool is given the
layer's name, its path and the layer itself, and counts as running if any of the three works. What
it draws is not checked, except for class maps: if two tools run, their raw maps are compared.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

import keras_viz_callbacks as ours

CLASSES = (2, 0)  # one for each of the two images


@dataclass(frozen=True)
class Subject:
    """A model of one kind, and the convolution to draw.

    Attributes:
        model: Compiled model whose last layer ends in a softmax.
        path: Path of the convolution.
        layer: Convolution to draw.
    """

    model: keras.Model
    path: str
    layer: keras.layers.Layer

    @property
    def names(self) -> list[Any]:
        """The ways to name the layer to a tool."""
        return [self.layer.name, self.path, self.layer]


def convolutions() -> list[keras.layers.Layer]:
    """Three convolutions. The second is drawn, since it is not the output of a backbone."""
    return [
        layers.Conv2D(4, 3, padding="same", activation="relu", name="conv_a"),
        layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="conv_b"),
        layers.Conv2D(6, 3, padding="same", activation="relu", name="conv_c"),
    ]


def head() -> list[keras.layers.Layer]:
    return [layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")]


def chained(tensor: Any, stack: list[keras.layers.Layer]) -> Any:
    for layer in stack:
        tensor = layer(tensor)
    return tensor


def sequential() -> Subject:
    convs = convolutions()
    model = keras.Sequential([keras.Input((16, 16, 3)), *convs, *head()])
    return Subject(model, "conv_b", convs[1])


def functional() -> Subject:
    convs, inputs = convolutions(), keras.Input((16, 16, 3))
    return Subject(keras.Model(inputs, chained(inputs, convs + head())), "conv_b", convs[1])


def nested() -> Subject:
    convs, inner = convolutions(), keras.Input((16, 16, 3))
    backbone = keras.Model(inner, chained(inner, convs), name="backbone")
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, chained(inputs, [backbone, *head()]))
    return Subject(model, "backbone/conv_b", convs[1])


class Subclassed(keras.Model):
    """The convolutions and a head, called by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = convolutions()
        self.head = head()

    def call(self, inputs: Any) -> Any:
        """The class probabilities."""
        return chained(inputs, self.convs + self.head)


def subclassed() -> Subject:
    model = Subclassed()
    model(np.zeros((1, 16, 16, 3), np.float32))
    return Subject(model, "conv_b", model.convs[1])


MODELS: dict[str, Callable[[], Subject]] = {
    "Sequential": sequential,
    "functional": functional,
    "nested backbone": nested,
    "subclassed": subclassed,
}


def ours_class_map(subject: Subject, name: Any, images: np.ndarray) -> np.ndarray:
    return ours.grad_cam(subject.model, images, name, CLASSES)


def ours_output_map(subject: Subject, name: Any, images: np.ndarray) -> None:
    picked = keras.ops.one_hot(np.array(CLASSES), 3)
    ours.grad_cam(
        subject.model, images, name, lambda outputs: keras.ops.sum(outputs * picked, axis=-1)
    )


def ours_activations(subject: Subject, name: Any, images: np.ndarray) -> None:
    ours.activation_maps(subject.model, images, name)


def ours_pattern(subject: Subject, name: Any, images: np.ndarray) -> None:
    ours.generate_pattern(subject.model, name, 0, steps=2)


def ours_in_fit(subject: Subject, name: Any, images: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as log_dir:
        fit(
            subject.model,
            images,
            ours.GradCAM(log_dir, images, layers=name, target=CLASSES, on_error="raise"),
        )


def tf_explain_output_map(subject: Subject, name: Any, images: np.ndarray) -> None:
    from tf_explain.core.grad_cam import GradCAM

    # It takes one class for all images of a call.
    for image, index in zip(images, CLASSES, strict=True):
        GradCAM().explain((image[None], None), subject.model, index, layer_name=name)


def tf_explain_activations(subject: Subject, name: Any, images: np.ndarray) -> None:
    from tf_explain.core.activations import ExtractActivations

    ExtractActivations().explain((images, None), subject.model, [name])


def tf_explain_in_fit(subject: Subject, name: Any, images: np.ndarray) -> None:
    from tf_explain.callbacks.grad_cam import GradCAMCallback

    with tempfile.TemporaryDirectory() as log_dir:
        callback = GradCAMCallback(
            (images, None), class_index=CLASSES[0], layer_name=name, output_dir=log_dir
        )
        fit(subject.model, images, callback)


def tf_keras_vis_class_map(subject: Subject, name: Any, images: np.ndarray) -> np.ndarray:
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear

    return tf_keras_vis_map(subject, name, images, ReplaceToLinear())


def tf_keras_vis_output_map(subject: Subject, name: Any, images: np.ndarray) -> None:
    tf_keras_vis_map(subject, name, images, None)


def tf_keras_vis_map(subject: Subject, name: Any, images: np.ndarray, modifier: Any) -> np.ndarray:
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    gradcam = Gradcam(subject.model, model_modifier=modifier, clone=True)
    found = gradcam(
        CategoricalScore(list(CLASSES)),
        images,
        penultimate_layer=name,
        seek_penultimate_conv_layer=False,
        expand_cam=False,
        normalize_cam=False,
    )
    return np.asarray(found)


def tf_keras_vis_pattern(subject: Subject, name: Any, images: np.ndarray) -> None:
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.utils.model_modifiers import ExtractIntermediateLayer, ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    modifiers = [ExtractIntermediateLayer(name), ReplaceToLinear()]
    ActivationMaximization(subject.model, model_modifier=modifiers, clone=True)(
        CategoricalScore(0), steps=2
    )


TASKS: dict[str, dict[str, Callable[..., Any] | None]] = {
    "class maps of the logit": {
        "this project": ours_class_map,
        "tf-explain": None,
        "tf-keras-vis": tf_keras_vis_class_map,
    },
    "class maps of the model's output": {
        "this project": ours_output_map,
        "tf-explain": tf_explain_output_map,
        "tf-keras-vis": tf_keras_vis_output_map,
    },
    "activations": {
        "this project": ours_activations,
        "tf-explain": tf_explain_activations,
        "tf-keras-vis": None,
    },
    "filter patterns": {
        "this project": ours_pattern,
        "tf-explain": None,
        "tf-keras-vis": tf_keras_vis_pattern,
    },
    "a callback in `fit`": {
        "this project": ours_in_fit,
        "tf-explain": tf_explain_in_fit,
        "tf-keras-vis": None,
    },
}


def fit(model: keras.Model, images: np.ndarray, callback: keras.callbacks.Callback) -> None:
    labels = np.array(CLASSES)
    model.fit(images, labels, batch_size=2, epochs=1, verbose=0, callbacks=[callback])


def attempt(
    task: Callable[..., Any], kind: Callable[[], Subject], images: np.ndarray
) -> tuple[str, Any]:
    """The result of the first name that works, or the reason why none does."""
    reasons = []
    for place in range(3):
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        subject = kind()
        subject.model.compile("sgd", "sparse_categorical_crossentropy")
        try:
            with silence():
                return "runs", task(subject, subject.names[place], images)
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes into the table
            reasons.append(reason(error))
    # The first reason is what a user sees who gives the layer's name.
    return reasons[0], None


@contextlib.contextmanager
def silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def reason(error: Exception) -> str:
    text = " ".join(str(error).split()).replace("|", "/").replace("`", "'")
    # Keras numbers layers and tensors, so a list of them differs from run to run.
    text = text.partition(" Existing layers")[0]
    return f"`{type(error).__name__}: {text[:100]}{'…' if len(text) > 100 else ''}`"


def table(images: np.ndarray) -> str:
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("tensorflow", "keras", "tf-explain", "tf-keras-vis")
    )
    lines = [
        "<!-- Made by docs/compare.py: run it again, don't edit. -->",
        "",
        f"Tried with {versions}.",
        "",
        f"| Task | Tool | {' | '.join(MODELS)} |",
        f"|---|---|{'---|' * len(MODELS)}",
    ]
    maps: dict[str, dict[str, Any]] = {}
    reasons: list[str] = []
    for task, tools in TASKS.items():
        for tool, run in tools.items():
            cells = []
            for name, kind in MODELS.items():
                said, result = ("–", None) if run is None else attempt(run, kind, images)
                print(f"{task}, {tool}, {name}: {said}", flush=True)
                if said not in ("runs", "–"):
                    if said not in reasons:
                        reasons.append(said)
                    said = f"fails ({reasons.index(said) + 1})"
                cells.append(said)
                if isinstance(result, np.ndarray):
                    maps.setdefault(name, {})[tool] = result
            lines.append(f"| {task} | {tool} | {' | '.join(cells)} |")
    lines += ["", *(f"{number}. {said}" for number, said in enumerate(reasons, start=1))]
    lines += ["", *agreement(maps)]
    return "\n".join(lines) + "\n"


def agreement(maps: dict[str, dict[str, Any]]) -> list[str]:
    """How much the raw class maps of two tools differ, where both ran."""
    found = []
    for name, by_tool in maps.items():
        mine, theirs = by_tool.get("this project"), by_tool.get("tf-keras-vis")
        if mine is not None and theirs is not None:
            apart = np.abs(mine - theirs).max() / max(float(np.abs(mine).max()), 1e-12)
            bound = 10.0 ** np.ceil(np.log10(max(float(apart), 1e-9)))
            found.append(
                f"Raw class maps of this project and of tf-keras-vis on the {name} model: largest "
                f"difference below {bound:.0e} of the maximum."
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the table of docs/comparison.md.")
    parser.add_argument("--output", type=Path, help="write the table there; default: print it")
    chosen = parser.parse_args()
    images = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    made = table(images)
    if chosen.output is None:
        print(made)
    else:
        chosen.output.write_text(made, encoding="utf-8")
        print(f"Written to {chosen.output}.")


if __name__ == "__main__":
    main()
