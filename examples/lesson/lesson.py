"""The lesson "What convnets learn" as a script; build.py makes it from source.txt."""

# %% [markdown]
# # What convnets learn
#
# A walk through the three pictures that show what a convolutional network has learned:
#
# 1. its **intermediate activations**: how each layer transforms its input, and what each filter
#    finds in a photograph;
# 2. the **patterns of its filters**: which image each filter responds to most;
# 3. the **heat maps of class activation**: which parts of a photograph decide its class.
#
# Everything here runs on a laptop's processor in about five minutes, and nothing is downloaded
# unless you ask for it.

# %%
import argparse
import functools
from pathlib import Path

import keras
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_image

from keras_viz_callbacks import activation_maps, filter_patterns, generate_pattern, grad_cam

# %%
parser = argparse.ArgumentParser(description="Walk through what a convnet learns.")
parser.add_argument("--photograph", type=Path, help="yours, in place of the cat")
parser.add_argument("--data", type=Path, help="a folder per class, to train on")
parser.add_argument("--model", type=Path, help="a trained one for 150 × 150 images in [0, 1]")
parser.add_argument(
    "--vgg16-weights",
    default="none",
    metavar="imagenet|FILE|none",
    help="imagenet downloads them; a FILE with notop in its name is read as the part without "
    "the classes; none (the default) shows random filters",
)
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--pieces", type=int, default=640, help="of photographs, to train on")
parser.add_argument("--filters", type=int, default=16, help="patterns to draw of each layer")
parser.add_argument("--pattern-steps", type=int, default=20, help="of gradient ascent")
parser.add_argument("--pictures", type=Path, default=Path("lesson-pictures"))
chosen = parser.parse_args()

PHOTOGRAPH, DATA, MODEL = chosen.photograph, chosen.data, chosen.model
VGG16_WEIGHTS = chosen.vgg16_weights
EPOCHS, PIECES = chosen.epochs, chosen.pieces
FILTERS, PATTERN_STEPS = chosen.filters, chosen.pattern_steps
SIZE = 150
matplotlib.use("agg")


def show(name):
    chosen.pictures.mkdir(parents=True, exist_ok=True)
    plt.savefig(chosen.pictures / f"{name}.png", bbox_inches="tight")
    plt.close()
    print(f"  -> {chosen.pictures / name}.png", flush=True)


# %% [markdown]
# ## A convnet from scratch
#
# Four convolution and four pooling layers, on images of 150 × 150 pixels. The convolutions have
# no padding (`valid`), so a 3 × 3 filter takes one pixel from each side: the first feature map
# is 148 × 148.
#
# No large data set comes with Python, but some photographs do. So this network learns **from
# which of eight photographs a piece was cut**. The pieces to train on come from the left two
# thirds of each photograph, those to check it from the right third. The cat is not one of the
# eight; the network has never seen it. To train on classes of your own, cats and dogs for
# instance, set `DATA` to a directory that holds a folder of images for each class.

# %%
photographs = {
    "astronaut": data.astronaut,
    "motorcycle": lambda: data.stereo_motorcycle()[0],
    "rocket": data.rocket,
    "galaxies": data.hubble_deep_field,
    "cells": data.immunohistochemistry,
    "flower": functools.partial(load_sample_image, "flower.jpg"),
    "temple": functools.partial(load_sample_image, "china.jpg"),
    "coffee": data.coffee,
}


def pieces(number, seed, held_out):
    """Square pieces of the photographs, (number, 150, 150, 3) in [0, 1], and their classes."""
    rng = np.random.default_rng(seed)
    originals = [Image.fromarray(load()).convert("RGB") for load in photographs.values()]
    classes = np.arange(number) % len(originals)
    images = np.empty((number, SIZE, SIZE, 3), np.float32)
    for image, label in zip(images, classes, strict=True):
        original = originals[label]
        cut = original.width * 2 // 3
        left, right = (cut, original.width) if held_out else (0, cut)
        side = rng.integers(100, min(right - left, original.height, 240), endpoint=True)
        x = rng.integers(left, right - side, endpoint=True)
        y = rng.integers(0, original.height - side, endpoint=True)
        piece = original.crop((x, y, x + side, y + side)).resize((SIZE, SIZE))
        image[:] = np.asarray(piece)[:, :: rng.choice((-1, 1))] / 255
    return images, classes


