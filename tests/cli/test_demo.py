import re

import numpy as np
import pytest

from keras_viz_callbacks.cli.demo import SHAPES, shapes
from tests.helpers.event_logs import Log


def test_the_shapes_are_bright_on_dim_noise_and_equally_many():
    images, labels = shapes(40, seed=0)
    assert images.shape == (40, 64, 64, 3)
    assert images.dtype == np.float32
    assert 0 <= images.min() <= images.max() == 1
    assert np.bincount(labels).tolist() == [10] * len(SHAPES)
    np.testing.assert_array_equal(shapes(40, seed=0)[0], images)
    assert not np.array_equal(shapes(40, seed=1)[0], images)


def test_it_trains_draws_and_says_where_to_look(keras_viz, tmp_path):
    status, said, _ = keras_viz("demo", "--log-dir", tmp_path, "--epochs", 1, "--images", 32)
    assert status == 0
    assert said.endswith(f'tensorboard --logdir "{tmp_path}", then the tab "Keras Viz".\n')
    (run,) = tmp_path.iterdir()
    log = Log(run)
    for tag in ("activations/conv1/image_0", "filters/conv2", "grad_cam/conv3/image_7"):
        assert log.steps(tag) == [0]


def test_a_log_dir_that_is_a_file(keras_viz, tmp_path):
    (tmp_path / "taken").touch()
    arguments = ["--log-dir", tmp_path / "taken", "--epochs", 1, "--images", 32]
    status, _, error = keras_viz("demo", *arguments)
    assert status == 2
    assert error.startswith("keras-viz demo: --log-dir must be a directory ")
    assert error.count("\n") == 1


@pytest.mark.slow
def test_it_learns(keras_viz, tmp_path):
    _, said, _ = keras_viz("demo", "--log-dir", tmp_path)
    assert float(re.findall(r"val_accuracy: ([\d.]+)", said)[-1]) > 0.9
