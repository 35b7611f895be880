"""On several devices one process draws, and the training is what it is without us."""

import keras
import numpy as np
import pytest

from tests.helpers import training_processes
from tests.helpers.backends import BACKEND, only_on
from tests.helpers.distributed_training import EPOCHS, IMAGES, LAYERS, SHOWN
from tests.helpers.event_logs import Log
from tests.helpers.models import small_model

SETTINGS = {
    "mirrored": ("tensorflow", 1),
    "multi_worker": ("tensorflow", 2),
    "data_parallel": ("jax", 1),
    "data_parallel in two processes": ("jax", 2),
    "model_parallel": ("jax", 1),
    "data_parallel_by_torch": ("torch", 2),
}


def setting(name):
    backend, number = SETTINGS[name]
    mark = only_on(backend, "these devices are shared out by that backend")
    return pytest.param((name.split()[0], number), id=name, marks=mark)


@pytest.fixture(scope="module", params=[setting(name) for name in SETTINGS])
def trained(request, tmp_path_factory):
    name, number = request.param
    return training_processes.trained(name, tmp_path_factory.mktemp(name), number)


def test_weights_and_seeds_are_those_without_callbacks_bit_for_bit(trained):
    for without, with_callbacks in zip(trained.without, trained.with_callbacks, strict=True):
        assert len(without) > 25  # of the model, its dropout's seed, and the optimizer
        for own, other in zip(without.values(), with_callbacks.values(), strict=True):
            np.testing.assert_array_equal(own, other)
    start = small_model().get_layer("conv_a").kernel
    assert not np.allclose(variable(trained, "conv_a/kernel"), start, atol=1e-4)


def test_one_process_draws_and_the_others_do_nothing(trained):
    log = Log(trained.out)
    assert len(log.files) == 1
    assert log.files[0].is_relative_to(trained.out / "logs")
    shown = [f"image_{number}" for number in range(SHOWN)]
    layers = {tag.removeprefix("filters/") for tag in log.tags("filters")}
    assert {path.rpartition("/")[2] for path in layers} == set(LAYERS)
    assert log.tags() == {
        *(f"images/{name}" for name in shown),
        *(f"filters/{path}" for path in layers),
        *(f"{t}/{p}/{n}" for t in ("activations", "grad_cam") for p in layers for n in shown),
    }
    for tag in log.tags() - log.tags("images"):
        assert log.steps(tag, "logs/keras_viz") == list(range(EPOCHS))
    drawing, *others = ("keras_viz" in report["threads"] for report in trained.reports)
    assert drawing
    assert not any(others)
    silent, *saying = ("is drawn by the first process" in said for said in trained.said)
    assert not silent
    assert all(saying)


def test_pictures_show_the_weights_of_their_epoch(trained):
    log = Log(trained.out)
    (tag,) = (t for t in log.tags("activations") if t.endswith("conv_a/image_1"))
    drawn = log.records["logs/keras_viz", tag, EPOCHS - 1].statistics
    conv = small_model().get_layer("conv_a")
    conv.set_weights([variable(trained, f"conv_a/{name}") for name in ("kernel", "bias")])
    inputs = IMAGES[1:2] - variable(trained, "centred/mean", 0.0)
    answer = keras.ops.convert_to_numpy(conv(inputs))[0]
    np.testing.assert_allclose(drawn.maximum, answer.max(axis=(0, 1)), rtol=2e-3, atol=1e-5)
    first = log.records["logs/keras_viz", tag, 0].statistics
    assert not np.allclose(drawn.maximum, first.maximum, rtol=2e-3)


def test_nothing_is_compiled_after_the_first_capture(trained):
    for report in trained.reports:
        assert report["compiled"] == [report["compiled"][0]] * EPOCHS
    if BACKEND != "torch":  # which compiles nothing
        assert trained.reports[0]["compiled"][0] > 0


@pytest.mark.parametrize(
    "setting", [setting(name) for name in ("multi_worker", "data_parallel_by_torch")]
)
def test_an_error_in_the_drawing_process_ends_the_others_too(setting, tmp_path):
    arguments = ("--only", "with", "--layers", "conv_x")
    first, second = training_processes.run(setting[0], tmp_path, setting[1], *arguments)
    assert first.returncode != 0
    assert "Received: layers='conv_x'" in first.said
    assert second.returncode != 0
    assert "conv_x" not in second.said


@only_on("jax", "the one that shares out a single variable")
def test_a_model_that_no_process_has_whole_is_refused_by_all_of_them(tmp_path):
    for process in training_processes.run("model_parallel", tmp_path, 2, "--only", "with"):
        assert process.returncode != 0
        assert (
            "ValueError: `model` must have all of its variables in one process to be drawn. "
            "Received: model='sequential', whose variables are spread over 2 processes. Draw its "
            "checkpoints afterwards, by keras-viz replay."
        ) in process.said


def variable(trained, ending, default=None):
    """The first process's value of a variable after training, the mean over its devices."""
    found = [v for name, v in trained.with_callbacks[0].items() if name.endswith(ending)]
    if not found:
        return default
    (value,) = found
    return value.mean(axis=0)
