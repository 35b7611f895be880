"""Models of keras_hub, built with random weights, as its users fit them."""

import keras
import numpy as np
import pytest

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from tests.helpers.backends import only_on
from tests.helpers.event_logs import rgb

pytestmark = only_on("tensorflow", "keras_hub brings tensorflow-text and so TensorFlow along")


def vit():
    import keras_hub

    backbone = keras_hub.models.ViTBackbone(
        image_shape=(32, 32, 3),
        patch_size=8,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        mlp_dim=32,
    )
    model = keras_hub.models.ViTImageClassifier(backbone=backbone, num_classes=3)
    return model, {"layers": "vi_t_backbone/vit_encoder/transformer_block_*"}, (4, 4)


def resnet():
    import keras_hub

    backbone = keras_hub.models.ResNetBackbone(
        image_shape=(32, 32, 3),
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
    )
    model = keras_hub.models.ResNetImageClassifier(backbone=backbone, num_classes=3)
    return model, {}, None


@pytest.mark.parametrize("make", [vit, resnet])
def test_a_classifier_is_drawn_while_it_is_fitted(make, tmp_path, read_log):
    keras.utils.set_random_seed(0)
    model, options, places = make()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images = np.random.default_rng(0).random((4, 32, 32, 3), np.float32)
    model.fit(
        images,
        np.array([0, 1, 2, 0]),
        verbose=0,
        callbacks=[
            ActivationGrid(tmp_path, images[:2], on_error="raise", **options),
            GradCAM(tmp_path, images[:2], on_error="raise", **options),
            FilterPatterns(tmp_path, filters=2, steps=2, on_error="raise"),
        ],
    )
    records = read_log(tmp_path).records.values()
    drawn = {record.name for record in records}
    assert drawn == {"images", "activations", "grad_cam", "filters"}
    for record in records:
        if record.name == "grad_cam":
            assert places is None or record.map_shape == places
            assert record.prediction.probability > 0
    for png in read_log(tmp_path).pictures.values():
        assert len(np.unique(rgb(png).reshape(-1, 3), axis=0)) > 1
