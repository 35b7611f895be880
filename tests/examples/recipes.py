"""Runs a recipe as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}


def run(script, *arguments):
    """The finished process, with what it said; it may fail."""
    return subprocess.run(
        [sys.executable, EXAMPLES / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=500,
        env=os.environ | ENVIRONMENT,
    )


def said_by(script, *arguments):
    """What it printed; a test fails where it fails."""
    ran = run(script, *arguments)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def is_a_picture(path):
    """Whether an image file shows something."""
    return bool(np.ptp(np.asarray(Image.open(path).convert("L"))) > 0)


def write_classes(folder, names, number=10, size=32):
    """A folder of images for each class: noise over a grey of its own."""
    rng = np.random.default_rng(0)
    for place, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for nth in range(number):
            pixels = rng.integers(0, 100, (size, size, 3)) + 150 * place // len(names)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{nth}.png")
    return folder
