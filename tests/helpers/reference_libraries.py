"""Class maps as pytorch-grad-cam and captum compute them on a Keras model, at the layer's size.

Both hook the layer as the torch module that it is and let torch differentiate, so that nothing but
the model itself is shared with our own way to the map. They explain what the model returns: to
explain a logit, they are given a module that returns logits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import torch
from captum.attr import LayerFeatureAblation, LayerGradCam, LayerGradientXActivation, Saliency
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM, XGradCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

Array = NDArray[np.float32]

GRAD_CAM = {
    "grad_cam": GradCAM,
    "hires_cam": HiResCAM,
    "layer_cam": LayerCAM,
    "xgrad_cam": XGradCAM,
    "grad_cam_plus_plus": GradCAMPlusPlus,
}
"""pytorch-grad-cam's class for each method that it shares with us."""


class Logits(torch.nn.Module):
    """A Keras classifier whose last layer is a Dense with softmax, up to its logits."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.dense = model.layers[-1]
        self.below = keras.Model(model.inputs, self.dense.input)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.below(images) @ self.dense.kernel.value + self.dense.bias.value


class ChannelsFirst(torch.nn.Module):
    """A functional model that turns a layer's maps to channels first, and back.

    Captum takes the first axis after the batch for the channels and has no option for that.

    Attributes:
        turned: The module that returns the turned maps.
    """

    def __init__(self, model: keras.Model, layer: keras.layers.Layer) -> None:
        super().__init__()
        self.below = keras.Model(model.inputs, layer.output)
        self.turned = Turned()
        self.above = keras.Model(layer.output, model.outputs[0])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.above(self.turned(self.below(images)).permute(0, 2, 3, 1))


class Turned(torch.nn.Module):
    """From channels last to channels first."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return to_channels_first(maps)


def to_channels_first(maps: torch.Tensor) -> torch.Tensor:
    return maps.permute(0, 3, 1, 2)


def grad_cam_map(
    method: str,
    model: torch.nn.Module,
    layer: torch.nn.Module,
    images: Array,
    classes: Sequence[int] | None,
    data_format: str = "channels_last",
) -> Array:
    """The map of pytorch-grad-cam before it scales and resizes it, ``(batch, height, width)``.

    Args:
        method: One of `GRAD_CAM`.
        model: Returns the scores, ``(batch, classes)``.
        layer: The explained layer.
        images: Input of the model.
        classes: The explained class of each image, or None for the predicted ones.
        data_format: Data format of the layer's maps.
    """
    with hooked(GRAD_CAM[method], model, layer, data_format) as cam:
        cam(torch.from_numpy(images), targets(classes))
        kept = cam.activations_and_grads
        activations, gradients = kept.activations[0].numpy(), kept.gradients[0].numpy()
        # What `compute_cam_per_layer` calls for each layer; the ReLU is its next line.
        found = cam.get_cam_image(None, layer, targets(classes), activations, gradients, False)
    return np.maximum(found, 0)


def grad_cam_picture(
    method: str,
    model: torch.nn.Module,
    layer: torch.nn.Module,
    images: Array,
    classes: Sequence[int] | None,
) -> Array:
    """What pytorch-grad-cam returns: scaled to [0, 1], at the size of channels-first images."""
    with hooked(GRAD_CAM[method], model, layer, "channels_first") as cam:
        return cam(torch.from_numpy(images), targets(classes))


def score_cam_map(
    model: torch.nn.Module, layer: torch.nn.Module, images: Array, classes: Sequence[int]
) -> Array:
    """The Score-CAM of pytorch-grad-cam before it scales and resizes it; channels first."""
    inputs = torch.from_numpy(images)
    with hooked(ScoreCAM, model, layer, "channels_first") as cam, torch.no_grad():
        cam.activations_and_grads(inputs)
        activations = cam.activations_and_grads.activations[0].numpy()
        found = cam.get_cam_image(inputs, layer, targets(classes), activations, None, False)
    return np.maximum(found, 0)


def captum_ablations(
    model: torch.nn.Module,
    layer: torch.nn.Module,
    images: Array,
    classes: Sequence[int],
    data_format: str,
) -> Array:
    """The layer's channels, each times the fall of the score without it, summed; no ReLU."""
    inputs = torch.from_numpy(images)
    kept: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    with torch.no_grad():
        model(inputs)
    hook.remove()
    axis = 1 if data_format == "channels_first" else -1
    shape = [1] * kept[0].ndim
    shape[axis] = kept[0].shape[axis]
    channels = torch.arange(kept[0].shape[axis]).reshape(shape).expand(1, *kept[0].shape[1:])
    falls = LayerFeatureAblation(model, layer).attribute(
        inputs, layer_baselines=0, target=list(classes), layer_mask=channels
    )
    return (falls * kept[0]).sum(axis).detach().numpy()


def captum_saliency(model: torch.nn.Module, images: Array, classes: Sequence[int]) -> Array:
    """Captum's gradient of the scores with respect to the images, with its sign."""
    inputs = torch.from_numpy(images).requires_grad_()
    found = Saliency(model).attribute(inputs, target=list(classes), abs=False)
    return found.detach().numpy()


def captum_grad_cam(
    model: torch.nn.Module, layer: torch.nn.Module, images: Array, classes: Sequence[int]
) -> Array:
    """Captum's Grad-CAM of a layer that puts channels first, with the paper's ReLU."""
    found = LayerGradCam(model, layer).attribute(
        torch.from_numpy(images), target=list(classes), relu_attributions=True
    )
    return found[:, 0].detach().numpy()


def captum_hires_cam(
    model: torch.nn.Module,
    layer: torch.nn.Module,
    images: Array,
    classes: Sequence[int],
    data_format: str = "channels_last",
) -> Array:
    """Captum's gradient times activation, summed over the channels: HiResCAM, here with a ReLU."""
    found = LayerGradientXActivation(model, layer).attribute(
        torch.from_numpy(images), target=list(classes)
    )
    summed = found.sum(1 if data_format == "channels_first" else -1)
    return summed.clamp(min=0).detach().numpy()


@contextlib.contextmanager
def hooked(
    method: type[BaseCAM], model: torch.nn.Module, layer: torch.nn.Module, data_format: str
) -> Iterator[BaseCAM]:
    """pytorch-grad-cam on one layer; its changes of the model are undone afterwards."""
    training = model.training
    turn = to_channels_first if data_format == "channels_last" else None
    try:
        with method(model, [layer], reshape_transform=turn) as cam:
            yield cam
    finally:
        model.train(training)
        model.zero_grad()


def targets(classes: Sequence[int] | None) -> list[ClassifierOutputTarget] | None:
    return None if classes is None else [ClassifierOutputTarget(index) for index in classes]
