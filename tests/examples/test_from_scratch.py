import keras
import pytest

from tests.helpers.event_logs import Log
from tests.helpers.recipes import is_a_picture, said_by, write_classes


def test_it_runs_as_it_stands(tmp_path):
    said = said_by(
        "from_scratch.py", "--epochs", 2, "--scenes", 60, "--log-dir", tmp_path, "--run", "tiny"
    )
    assert "Classes: eight, five, four" in said
    assert f'tensorboard --logdir "{tmp_path}"' in said
    assert is_a_picture(tmp_path / "tiny" / "from_scratch.png")
    log = Log(tmp_path / "tiny")
    for technique in ("activations", "filters", "grad_cam"):
        tags = log.tags(technique + "/")
        assert {tag.split("/")[1] for tag in tags} == {f"conv{n}" for n in range(1, 6)}
        assert all(log.steps(tag) == [0, 1] for tag in tags)


def test_folders_of_ones_own(tmp_path):
    data = write_classes(tmp_path / "data", ["cat", "dog"], number=10)
    said = said_by(
        "from_scratch.py",
        *("--data", data, "--size", 48, "--epochs", 1, "--log-dir", tmp_path, "--run", "own"),
    )
    assert "Classes: cat, dog" in said
    model = keras.models.load_model(tmp_path / "own" / "model.keras")
    assert model.input_shape == (None, 48, 48, 3)
    augmentation = [layer.name for layer in model.get_layer("augmentation").layers]
    assert "random_flip" in augmentation
    labels = {
        record.label.name for record in Log(tmp_path / "own").records.values() if record.label
    }
    assert labels <= {"cat", "dog"}


@pytest.mark.slow
def test_it_learns(tmp_path):
    said = said_by("from_scratch.py", "--log-dir", tmp_path, "--run", "whole")
    accuracy = float(said.split("val_accuracy: ")[-1].split()[0])
    assert accuracy > 0.8
