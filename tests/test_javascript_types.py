"""The tab's JavaScript holds to the types that its comments declare."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = "tensorboard_plugin/static/jsconfig.json"
COMMAND = ["--yes", "--package", "typescript@5", "tsc", "-p", PROJECT]


def test_types_of_the_front_end():
    npx = shutil.which("npx")
    if npx is None:
        if os.environ.get("CI"):
            pytest.fail("In CI the types of the JavaScript have to be checked: install node.")
        pytest.skip("No npx here: the types of the JavaScript are not checked.")
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [npx, *COMMAND], cwd=root, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0 and "error TS" not in done.stdout and not os.environ.get("CI"):
        pytest.skip(f"TypeScript can't be had from the registry: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stdout + done.stderr