if DATA is None:
    class_names = list(photographs)
    train, held_out = pieces(PIECES, 0, held_out=False), pieces(160, 1, held_out=True)
    plt.figure(figsize=(10, 2.9))
    for place in range(16):
        plt.subplot(2, 8, place + 1)
        plt.imshow(train[0][place])
        plt.title(class_names[train[1][place]] if place < 8 else "", fontsize=9)
        plt.axis("off")
    show("pieces")
else:
    suffixes = (".jpg", ".jpeg", ".png")
    paths = sorted(path for path in Path(DATA).glob("*/*") if path.suffix.lower() in suffixes)
    class_names = sorted({path.parent.name for path in paths})
    np.random.default_rng(0).shuffle(paths)
    images = np.empty((len(paths), SIZE, SIZE, 3), np.float32)
    for image, path in zip(images, paths, strict=True):
        image[:] = np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE))) / 255
    classes = np.array([class_names.index(path.parent.name) for path in paths])
    fifth = len(paths) // 5
    train, held_out = (images[fifth:], classes[fifth:]), (images[:fifth], classes[:fifth])


# %%
keras.utils.set_random_seed(0)
if MODEL is None:
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3))], name="from_scratch")
    for block, filters in enumerate((32, 64, 128, 128), start=1):
        model.add(layers.Conv2D(filters, 3, activation="relu", name=f"conv{block}"))
        model.add(layers.MaxPooling2D(name=f"pool{block}"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(len(class_names), activation="softmax"))
else:
    model = keras.models.load_model(MODEL)
model.summary(line_length=75)

# %% [markdown]
# ## The photograph
#
# A cat that was not used to train, resized to 150 × 150, as a 4-D tensor (a batch of one image),
# divided by 255.

# %%
photograph = Image.fromarray(data.chelsea()) if PHOTOGRAPH is None else Image.open(PHOTOGRAPH)
photograph = photograph.convert("RGB")
side = min(photograph.size)
left, top = (photograph.width - side) // 2, (photograph.height - side) // 2
photograph = photograph.crop((left, top, left + side, top + side))  # no squeezing

cat = np.asarray(photograph.resize((SIZE, SIZE)), np.float32)
cat = cat[np.newaxis] / 255
print("tensor", cat.shape, "from", cat.min(), "to", cat.max())
plt.figure(figsize=(3, 3))
plt.imshow(cat[0])
plt.axis("off")
show("cat")

# %% [markdown]
# ## Extract the feature maps
#
# Keras' `Model` class takes input tensors and output tensors, and may have several of both. This
# model has one input and eight outputs: those of the eight layers.

# %%
kinds = (layers.Conv2D, layers.MaxPooling2D)
eight = [layer for layer in model.layers if isinstance(layer, kinds)][:8]
names = [layer.name for layer in eight]
eight_outputs = keras.Model(inputs=model.inputs, outputs=[layer.output for layer in eight])
untrained = dict(zip(names, eight_outputs.predict(cat, verbose=0), strict=True))

# %% [markdown]
# So far these are the feature maps of a network that has learned nothing. Train it:

# %%
if MODEL is None:
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*train, epochs=EPOCHS, batch_size=32, validation_data=held_out, verbose=2)

# %%
feature_maps = dict(zip(names, eight_outputs.predict(cat, verbose=0), strict=True))
for name, feature_map in feature_maps.items():
    print(f"{name:16} {feature_map.shape}")

# %% [markdown]
# `activation_maps` returns the same without a second model, also for the layers of a nested or a
# subclassed model:

# %%
same = activation_maps(model, cat, layers=names)
difference = max(np.abs(same[name] - feature_maps[name]).max() for name in names)
print(f"largest difference: {difference:.1g}")

