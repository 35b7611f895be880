"""What importing each package brings along, each in a process of its own."""

import os
import subprocess
import sys

import pytest

from tests.helpers.backends import BACKEND

BACKENDS = {"tensorflow", "jax", "torch"}


def imported(statement):
    """Top-level modules there are after a statement."""
    script = f"{statement}; import sys; print(*{{m.partition('.')[0] for m in sys.modules}})"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "KERAS_BACKEND": BACKEND},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


def test_the_callbacks_import_no_backend_but_the_one_keras_has_chosen():
    assert imported("import keras_viz_callbacks") & BACKENDS == {BACKEND}


@pytest.mark.parametrize("module", ["tensorboard_plugin", "tensorboard_plugin.plugin"])
def test_the_tab_imports_neither_keras_nor_a_backend(module):
    found = imported(f"import {module}")
    assert not found & (BACKENDS | {"keras", "keras_viz_callbacks"})


def test_what_design_promises_is_exported():
    import keras_viz_callbacks as package

    assert set(package.__all__) == {
        "ActivationGrid",
        "FilterPatterns",
        "GradCAM",
        "Saliency",
        "__version__",
        "activation_maps",
        "filter_patterns",
        "generate_pattern",
        "grad_cam",
        "saliency",
    }
    assert all(hasattr(package, name) for name in package.__all__)
