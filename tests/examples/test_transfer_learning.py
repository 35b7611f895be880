import keras
import numpy as np
from scenes import scenes
from transfer_learning import applications_module, half, keras_backbone

from tests.helpers.event_logs import Log
from tests.helpers.recipes import is_a_picture, said_by, write_classes

SMALL = ("--frozen-epochs", 2, "--unfrozen-epochs", 1)


def test_the_tasks_share_no_digit():
    drawn = scenes(50)
    sizes = []
    for first in (0, 5):
        images, labels, boxes = half(drawn, first)
        assert len(images) == len(labels) == len(boxes)
        assert set(labels) <= set(range(5))
        assert images.max() > 200
        sizes.append(len(images))
    assert sum(sizes) == 50


def test_each_network_has_its_own_preprocessing():
    for name, module in [("VGG16", "vgg16"), ("MobileNetV2", "mobilenet_v2")]:
        assert applications_module(name) is getattr(keras.applications, module)


def test_one_callback_goes_on_through_both_stages(tmp_path):
    said = said_by(
        "transfer_learning.py",
        *("--scenes", 80, "--backbone-epochs", 1, *SMALL, "--log-dir", tmp_path, "--run", "tiny"),
    )
    assert "The new task: five, six, seven, eight, nine" in said
    learning = [line.split(": ")[-1] for line in said.splitlines() if "weights learn" in line]
    assert learning[1].startswith("645 of ")  # the head alone
    assert learning[2] == learning[0]
    assert "unfrozen: held-out accuracy" in said
    assert is_a_picture(tmp_path / "tiny" / "transfer_learning.png")
    log = Log(tmp_path / "tiny")
    assert log.tags("grad_cam/") == {f"grad_cam/backbone/conv5/image_{n}" for n in range(8)}
    assert log.steps("grad_cam/backbone/conv5/image_0") == [0, 1, 2]


def test_a_keras_network_takes_images_from_0_to_255_and_weights_from_a_file(tmp_path):
    network = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    network.save_weights(tmp_path / "mobilenet.weights.h5")
    backbone = keras_backbone("MobileNetV2", str(tmp_path / "mobilenet.weights.h5"), 32)
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    expected = network.predict(images / 127.5 - 1, verbose=0)
    np.testing.assert_allclose(backbone.predict(images, verbose=0), expected, atol=1e-5)


def test_a_backbone_and_data_of_ones_own(tmp_path):
    data = write_classes(tmp_path / "data", ["ant", "bee"], size=32)
    backbone = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3, name="mine")], name="mine"
    )
    backbone.save(tmp_path / "backbone.keras")
    said = said_by(
        "transfer_learning.py",
        *("--weights", tmp_path / "backbone.keras", "--data", data, "--size", 32, *SMALL),
        *("--log-dir", tmp_path, "--run", "own"),
    )
    assert "The new task: ant, bee; 16 images" in said
    (layer,) = {tag.rsplit("/", 1)[0] for tag in Log(tmp_path / "own").tags("grad_cam/")}
    assert layer == "grad_cam/mine/mine"
    assert np.isfinite(float(said.split("unfrozen: held-out accuracy ")[1].split()[0]))