# %% [markdown]
# ## Channel 4 and channel 7 of the first layer
#
# Each channel encodes a feature of its own, so each is drawn as an image. In the network of the
# classic lesson, channel 4 detected diagonal edges, and channel 7 bright green dots such as the
# cat's eyes. No two trainings give the same filters in the same order. To see what these two
# detect here, compare each with a few simple pictures made from the photograph (the numbers are
# correlations).


# %%
def likenesses(channel, image):
    """How much a channel is like some simple pictures of the image."""
    lost = (len(image) - len(channel)) // 2  # pixels at each side, without padding
    inner = image[lost : lost + len(channel), lost : lost + len(channel)]
    red, green, blue = np.moveaxis(inner, -1, 0)
    down, right = np.gradient((red + green + blue) / 3)
    simple = {
        "bright": red + green + blue,
        "dark": -(red + green + blue),
        "red": red - (green + blue) / 2,
        "green": green - (red + blue) / 2,
        "blue": blue - (red + green) / 2,
        "edges —": (np.maximum(down, 0), np.maximum(-down, 0)),
        "edges |": (np.maximum(right, 0), np.maximum(-right, 0)),
        "edges /": (np.maximum(down + right, 0), np.maximum(-down - right, 0)),
        "edges \\": (np.maximum(down - right, 0), np.maximum(right - down, 0)),
    }
    if not channel.any():
        return {"blank": 1.0}
    return {
        name: max(
            np.corrcoef(channel.ravel(), picture.ravel())[0, 1]
            for picture in (pictures if isinstance(pictures, tuple) else (pictures,))
        )
        for name, pictures in simple.items()
    }


first = feature_maps[names[0]][0]
plt.figure(figsize=(8, 4.2))
for place, channel in enumerate((4, 7)):
    alike = likenesses(first[..., channel], cat[0])
    best = sorted(alike, key=alike.get, reverse=True)[:3]
    says = ", ".join(f"{name} {alike[name]:.2f}" for name in best)
    print(f"channel {channel}: {says}")
    plt.subplot(1, 2, place + 1)
    plt.imshow(first[..., channel], cmap="viridis")
    plt.title(f"channel {channel}\n{says}", fontsize=10)
    plt.axis("off")
show("channels_4_and_7")

# %% [markdown]
# ## Every channel of all eight
#
# Each cell is one channel, with colours for its own range of values. A channel that is zero
# everywhere is grey.


