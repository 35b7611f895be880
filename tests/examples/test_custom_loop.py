import keras
import numpy as np
import pytest
from custom_loop import training_step
from quickstart import compiled_model
from scenes import scenes

from keras_viz_callbacks import ActivationGrid
from tests.helpers.event_logs import Log
from tests.helpers.models import small_model
from tests.helpers.recipes import said_by


@pytest.mark.parametrize("how", [(), ("--by-hand",)])
def test_both_loops_draw_every_epoch(tmp_path, how):
    arguments = ["--epochs", "2", "--scenes", "48", "--log-dir", tmp_path, "--run", "tiny", *how]
    assert f'tensorboard --logdir "{tmp_path}"' in said_by("custom_loop.py", *arguments)
    log = Log(tmp_path / "tiny")
    assert len(log.files) == 1
    for tag in ("activations/conv1/image_3", "filters/conv5", "grad_cam/conv3/image_0"):
        assert log.steps(tag) == [0, 1]
    record = log.records["keras_viz", "grad_cam/conv3/image_0", 1]
    assert set(record.metrics) == {"loss", "val_accuracy"}


def test_a_step_trains_as_keras_own_does():
    data = scenes(8)
    weights = []
    for own in (True, False):
        keras.utils.set_random_seed(0)
        model = compiled_model(1, 64)
        step = training_step(model) if own else model.train_on_batch
        for _ in range(3):
            step(data.images, data.labels)
        weights.append(model.get_weights())
    for mine, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


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
