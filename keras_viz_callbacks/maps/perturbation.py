"""Class activation methods that try variants of the image or of a layer, one function each.

Every method takes the activations of a layer ``(batch, *places, channels)`` and the scores of its
variants, and returns the map before its ReLU, ``(batch, *places)``. The argument ``tries`` of
`method` says which variants these are, and `explain.tries` runs them.
"""

from __future__ import annotations

import numpy as np

from keras_viz_callbacks.maps.class_activation import Array, combined, method
from keras_viz_callbacks.maps.variants import TriedScores, Tries, channel_masks, one_channel_out


@method("Score-CAM", tries=Tries("image", channel_masks))
def score_cam(activations: Array, scores: TriedScores) -> Array:
    r"""Channels weighted by the score of the image masked by them.

    A channel's map, enlarged to the image's size and scaled to [0, 1], is a mask. The image is
    multiplied by it, and its score gives the weight of the channel. No gradient is needed.

    Equation:
        \[
        \alpha_k^c = \mathrm{softmax}_k\big(y^c(X \odot H^k)\big)
        \qquad
        H^k = \frac{U^k - \min U^k}{\max U^k - \min U^k}
        \qquad
        L^c = \max\Big(0, \sum_k \alpha_k^c A^k\Big)
        \]

        \(U^k\) is the map of channel \(k\), enlarged bilinearly with half-pixel centres to the
        image's size; \(X\) is the input that the model takes.

    Source:
        Wang et al. 2020, "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural
        Networks", equations 5 to 8, arXiv:1910.01279. The score of the baseline image is left out:
        it is the same for each channel, so the softmax does not depend on it.

    When not to believe it:
        - If the logits are large, the softmax over channels nearly always gives one or two channels
          all of the weight. The map is then that of one channel.
        - The network was not trained on masked images. Zero means black, grey or the mean colour,
          depending on how the model's input is scaled.
        - It takes one forward pass for each channel of the layer: 512 for the last layer of VGG16.

    Example:
        ```python
        from keras_viz_callbacks import grad_cam

        maps = grad_cam(model, images, method="score_cam", batch_size=64)
        ```
    """
    return combined(activations, _softmax(scores.tried))


@method("Ablation-CAM", tries=Tries("layer", one_channel_out))
def ablation_cam(activations: Array, scores: TriedScores) -> Array:
    r"""Channels weighted by how much the score falls without them.

    Each channel of the layer is set to zero in turn, and the rest of the network is run again. No
    gradient is needed, so saturated layers are not a problem.

    Equation:
        \[
        w_k^c = \frac{y^c - y_k^c}{y^c}
        \qquad
        L^c = \max\Big(0, \sum_k w_k^c A^k\Big)
        \]

        \(y_k^c\) is the score without channel \(k\).

    Source:
        Desai and Ramaswamy 2020, "Ablation-CAM: Visual Explanations for Deep Convolutional Network
        via Gradient-free Localization", equations 3 and 4, doi:10.1109/WACV45572.2020.9093360. A
        logit may be negative, and the quotient would then change the sign of the map. Here the fall
        is divided by the logit's magnitude. If the score is zero, the fall itself is the weight.

    When not to believe it:
        - If channels can replace each other, removing one of them changes nothing: each gets a
          weight near zero, though together they decide the class.
        - For layers without a ReLU, zero does not mean that a channel found nothing.
        - It takes one forward pass for each channel of the layer.

    Example:
        ```python
        from keras_viz_callbacks import grad_cam

        maps = grad_cam(model, images, method="ablation_cam")
        ```
    """
    original = scores.original[:, None]
    size = np.where(original == 0, np.float32(1), np.abs(original))
    return combined(activations, np.divide(original - scores.tried, size, dtype=np.float32))


def _softmax(values: Array) -> Array:
    """Softmax over the last axis."""
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: Array = raised / raised.sum(axis=-1, keepdims=True)
    return shares
