import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.py"
LAYERS = [f"conv{number}" for number in range(1, 6)]
IMAGES = [f"image_{number}" for number in range(8)]


def run(*arguments):
    return subprocess.run(
        [sys.executable, QUICKSTART, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=500,
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("logs")
    ran = run("--epochs", 2, "--scenes", 64, "--log-dir", log_dir, "--run", "tiny")
    assert ran.returncode == 0, ran.stderr
    return log_dir, ran.stdout


def test_it_says_how_to_look_at_the_result(tiny):
    log_dir, said = tiny
    assert f'tensorboard --logdir "{log_dir}"' in said
    assert str(log_dir / "tiny") in said
    assert "Epoch 2/2" in said


def test_the_logs_hold_every_technique_layer_image_and_epoch(tiny):
    log_dir, _ = tiny
    accumulator = EventAccumulator(str(log_dir / "tiny" / "keras_viz"), {"tensors": 0}).Reload()
    tags = set(accumulator.Tags()["tensors"])
    expected = {f"filters/{layer}" for layer in LAYERS}
    for technique in ("activations", "grad_cam"):
        expected |= {f"{technique}/{layer}/{image}" for layer in LAYERS for image in IMAGES}
    assert expected <= tags
    for tag in expected:
        events = accumulator.Tensors(tag)
        assert [event.step for event in events] == [0, 1]
        for event in events:
            width, height, *pngs = event.tensor_proto.string_val
            assert len(pngs) == 1
            picture = Image.open(io.BytesIO(pngs[0]))
            assert picture.size == (int(width), int(height))
            assert np.ptp(np.asarray(picture.convert("L"))) > 0, f"{tag} is blank"


def test_keras_own_curves_stand_beside_them(tiny):
    log_dir, _ = tiny
    assert {"train", "validation", "keras_viz"} <= {
        path.name for path in (log_dir / "tiny").iterdir()
    }


def test_an_unknown_argument_is_said_before_anything_is_trained():
    ran = run("--epoch-count", 1)
    assert ran.returncode == 2
    assert "unrecognized arguments: --epoch-count" in ran.stderr


@pytest.mark.slow
def test_it_learns(tmp_path):
    """The whole demo: within about three minutes on two cores, above 90 %."""
    ran = run("--log-dir", tmp_path, "--run", "whole")
    assert ran.returncode == 0, ran.stderr
    curve = EventAccumulator(str(tmp_path / "whole" / "validation"), {"tensors": 0}).Reload()
    accuracy = make_ndarray(curve.Tensors("epoch_accuracy")[-1].tensor_proto)
    assert accuracy > 0.9
