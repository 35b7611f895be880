"""A process that has imported everything and computed nothing, and forks one for each trial.

To start TensorFlow takes seconds, to fork a process that has imported it takes none. It is safe as
long as the backend has begun no thread of its own, which it does with its first operation.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


class Child:
    """A process that calls one function.

    Args:
        zygote: Who forks it.
        function: ``module:name``.
        arguments: Of the function, as JSON has them.
    """

    def __init__(self, zygote: Zygote, function: str, arguments: dict[str, Any]) -> None:
        self._zygote = zygote
        self._said = tempfile.NamedTemporaryFile("r")  # noqa: SIM115 - it lives as long as this
        request = {"function": function, "arguments": arguments, "said": self._said.name}
        self.pid: int = zygote.ask(request)

    def kill(self) -> None:
        """Ends it as ``kill -9`` does; it stays there until `wait`, so the number is still its."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> tuple[int, str]:
        """Its exit status, negative for a signal's number, and what it printed."""
        status = self._zygote.ask({"wait": self.pid})
        return status, self._said.read()

    def ends_well(self) -> str:
        """Waits, and checks that it has ended by itself; what it printed."""
        status, said = self.wait()
        assert status == 0, f"exit status {status}\n{said}"
        return said


class Zygote:
    """The one that forks, from the side of the tests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.faults.fork_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.close)

    def ask(self, request: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """Ends it; it has waited for its children."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


@functools.cache
def zygote() -> Zygote:
    """The one of this process."""
    return Zygote()


def child(function: str, **arguments: Any) -> Child:
    """Forks a process that calls a function; paths among the arguments become text."""
    texts = {k: str(v) if isinstance(v, Path) else v for k, v in arguments.items()}
    return Child(zygote(), function, texts)


def _serve() -> None:
    """Answers one request a line; a child leaves by SystemExit, like any program."""
    import tests.helpers.faults.killed
    import tests.helpers.faults.processes  # noqa: F401 - what the children run, with all that it imports

    answers = os.fdopen(os.dup(1), "w")  # what a child prints does not go there
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            print(os.waitstatus_to_exitcode(status), file=answers, flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            answers.close()
            _become(request)
        print(pid, file=answers, flush=True)


def _become(request: dict[str, Any]) -> None:
    output = os.open(request["said"], os.O_WRONLY | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    module, _, name = request["function"].partition(":")
    getattr(importlib.import_module(module), name)(**request["arguments"])
    sys.exit(0)


if __name__ == "__main__":
    _serve()