# %%
def channel_grid(feature_map, columns=16, cell=48):
    """All channels of (height, width, channels), row by row, as (height, width, 3)."""
    channels = feature_map.shape[-1]
    rows = -(-channels // columns)
    picture = np.full((rows * (cell + 2), columns * (cell + 2), 3), 255, np.uint8)
    for channel in range(channels):
        values = feature_map[..., channel]
        if values.any():
            values = (values - values.min()) / max(float(np.ptp(values)), 1e-9)
            colours = Image.fromarray(plt.cm.viridis(values, bytes=True)[..., :3])
        else:
            colours = Image.new("RGB", (1, 1), (136, 136, 140))
        shrinks = values.shape[0] > cell
        method = Image.Resampling.BOX if shrinks else Image.Resampling.NEAREST
        row, column = (place * (cell + 2) for place in divmod(channel, columns))
        picture[row : row + cell, column : column + cell] = colours.resize((cell, cell), method)
    return picture


def blank_share(feature_map):
    """Which fraction of the channels is zero everywhere."""
    return float(np.mean(~feature_map.any(axis=(0, 1))))


for name, feature_map in feature_maps.items():
    height, width, channels = feature_map.shape[1:]
    share = f"{blank_share(feature_map[0]):.0%} blank"
    picture = channel_grid(feature_map[0])
    plt.figure(figsize=(picture.shape[1] / 72, picture.shape[0] / 72 + 0.3), dpi=72)
    plt.imshow(picture, interpolation="nearest")
    plt.title(f"{name}: {height} × {width} × {channels}, {share}")
    plt.axis("off")
    plt.tight_layout(pad=0.1)
    show(f"activations_{name}")


# %% [markdown]
# What to see:
#
# - The first layer is a collection of edge and colour detectors; its activations keep nearly all
#   of the photograph.
# - In later layers, the activations are more abstract and coarser. They hold less and less of
# what
#   the image looks like, and more and more of its class.
# - In later layers, more and more channels stay **blank**: what the filter encodes is not in this
#   image. Compare their number with that of the same network before training: random filters
# leave
#   some channels blank too, and training adds more in the last layers.

# %%
print(f"{'blank channels':20} untrained  trained")
for name in names:
    before, after = blank_share(untrained[name][0]), blank_share(feature_maps[name][0])
    print(f"{name:20} {before:9.1%}  {after:9.1%}")

# %% [markdown]
# ## The patterns of the filters
#
# **Gradient ascent** in the space of inputs: start from a grey image, and change its pixels, step
# by step, in the direction that raises the mean response of one filter. The result is the pattern
# that this filter responds to. First our own network, with one row for each layer:


# %%
def pattern_rows(model, layer_names, title, name, value_range=(0, 1)):
    """Draw the first filters of each layer."""
    columns = min(FILTERS, 8)
    rows = -(-FILTERS // columns)
    plt.figure(figsize=(8, 1.12 * rows * len(layer_names) + 0.6))
    for row, layer in enumerate(layer_names):
        patterns = filter_patterns(
            model, layer, FILTERS, steps=PATTERN_STEPS, value_range=value_range
        )
        for place, pattern in enumerate(patterns):
            plt.subplot(rows * len(layer_names), columns, row * rows * columns + place + 1)
            plt.imshow(pattern)
            plt.axis("off")
            if place == 0:
                plt.title(layer, fontsize=9, loc="left")
    plt.suptitle(title, fontsize=11)
    plt.tight_layout(pad=0.3)
    show(name)


convolutions = [layer.name for layer in eight if isinstance(layer, layers.Conv2D)]
pattern_rows(model, convolutions, "our own network", "patterns_own")

# %% [markdown]
# Now **VGG16**. Trained on ImageNet (`VGG16_WEIGHTS = "imagenet"` downloads its weights, 58 MB
# for the patterns and 528 MB for the classes; a file of yours works too), its patterns go from
# plain colours and edges in `block1_conv1` to textures in `block4_conv1`: feathers, eyes,
# leaves. **With `"none"` its filters are random numbers**, and the patterns below show that:
# colours and stripes in the first layer, as for any 3 × 3 filter, and noise in all layers after
# it. The difference is the effect of training.
#
# The preprocessing is part of the model: VGG16 takes blue, green, red, minus their means over
# ImageNet. So the model takes ordinary images, red, green, blue, from 0 to 255.


# %%
def vgg16(with_classes, side):
    """VGG16 for RGB images from 0 to 255, and whether it is trained."""
    weights = None if VGG16_WEIGHTS == "none" else VGG16_WEIGHTS
    inputs = keras.Input((side, side, 3))
    prepared = keras.applications.vgg16.preprocess_input(inputs)
    network = keras.applications.VGG16(
        include_top=with_classes, weights=weights, input_shape=(side, side, 3)
    )
    return keras.Model(inputs, network(prepared))


has_classes = VGG16_WEIGHTS != "none" and "notop" not in VGG16_WEIGHTS
vgg = vgg16(has_classes, 224)
state = "random weights" if VGG16_WEIGHTS == "none" else VGG16_WEIGHTS
pattern = generate_pattern(
    vgg, "block3_conv1", 0, steps=PATTERN_STEPS, value_range=(0, 255), size=128
)
plt.figure(figsize=(3.2, 3.2))
plt.imshow(pattern)
plt.title(f"VGG16 ({state}), block3_conv1, filter 0", fontsize=9)
plt.axis("off")
show("vgg16_block3_conv1_filter_0")

# %%
blocks = [f"block{block}_conv1" for block in (1, 2, 3, 4)]
pattern_rows(vgg, blocks, f"VGG16 ({state})", "patterns_vgg16", value_range=(0, 255))

# %% [markdown]
# ## The class activation map
#
# Which parts of the photograph decide its class? Take the feature map of the last convolution,
# weight each channel by the mean gradient of the class's score with respect to it, add the
# channels, and keep what is positive (Grad-CAM). The photograph is now 224 × 224, a tensor of
# `float32`, preprocessed for the model.
#
# A trained VGG16 predicts a cat and its breed. Without its weights, our own network is used. It
# has learned no cats, so it predicts the photograph that looks most like the cat. The map shows
# which parts do, and the map of the second prediction shows the evidence for that one. (The
# network has no fixed size: the same layers take 224 × 224.)

# %%
large = np.asarray(photograph.resize((224, 224)), np.float32)[np.newaxis]
if has_classes:
    explained, last, inputs = vgg, "block5_conv3", large
else:
    if MODEL is None:
        explained = keras.Sequential([keras.Input((224, 224, 3)), *model.layers])
    else:
        explained, large = model, cat * 255  # yours may have a fixed size
    last, inputs = convolutions[-1], large / 255
scores = explained.predict(inputs, verbose=0)[0]
if scores.size == 1:  # one sigmoid: the probability of class 1
    scores = np.array([1 - scores[0], scores[0]])
guesses = scores.argsort()[::-1][:2]
if has_classes and len(scores) == 1000:
    decoded = keras.applications.vgg16.decode_predictions(scores[np.newaxis], top=2)[0]
    guess_names = [name for _, name, _ in decoded]
else:
    known = class_names if len(class_names) == len(scores) else range(len(scores))
    guess_names = [str(known[guess]) for guess in guesses]

plt.figure(figsize=(10, 3.7))
plt.subplot(1, 3, 1)
plt.imshow(large[0] / 255)
plt.axis("off")
for place, (guess, name) in enumerate(zip(guesses, guess_names, strict=True), start=2):
    heat = grad_cam(explained, inputs, layer=last, target=int(guess))[0]
    print(
        f"{name}: {scores[guess]:.1%}, map {heat.shape[0]} × {heat.shape[1]}, "
        f"maximum {heat.max():.3g}"
    )
    heat = Image.fromarray(heat / max(float(heat.max()), 1e-9))
    heat = np.asarray(heat.resize(large.shape[2:0:-1], Image.Resampling.BILINEAR))
    plt.subplot(1, 3, place)
    plt.imshow(large[0] / 255)
    plt.imshow(heat, cmap="turbo", alpha=0.7 * heat, vmin=0, vmax=1)
    plt.title(f"{name}  {scores[guess]:.0%}", fontsize=10)
    plt.axis("off")
plt.tight_layout(pad=0.3)
show("class_activation_map")

# %% [markdown]
# ## During training
#
# Three callbacks write the same three kinds of pictures to TensorBoard, at every epoch of
# `model.fit`:
#
# ```python
# from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
#
# model.fit(
#     x, y, epochs=20,
#     callbacks=[
#         keras.callbacks.TensorBoard("logs/lesson"),
#         ActivationGrid("logs/lesson", cat),
#         FilterPatterns("logs/lesson"),
#         GradCAM("logs/lesson", cat),
#     ],
# )
# ```
#
# Then start `tensorboard --logdir logs`, and open its tab "Keras Viz". Next: `from_scratch.py`
# with a folder of your own images for each class, `pretrained.py` with any network of Keras,
# and `debug_errors.py` for the images that a network gets wrong.

# %%
overview = [
    Image.open(chosen.pictures / f"{name}.png").convert("RGB")
    for name in ("channels_4_and_7", *(f"activations_{name}" for name in (names[0], names[-2])))
]
overview.append(Image.open(chosen.pictures / "class_activation_map.png").convert("RGB"))
overview = [part.resize((800, part.height * 800 // part.width)) for part in overview]
together = Image.new("RGB", (800, sum(part.height for part in overview)))
for place, part in enumerate(overview):
    together.paste(part, (0, sum(above.height for above in overview[:place])))
together.quantize(256, dither=Image.Dither.NONE).save(chosen.pictures / "lesson.png")
print(f"\nDone. Look at the pictures in {chosen.pictures}, in the order of this file.")
