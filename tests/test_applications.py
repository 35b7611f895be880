"""Architectures of keras.applications inside a ``fit``: a few always, all of them with -m slow."""

import pytest

from docs.applications import architectures, try_out

ALWAYS = {"MobileNet", "VGG16"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ALWAYS else pytest.mark.slow)
        for name in architectures()
    ],
)
def test_every_technique_draws_with_default_layers(name):
    result = try_out(architectures()[name])
    assert result["activations"] >= 13
    assert result["grad_cam"] == 1
    assert result["filters"] == 3
