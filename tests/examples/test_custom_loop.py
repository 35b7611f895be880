import subprocess
import sys
from pathlib import Path

import keras
import pytest

from keras_viz_callbacks import ActivationGrid
from tests.models import small_model
from tests.reading import Log

CUSTOM_LOOP = Path(__file__).parents[2] / "examples" / "custom_loop.py"


@pytest.mark.parametrize("how", [(), ("--by-hand",)])
def test_both_loops_draw_every_epoch(tmp_path, how):
    arguments = ["--epochs", "2", "--scenes", "48", "--log-dir", tmp_path, "--run", "tiny", *how]
    ran = subprocess.run(
        [sys.executable, CUSTOM_LOOP, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert f'tensorboard --logdir "{tmp_path}"' in ran.stdout
    log = Log(tmp_path / "tiny")
    assert len(log.files) == 1
    for tag in ("activations/conv1/image_3", "filters/conv5", "grad_cam/conv3/image_0"):
        assert log.steps(tag) == [0, 1]
    record = log.records["keras_viz", "grad_cam/conv3/image_0", 1]
    assert set(record.metrics) == {"loss", "val_accuracy"}


def test_a_model_that_was_never_compiled_is_drawn_too(tmp_path, images):
    model = small_model()
    bare = keras.models.clone_model(model)
    callback = ActivationGrid(tmp_path, images, on_error="raise")
    callback.set_model(bare)
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch)
    callback.on_train_end()
    assert Log(tmp_path).steps("activations/conv_a/image_0") == [0, 1]
