"""pytorch-grad-cam and captum, where Keras runs on torch."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def libraries() -> ModuleType:
    """`tests.helpers.reference_libraries`; where they are not installed in CI, a failure."""
    try:
        import_torchvision()
        from tests.helpers import reference_libraries
    except ModuleNotFoundError as error:
        reason = f"{error.name} is not installed: pip install '.[torch,reference]'"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return reference_libraries


def import_torchvision() -> None:
    """Imports torchvision, which pytorch-grad-cam imports for preparing images.

    PyPI has it built for CUDA. Beside a torch for CPUs its compiled operators can't be loaded, and
    then two that it expects to exist keep it from being imported. None of them is called here, so
    declaring the two is enough to have the rest of it.
    """
    import torch

    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
        for name in ("nms", "qnms"):
            schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", schema)
        importlib.import_module("torchvision")
