"""What the commands share: how they read arguments and how they say what is wrong."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import NoReturn

_ARGUMENTS = re.compile("`(class_names|filters|images|labels|layers|log_dir|max_images)`")


class CommandError(Exception):
    """What the user can put right, in one line: the argument, the rule, the way out."""

    def __init__(self, message: object) -> None:
        text = " ".join(str(message).split())
        # The library speaks of `log_dir`, the command line of --log-dir.
        super().__init__(_ARGUMENTS.sub(lambda m: f"--{m[1].replace('_', '-')}", text))


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line: the usage is in ``--help``."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong and exits."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def positive(text: str) -> int:
    """A number of at least 1, for ``type=``."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return number


def where_to_look(log_dir: Path) -> str:
    """The last line of commands that write logs."""
    return f'To see it: tensorboard --logdir "{log_dir}", then the tab "Keras Viz".'
