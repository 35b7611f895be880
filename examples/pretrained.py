"""What a pretrained network has learned: its filters layer by layer, and where it looks.

    python examples/pretrained.py --weights imagenet --image cat.jpg

--model takes any network of keras.applications. --weights is imagenet (Keras downloads them), a
file of yours, or none. With none, the default, the filters are random numbers and the classes mean
nothing: it works offline and shows how to use the recipe, in about a minute on two cores.

The class names are ImageNet's, from the file imagenet_class_index.json that Keras downloads, or
from the file given by --class-index.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from sheets import Pictures, save, sheet
from skimage import data
from transfer_learning import applications_module

from keras_viz_callbacks import FilterPatterns, GradCAM

CLASSES = 1000  # of ImageNet


def build(name: str, weights: str) -> tuple[keras.Model, keras.Model]:
    """A network, and a model of the same network with its preprocessing.

    The second takes ordinary images, red, green, blue, from 0 to 255, whatever the network was
    trained on. So its patterns have their true colours too.
    """
    if weights.endswith(".keras"):
        network = keras.models.load_model(weights)
    else:
        make = getattr(keras.applications, name)
        network = make(weights=None if weights == "none" else weights)
    preprocess_input = applications_module(name).preprocess_input
    inputs = keras.Input(network.input_shape[1:])
    return network, keras.Model(inputs, network(preprocess_input(inputs)))


def class_names(class_index: Path | None, weights: str, classes: int) -> list[str]:
    """ImageNet's names, from a local file or downloaded by Keras; without them, numbers."""
    if class_index is not None:
        named = json.loads(class_index.read_text(encoding="utf-8"))
        return [named[str(index)][1].replace("_", " ") for index in range(classes)]
    if weights != "none" and classes == CLASSES:
        try:
            ranked = keras.applications.imagenet_utils.decode_predictions(
                np.arange(CLASSES, 0, -1, dtype=np.float32)[None], top=CLASSES
            )
            return [name.replace("_", " ") for _, name, _ in ranked[0]]
        except Exception as error:  # noqa: BLE001 - whatever prevents the download
            print(f"No class names ({type(error).__name__}): numbers instead; see --class-index.")
    return [f"class {index}" for index in range(classes)]


def draw(model: keras.Model, callbacks: list[keras.callbacks.Callback]) -> None:
    """Let callbacks draw a trained model, as in one epoch without training."""
    drawing = keras.callbacks.CallbackList(callbacks, model=model, epochs=1)
    drawing.on_train_begin()
    drawing.on_epoch_begin(0)
    drawing.on_epoch_end(0)
    drawing.on_train_end()


def main() -> None:
    parser = argparse.ArgumentParser(description="Look at a pretrained network.")
    parser.add_argument("--model", default="VGG16", help="a network of keras.applications")
    parser.add_argument("--weights", default="none", metavar="imagenet|FILE|none")
    parser.add_argument("--image", type=Path, help="your photograph (default: a cat's)")
    parser.add_argument("--class-index", type=Path, help="imagenet_class_index.json, if local")
    parser.add_argument("--layers", nargs="+", help="layers of the filters: paths, names or globs")
    parser.add_argument("--filters", type=int, default=16, help="number of filters of each layer")
    parser.add_argument("--top", type=int, default=3, help="number of classes with class maps")
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="TensorBoard's logdir")
    parser.add_argument("--run", default=f"pretrained_{time.strftime('%Y-%m-%d_%H-%M-%S')}")
    chosen = parser.parse_args()

    network, model = build(chosen.model, chosen.weights)
    state = "random weights" if chosen.weights == "none" else chosen.weights
    print(f"{chosen.model}, {state}: {model.count_params():,} weights", flush=True)
    if chosen.weights == "none":
        print("Random filters and meaningless classes: --weights imagenet shows what is learned.")

    photograph = Image.fromarray(data.chelsea()) if chosen.image is None else None
    image = np.asarray(square(photograph or Image.open(chosen.image)), np.float32)
    size = model.input_shape[1:3]

    def resized(images: np.ndarray) -> np.ndarray:
        """The photograph as the network takes it: the callback's `preprocess`."""
        return keras.ops.convert_to_numpy(keras.ops.image.resize(images, size, antialias=True))

    scores = model.predict(resized(image[None]), verbose=0)[0]
    names = class_names(chosen.class_index, chosen.weights, len(scores))
    top = scores.argsort()[::-1][: chosen.top]
    for index in top:
        print(f"  {scores[index]:7.2%}  {names[index]}")

    log_dir = chosen.log_dir / chosen.run
    layers = chosen.layers or default_layers(network)
    print(f"Drawing filters of {', '.join(layers)}, and {len(top)} class maps …", flush=True)
    filters = FilterPatterns(log_dir, layers=layers, filters=chosen.filters, value_range=(0, 255))
    maps = [
        GradCAM(
            log_dir,
            {"photograph": image},
            preprocess=resized,
            class_names=names,
            target=int(index),
            name=f"grad_cam_{rank}_{names[index].replace(' ', '_').replace('/', '_')}",
        )
        for rank, index in enumerate(top, start=1)
    ]
    draw(model, [filters, *maps])

    pictures = Pictures(log_dir)
    tags = pictures.tags("filters")[:4]
    patterns = [pictures.get(tag) for tag in tags]
    classes = [pictures.get(pictures.tags(callback.name)[0]) for callback in maps]
    titles = [
        f"{chosen.model} ({Path(state).name}): " + ", ".join(tag.rsplit("/")[-1] for tag in tags),
        "class maps: " + ", ".join(names[index] for index in top),
    ]
    columns = [""] * max(len(patterns), len(classes))
    save(sheet([patterns, classes], columns, titles, width=270), log_dir / "pretrained.png")
    print(f'To see all: tensorboard --logdir "{chosen.log_dir}", then the tab "Keras Viz".')


def square(photograph: Image.Image) -> Image.Image:
    """The middle of a photograph, in colour, at most 512 pixels wide."""
    side = min(photograph.size)
    left, top = (photograph.width - side) // 2, (photograph.height - side) // 2
    middle = photograph.convert("RGB").crop((left, top, left + side, top + side))
    return middle.resize((min(side, 512),) * 2)


def default_layers(network: keras.Model) -> list[str]:
    """The first convolution of VGG's first four blocks; for other networks, four spread evenly."""
    names = [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    blocks = [f"block{block}_conv1" for block in (1, 2, 3, 4)]
    if set(blocks) <= set(names):
        return blocks
    return [names[round(place)] for place in np.linspace(0, len(names) - 1, min(4, len(names)))]


if __name__ == "__main__":
    main()
