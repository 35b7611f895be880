"""Arguments and error messages of all commands."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import NoReturn

_ARGUMENTS = re.compile("`(class_names|filters|images|labels|layers|log_dir|max_images)`")


class CommandError(Exception):
    """An error that the user can correct, in one line: the argument, the rule, what to do."""

    def __init__(self, message: object) -> None:
        text = " ".join(str(message).split())
        # The library writes `log_dir`, the command line --log-dir.
        super().__init__(_ARGUMENTS.sub(lambda m: f"--{m[1].replace('_', '-')}", text))


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Prints what is wrong, and exits."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def positive(text: str) -> int:
    """A whole number of at least 1, for ``type=``."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return number


def where_to_look(log_dir: Path) -> str:
    """A line that says how to show the pictures, for commands that write logs."""
    return f'To see it: tensorboard --logdir "{log_dir}", then the tab "Keras Viz".'
