import configparser
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import keras_viz_callbacks
from keras_viz_callbacks.cli import COMMANDS, command, main

ROOT = Path(__file__).parents[2]


def test_the_command_that_is_installed_is_this_one():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    (line,) = settings["options.entry_points"]["console_scripts"].strip().splitlines()
    name, _, target = line.partition(" = ")
    assert name == "keras-viz"
    module, _, function = target.partition(":")
    assert getattr(importlib.import_module(module), function) is main


def test_help_names_every_command(keras_viz):
    status, said, _ = keras_viz("--help")
    assert status == 0
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        assert f"\n    {name} " in said
        status, own, _ = keras_viz(name, "--help")
        assert status == 0
        assert own.startswith(f"usage: keras-viz {name} ")


def test_the_module_is_the_command():
    ran = subprocess.run(
        [sys.executable, "-m", "keras_viz_callbacks.cli", "--version"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.stdout == f"keras-viz {keras_viz_callbacks.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "keras-viz: the following arguments are required: COMMAND (see keras-viz --help)\n"),
        (
            ["replay"],
            "keras-viz replay: the following arguments are required: CHECKPOINT, --images, "
            "--log-dir (see keras-viz replay --help)\n",
        ),
        (
            ["demo", "--epochs", "0"],
            "keras-viz demo: argument --epochs: must be a whole number of at least 1, not '0' "
            "(see keras-viz demo --help)\n",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(keras_viz, arguments, message):
    status, said, error = keras_viz(*arguments)
    assert (status, said, error) == (2, "", message)


def test_an_error_of_several_lines_becomes_one():
    assert str(command.CommandError("a\n  b")) == "a b"
