from tests.helpers.event_logs import Log
from tests.helpers.recipes import said_by


def test_a_training_without_callbacks_is_drawn_afterwards(tmp_path):
    work = tmp_path / "work"
    said = said_by("replay.py", "--epochs", 2, "--scenes", 48, "--work-dir", work)
    assert "\nkeras-viz replay " in said
    assert "step 0: model_01.keras\nstep 1: model_02.keras\n" in said
    assert f'tensorboard --logdir "{work / "logs" / "old"}"' in said
    log = Log(work / "logs")
    tags = log.tags("grad_cam/conv5/")
    assert len(tags) == 6
    for tag in tags:
        assert log.steps(tag, "old/keras_viz") == [0, 1]
        record = log.records["old/keras_viz", tag, 1]
        assert record.image_name.partition("/")[0] == record.label.name
    assert (work / "pictures" / "old-grad_cam-conv5-sheet.png").exists()
