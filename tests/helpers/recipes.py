"""Runs a recipe as a user does, in a process of its own.

The process is forked from one that has only imported Keras: importing a backend takes longer than
most recipes at the size of a test.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.helpers.backends import BACKEND

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = {"KERAS_BACKEND": BACKEND, "TF_CPP_MIN_LOG_LEVEL": "2"}

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["keras"])


def run(script, *arguments, timeout=1500):
    """The finished process, with its output; it may have failed.

    Raises:
        subprocess.TimeoutExpired: It did not end within ``timeout`` seconds, and was killed.
    """
    command = [str(EXAMPLES / script), *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        printed, errors = Path(folder, "stdout"), Path(folder, "stderr")
        here = (os.getcwd(), {**os.environ, **ENVIRONMENT})
        process = _forks.Process(target=_main, args=(command, *here, printed, errors))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(command, timeout, printed.read_text())
        return subprocess.CompletedProcess(
            command, process.exitcode, printed.read_text(), errors.read_text()
        )


def _main(command, directory, environment, printed, errors):
    """Does what `python SCRIPT …` does, with the output in files."""
    for path, stream in ((printed, sys.stdout), (errors, sys.stderr)):
        with open(path, "w") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    sys.argv = command
    sys.path.insert(0, os.path.dirname(command[0]))
    runpy.run_path(command[0], run_name="__main__")


def said_by(script, *arguments, timeout=1500):
    """The printed text; fails if the recipe fails."""
    ran = run(script, *arguments, timeout=timeout)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def is_a_picture(path):
    """Whether an image file shows something."""
    return bool(np.ptp(np.asarray(Image.open(path).convert("L"))) > 0)


def write_classes(folder, names, number=10, size=32):
    """Writes a folder of images for each class: noise on another grey for each."""
    rng = np.random.default_rng(0)
    for place, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for nth in range(number):
            pixels = rng.integers(0, 100, (size, size, 3)) + 150 * place // len(names)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{nth}.png")
    return folder
