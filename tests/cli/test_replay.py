import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from keras_viz_callbacks import activation_maps
from keras_viz_callbacks.cli.replay import epochs_in
from tests.helpers.event_logs import Log
from tests.helpers.models import small_model


@pytest.mark.parametrize(
    ("names", "epochs"),
    [
        (["model_01.keras", "model_02.keras"], [1, 2]),
        (["model_02.keras", "model_10.keras"], [2, 10]),
        (["vgg16_01-0.53.keras", "vgg16_02-0.41.keras"], [1, 2]),
        (["run3-epoch7-loss0.2.keras", "run4-epoch9-loss0.1.keras"], [7, 9]),
        (["ep=1.keras", "ep=2.keras"], [1, 2]),
        (["w.03.keras", "w.04.keras"], [3, 4]),
        (["early.keras", "late.keras"], None),
        (["vgg16.keras"], None),
    ],
)
def test_epochs_from_file_names(names, epochs):
    assert epochs_in(names) == epochs


def test_the_pictures_are_those_of_each_checkpoint(keras_viz, training, tmp_path):
    status, said, error = keras_viz(
        "replay", training / "checkpoints", "--images", training / "images", "--labels",
        "--log-dir", tmp_path, "--filters", 3,
    )  # fmt: skip
    assert (status, error) == (0, "")
    assert "step 0: small_01.keras\nstep 1: small_02.keras\nstep 2: small_03.keras\n" in said
    assert f'tensorboard --logdir "{tmp_path}"' in said
    log = Log(tmp_path)
    tags = ("activations/conv_a/cat_0", "filters/conv_b", "grad_cam/conv_b/fox_5")
    for tag in tags:
        assert log.steps(tag) == [0, 1, 2]
    record = log.records["keras_viz", "grad_cam/conv_b/dog_1", 0]
    assert (record.label.index, record.label.name, record.image_name) == (1, "dog", "dog/1")
    # The numbers are those of the checkpoint, not of the model that was loaded first.
    with Image.open(training / "images" / "cat" / "0.png") as image:
        pixels = np.asarray(image.resize((16, 16), Image.Resampling.BILINEAR), np.float32)
    for step in range(3):
        model = keras.models.load_model(training / "checkpoints" / f"small_0{step + 1}.keras")
        expected = activation_maps(model, pixels[None] / 255, "conv_b")["conv_b"][0]
        statistics = log.records["keras_viz", "activations/conv_b/cat_0", step].statistics
        np.testing.assert_allclose(statistics.maximum, expected.max((0, 1)), rtol=1e-3)


def test_weights_go_into_the_model_that_is_named(keras_viz, training, tmp_path):
    weights = training / "weights"
    images = training / "images"
    common = ["--images", images, "--log-dir", tmp_path / "logs", "--techniques", "grad_cam"]
    status, _, error = keras_viz("replay", weights, *common)
    assert status == 2
    assert "holds weights only. Name the model of these weights by --model." in error
    model = training / "checkpoints" / "small_01.keras"
    status, _, error = keras_viz("replay", weights, *common, "--model", model)
    assert (status, error) == (0, "")
    log = Log(tmp_path / "logs")
    assert {tag.partition("/")[0] for tag in log.tags()} == {"grad_cam", "images"}
    assert log.steps("grad_cam/conv_b/dog_4") == [0, 1, 2]


def test_the_order_of_classes_and_names_without_a_number(keras_viz, training, tmp_path):
    for old, new in (("01", "late"), ("02", "early")):
        shutil.copy(training / "checkpoints" / f"small_{old}.keras", tmp_path / f"{new}.keras")
    status, said, _ = keras_viz(
        "replay", tmp_path / "early.keras", tmp_path / "late.keras", "--images",
        training / "images", "--labels", "--class-names", "fox", "cat", "dog",
        "--log-dir", tmp_path / "logs", "--techniques", "grad_cam", "--max-images", 2,
    )  # fmt: skip
    assert status == 0
    assert "names hold no epoch: steps follow the order given.\nstep 0: early.keras" in said
    log = Log(tmp_path / "logs")
    labels = {r.image_name: r.label.index for r in log.records.values() if r.label is not None}
    assert labels == {"fox/2": 0, "cat/0": 1}


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (16, 16, 5),
            "CHECKPOINT: the model must take grey or RGB images, with 1 or 3 channels. Received: "
            "input_shape=(None, 16, 16, 5). Attach the callbacks in a script of your own instead, "
            "as examples/custom_loop.py does.",
        ),
        (
            (12,),
            "CHECKPOINT: the model must have one input of images. Received: input_shape=(None, "
            "12). Attach the callbacks in a script of your own instead, as examples/custom_loop.py "
            "does.",
        ),
    ],
)
def test_a_model_of_other_inputs_is_refused(keras_viz, training, tmp_path, shape, message):
    other = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(2)])
    other.save(tmp_path / "other.keras")
    status, _, error = keras_viz(
        "replay", tmp_path / "other.keras", "--images", training / "images",
        "--log-dir", tmp_path / "logs",
    )  # fmt: skip
    assert (status, error) == (2, f"keras-viz replay: {message}\n")


def test_what_can_be_put_right_is_said_in_one_line(keras_viz, training, tmp_path):
    checkpoints, images = training / "checkpoints", training / "images"
    (tmp_path / "empty").mkdir()
    (tmp_path / "used" / "keras_viz").mkdir(parents=True)
    (tmp_path / "used" / "keras_viz" / "events.out.tfevents.1").touch()
    (tmp_path / "broken.keras").write_bytes(b"no archive")
    (tmp_path / "notes.txt").touch()
    other = tmp_path / "small_09.keras"
    small_model(classes=7).save(other)
    fine = {"checkpoints": [checkpoints], "images": images, "log-dir": tmp_path / "logs"}
    for wrong, more, beginning in [
        ({"checkpoints": [tmp_path / "none.keras"]}, [], "CHECKPOINT: there is no file "),
        ({"checkpoints": [tmp_path / "empty"]}, [], "CHECKPOINT: there is no .keras and no "),
        ({"checkpoints": [tmp_path / "notes.txt"]}, [], "CHECKPOINT: notes.txt must end with "),
        ({"checkpoints": [checkpoints, other]}, [], "CHECKPOINT: the weights of small_09.keras "),
        ({"images": tmp_path / "none"}, [], "--images: there is no folder "),
        ({"images": tmp_path / "empty"}, [], "--images: there is no image "),
        ({"log-dir": tmp_path / "used"}, [], "--log-dir: "),
        ({}, ["--class-names", "cat"], "--class-names goes with --labels."),
        ({}, ["--labels", "--class-names", "owl"], "--class-names: there is no folder 'owl' "),
        ({}, ["--value-range", "1", "0"], "--value-range: LOW must be below HIGH, not 1 0."),
        (
            {},
            ["--layers", "conv_z"],
            "No layer of the model has the name or path given in --layers. ",
        ),
        ({}, ["--import", "no_such_module"], "--import: No module named 'no_such_module'."),
        ({"checkpoints": [tmp_path / "broken.keras"]}, [], f"{tmp_path / 'broken.keras'} can't be"),
    ]:
        shutil.rmtree(tmp_path / "logs", ignore_errors=True)
        given = {**fine, **wrong}
        status, _, error = keras_viz(
            "replay", *given["checkpoints"], "--images", given["images"], "--log-dir",
            given["log-dir"], "--techniques", "activations", *more,
        )  # fmt: skip
        assert status == 2
        assert error.startswith(f"keras-viz replay: {beginning}")
        assert error.count("\n") == 1
