import numpy as np
from debug_errors import errors, print_confusions

from tests.helpers.event_logs import Log
from tests.helpers.models import small_model
from tests.helpers.recipes import is_a_picture, said_by, write_classes


def test_the_most_confident_mistake_comes_first():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]])
    labels = np.array([0, 0, 0, 1])
    assert errors(probabilities, labels).tolist() == [2, 3, 1]


def test_the_table_of_confusions(capsys):
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]])
    print_confusions(probabilities, np.array([0, 0, 0, 1]), ["cat", "dog"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 of 4 held-out images are wrong (75.0%)"
    assert lines[2].split() == ["cat", "dog", "2", "0.70"]
    assert lines[3].split() == ["dog", "cat", "1", "0.70"]


def test_it_watches_the_errors_of_the_first_epochs(tmp_path):
    said = said_by(
        "debug_errors.py",
        *("--first-epochs", 1, "--epochs", 2, "--scenes", 60, "--errors", 3),
        *("--log-dir", tmp_path, "--run", "tiny"),
    )
    assert "held-out images are wrong" in said
    assert "Of the 3 watched" in said
    assert f'tensorboard --logdir "{tmp_path}"' in said
    assert is_a_picture(tmp_path / "tiny" / "debug_errors.png")
    log = Log(tmp_path / "tiny")
    assert len(log.tags("true_class/")) == len(log.tags("taken_for/")) == 3
    for (_, tag, _), record in log.records.items():
        if tag.startswith("true_class/"):
            assert record.target.name == record.label.name
        if tag.startswith("taken_for/"):
            _, true, _, taken_for = record.image_name.split("_")
            assert record.target.name == taken_for
            assert record.label.name == true
    assert log.steps(next(iter(log.tags("true_class/")))) == [1, 2]


def test_the_errors_of_a_previous_run_on_data_of_ones_own(tmp_path):
    data = write_classes(tmp_path / "data", ["a", "b", "c"], size=16)
    small_model().save(tmp_path / "model.keras")
    said = said_by(
        "debug_errors.py",
        *("--data", data, "--size", 16, "--model", tmp_path / "model.keras"),
        *("--epochs", 1, "--errors", 2, "--log-dir", tmp_path, "--run", "own"),
    )
    assert "6 held-out images are wrong" in said
    assert Log(tmp_path / "own").steps(next(iter(Log(tmp_path / "own").tags("taken_for/")))) == [0]
