"""What tests share: TensorFlow is started once, and each model is trained once a session."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest

from tests.models import nested_model, small_model, subclassed_model, trained_scenes_model
from tests.reading import Log


@pytest.fixture
def model():
    """An untrained sequential convnet for 16 × 16 RGB images and 3 classes, compiled."""
    return small_model()


@pytest.fixture
def images():
    """Six images for `model`, in [0, 1]."""
    import numpy as np

    return np.random.default_rng(0).random((6, 16, 16, 3), np.float32)


@pytest.fixture
def labels():
    """A class for each of `images`."""
    import numpy as np

    return np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture(params=["sequential", "functional", "nested", "subclassed"])
def any_model(request):
    """A model of each kind, with the path of one convolution in it."""
    if request.param == "sequential":
        return small_model(), "conv_b"
    if request.param == "functional":
        return small_model(functional=True), "conv_b"
    if request.param == "nested":
        return nested_model(), "outer/inner/conv_b"
    return subclassed_model(), "block/conv_b"


@pytest.fixture(scope="session")
def scenes_model():
    """A convnet trained for a few seconds on real scenes, and held-out scenes for it."""
    return trained_scenes_model()


@pytest.fixture
def read_log():
    """Reads what stands below a log directory, by TensorBoard's own parser."""
    return Log
