import re

from tests.helpers.backends import BACKEND
from tests.helpers.event_logs import Log
from tests.helpers.recipes import said_by


def test_a_model_that_is_trained_here_is_seen_the_same_when_it_is_loaded(tmp_path):
    small = ("--log-dir", tmp_path / "trained", "--epochs", "1", "--scenes", "64")
    said = said_by("jax_and_torch.py", "--backend", BACKEND, *small)
    saved = tmp_path / "trained" / BACKEND / "model.keras"
    assert f"Saved {saved}" in said
    arguments = ("--backend", BACKEND, "--model", saved, "--log-dir", tmp_path / "loaded")
    said = said_by("jax_and_torch.py", *arguments)
    found = re.search(rf"Class maps on {BACKEND} .* differ by (\S+)\.\n", said)
    assert float(found[1]) < 1e-5
    for name in ("trained", "loaded"):
        log = Log(tmp_path / name / BACKEND)
        for tag in ("activations/conv1/image_7", "filters/conv5", "grad_cam/conv5/image_0"):
            assert log.steps(tag) == [0]
