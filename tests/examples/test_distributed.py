import pytest

from tests.helpers.backends import by_backend
from tests.helpers.event_logs import Log
from tests.helpers.recipes import said_by

SETTINGS = by_backend(
    tensorflow=[
        ((), ["process 0: 2 replicas in all"]),
        (("--processes", "2"), ["process 0: 2 replicas in all", "process 1: 2 replicas in all"]),
    ],
    jax=[
        (("--devices", "4"), ["process 0: 4 devices in all"]),
        (("--processes", "2"), ["process 0: 4 devices in all", "process 1: 4 devices in all"]),
    ],
    torch=[(("--processes", "2"), ["process 0: 2 in all, gloo", "process 1: 2 in all, gloo"])],
)


@pytest.mark.parametrize(("how", "expected"), SETTINGS)
def test_one_process_draws_every_epoch(tmp_path, how, expected):
    arguments = ["--epochs", "2", "--scenes", "64", "--log-dir", tmp_path, "--run", "tiny"]
    said = said_by("distributed.py", *arguments, *how)
    for part in expected:
        assert part in said
    assert f'tensorboard --logdir "{tmp_path}"' in said
    log = Log(tmp_path / "tiny")
    assert len(log.files) == 1
    for tag in ("activations/conv1/image_2", "filters/conv2", "grad_cam/conv5/image_0"):
        assert log.steps(tag) == [0, 1]
    assert "loss" in log.records["keras_viz", "grad_cam/conv5/image_0", 1].metrics
