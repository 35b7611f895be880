"""What tests share: one backend a session, started once, and each model trained once in it."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

# These are read when a backend is imported, also by the processes that tests start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Threads of torch that wait sleep: where several processes share the cores, spinning ones made a
# training of half a minute take three and a half.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Tests compile the same small models again and again. JAX keeps what it has compiled; it traces
# as ever.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# Random numbers of a new shape compile in a second instead of ten.
os.environ.setdefault("JAX_THREEFRY_PARTITIONABLE", "0")

import pytest

from tests.helpers.event_logs import Log
from tests.helpers.models import (
    nested_model,
    six_images,
    six_labels,
    small_model,
    subclassed_model,
    trained_scenes_model,
)

# Folders and files whose tests use no backend, or one only to have a log to read.
ONCE = (
    "browser",
    "docs/test_messages.py",
    "docs/test_method_pages.py",
    "docs/test_site.py",
    "docs/test_tables.py",
    "faults/test_tab.py",
    "maps",
    "render",
    "summary",
    "tensorboard_plugin",
    "test_javascript.py",
    "test_layout.py",
    "test_packaging.py",
)
# What a real training of each backend has written is looked at in the browser.
ON_EACH_BACKEND = "browser/test_training.py"


def pytest_collection_modifyitems(items):
    """Marks what `scripts/test` runs on one backend alone."""
    tests = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(tests)
        is_once = any(place.is_relative_to(each) for each in ONCE)
        if is_once and not place.is_relative_to(ON_EACH_BACKEND):
            item.add_marker(pytest.mark.once)


@pytest.fixture
def model():
    """An untrained sequential convnet for 16 × 16 RGB images and 3 classes, compiled."""
    return small_model()


@pytest.fixture
def images():
    """Six images for `model`, in [0, 1]."""
    return six_images()


@pytest.fixture
def labels():
    """A class for each of `images`."""
    return six_labels()


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
    """Reads all files below a log directory, by TensorBoard's own parser."""
    return Log


_places = itertools.count()


@pytest.fixture(scope="session")
def s3_server():
    """A real S3 API on this machine, and the environment that leads clients to it."""
    from tests.helpers.stores import S3

    server = S3()
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server
    server.stop()


@pytest.fixture
def s3(s3_server):
    """That API, undisturbed and with no requests counted so far."""
    s3_server.delay, s3_server.denied = 0.0, None
    yield s3_server
    s3_server.delay, s3_server.denied = 0.0, None


@pytest.fixture
def bucket(s3):
    """URL of an empty bucket."""
    import fsspec

    name = f"bucket-{next(_places)}"
    fsspec.filesystem("s3").mkdir(name)
    s3.requests.clear()
    return f"s3://{name}"


@pytest.fixture(params=["file", "memory", "s3"])
def log_url(request, tmp_path):
    """URL of a log directory that does not exist yet, on each kind of store."""
    if request.param == "s3":
        return request.getfixturevalue("bucket") + "/logs"
    if request.param == "memory":
        return f"memory://{next(_places)}/logs"
    return f"file://{tmp_path}/logs"
