"""A process that has imported everything and computed nothing, and forks one for each time.

Importing TensorFlow takes seconds; forking a process that has imported it takes none. This is safe
until the backend starts threads of its own, which it does with its first operation.
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
        server: The server that forks it.
        function: ``module:name``.
        arguments: Arguments of the function, of types that JSON has.
    """

    def __init__(self, server: ForkServer, function: str, arguments: dict[str, Any]) -> None:
        self._server = server
        self._output = tempfile.NamedTemporaryFile("r")  # noqa: SIM115 - it lives as long as this
        request = {"function": function, "arguments": arguments, "output": self._output.name}
        self.pid: int = server.ask(request)

    def kill(self) -> None:
        """Kills it like ``kill -9``; its process id stays reserved until `wait`."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> tuple[int, str]:
        """Its exit status, negative for the number of a signal, and what it printed."""
        status = self._server.ask({"wait": self.pid})
        return status, self._output.read()

    def check_success(self) -> str:
        """Waits for it and checks its exit status; returns what it printed."""
        status, output = self.wait()
        assert status == 0, f"exit status {status}\n{output}"
        return output


class ForkServer:
    """The process that forks, as the tests see it."""

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
        """Ends it; its children have ended before."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


@functools.cache
def fork_server() -> ForkServer:
    """The only one of this process."""
    return ForkServer()


def child(function: str, **arguments: Any) -> Child:
    """Forks a process that calls a function; paths among the arguments become text."""
    texts = {k: str(v) if isinstance(v, Path) else v for k, v in arguments.items()}
    return Child(fork_server(), function, texts)


def _serve() -> None:
    """Replies to one request a line; a child ends by SystemExit, like any program."""
    import tests.helpers.faults.killed
    import tests.helpers.faults.processes  # noqa: F401 - what the children run, with all its imports

    replies = os.fdopen(os.dup(1), "w")  # a child prints to another file
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            print(os.waitstatus_to_exitcode(status), file=replies, flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            replies.close()
            _run_function(request)
        print(pid, file=replies, flush=True)


def _run_function(request: dict[str, Any]) -> None:
    output = os.open(request["output"], os.O_WRONLY | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    module, _, name = request["function"].partition(":")
    getattr(importlib.import_module(module), name)(**request["arguments"])
    sys.exit(0)


if __name__ == "__main__":
    _serve()
