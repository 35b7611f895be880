import io

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.helpers.backends import needs_tensorflow
from tests.helpers.event_logs import Log
from tests.helpers.recipes import run, said_by

LAYERS = [f"conv{number}" for number in range(1, 6)]
IMAGES = [f"image_{number}" for number in range(4)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("logs")
    tiny = ("--epochs", 2, "--scenes", 64, "--log-dir", log_dir, "--run", "tiny")
    return log_dir, said_by("quickstart.py", *tiny)


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


def test_a_capture_writes_less_than_a_mebibyte(tiny):
    log_dir, _ = tiny
    written = sum(path.stat().st_size for path in (log_dir / "tiny" / "keras_viz").iterdir())
    assert written / 2 < 2**20


@needs_tensorflow
def test_keras_own_curves_stand_beside_them(tiny):
    log_dir, _ = tiny
    assert {"train", "validation", "keras_viz"} <= {
        path.name for path in (log_dir / "tiny").iterdir()
    }


def test_an_unknown_argument_is_said_before_anything_is_trained():
    ran = run("quickstart.py", "--epoch-count", 1)
    assert ran.returncode == 2
    assert "unrecognized arguments: --epoch-count" in ran.stderr


@pytest.mark.slow
def test_it_learns(tmp_path):
    """The whole demo: within about three minutes on two cores, above 90 %."""
    said_by("quickstart.py", "--log-dir", tmp_path, "--run", "whole")
    records = Log(tmp_path / "whole").records
    *_, last = sorted(step for _, _, step in records)
    accuracies = {r.metrics["val_accuracy"] for (_, _, step), r in records.items() if step == last}
    assert min(accuracies) > 0.9
