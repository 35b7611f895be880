"""The command ``keras-viz``: one file a command, each with ``add_to`` and ``run``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from keras_viz_callbacks.cli import demo, export, replay
from keras_viz_callbacks.cli.command import CommandError, Parser
from keras_viz_callbacks.version import __version__

COMMANDS = (replay, export, demo)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: Arguments; by default, those of the command line.

    Returns:
        The exit status: 0, 2 for an error that the user can correct, 130 for Ctrl-C.
    """
    parser = Parser(
        prog="keras-viz",
        description="Draws what a convnet has learned, and makes pictures from logs.",
        epilog="`keras-viz COMMAND --help` describes a command.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for command in COMMANDS:
        command.add_to(commands)
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except CommandError as error:
        print(f"keras-viz {chosen.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0
