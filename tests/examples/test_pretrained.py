import json

import keras
import numpy as np
import pytest
from PIL import Image
from pretrained import build, class_names, square

from tests.helpers.event_logs import Log
from tests.helpers.recipes import is_a_picture, said_by


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of random weights of MobileNet, in the form of the downloaded file."""
    keras.utils.set_random_seed(0)
    file = tmp_path_factory.mktemp("weights") / "mobilenet.weights.h5"
    network = keras.applications.MobileNet(weights=None)
    network.save_weights(file)
    return file


@pytest.fixture(scope="module")
def class_index(tmp_path_factory):
    """A class index in the form of Keras' file."""
    file = tmp_path_factory.mktemp("index") / "imagenet_class_index.json"
    file.write_text(json.dumps({str(i): [f"n{i:08}", f"some_thing_{i}"] for i in range(1000)}))
    return file


def test_the_preprocessing_is_the_networks_own(weights):
    network, model = build("MobileNet", str(weights))
    images = np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 3)).astype(np.float32)
    expected = network.predict(images / 127.5 - 1, verbose=0)
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-6)


def test_class_names(class_index):
    assert class_names(class_index, "imagenet", 1000)[7] == "some thing 7"
    assert class_names(None, "none", 1000)[7] == "class 7"


def test_a_photograph_becomes_its_middle():
    assert square(Image.new("L", (900, 600))).size == (512, 512)
    assert square(Image.new("RGBA", (90, 60))).size == (60, 60)
    assert square(Image.new("P", (90, 60))).mode == "RGB"


def test_it_draws_filters_and_classes(weights, class_index, tmp_path):
    photograph = tmp_path / "mine.jpg"
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(photograph)
    said = said_by(
        "pretrained.py",
        *("--model", "MobileNet", "--weights", weights, "--class-index", class_index),
        *("--image", photograph, "--layers", "conv1", "conv_pw_2", "--filters", 2, "--top", 2),
        *("--log-dir", tmp_path, "--run", "tiny"),
    )
    assert "some thing" in said
    assert is_a_picture(tmp_path / "tiny" / "pretrained.png")
    log = Log(tmp_path / "tiny")
    assert {tag.rsplit("/", 1)[1] for tag in log.tags("filters/")} == {"conv1", "conv_pw_2"}
    (first,) = log.tags("grad_cam_1_some_thing_")
    assert len(log.tags("grad_cam_2_some_thing_")) == 1
    (record,) = [r for r in log.records.values() if r.tag == first]
    assert record.image_name == "photograph"
    assert record.layer.path.endswith("conv_pw_13")
    assert record.target.name.startswith("some thing ")
    assert record.map_shape == (7, 7)
