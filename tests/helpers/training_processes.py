"""Starts the processes of one training, waits for them, and reads what they left."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
TIMEOUT = 240
"""Seconds until a process is taken to hang. On an idle machine of two cores they need 20."""


@dataclass(frozen=True)
class Process:
    """One process that has ended."""

    returncode: int
    said: str


@dataclass(frozen=True)
class Trained:
    """What each process of a setting left; lists by process."""

    out: Path
    without: list[dict[str, np.ndarray]]
    with_callbacks: list[dict[str, np.ndarray]]
    reports: list[dict]
    said: list[str]


def trained(setting, out, number) -> Trained:
    """Both trainings of a setting, all of whose processes ended well."""
    ended = run(setting, out, number)
    for process in ended:
        assert process.returncode == 0, process.said
    return Trained(
        out,
        *(
            [dict(np.load(out / f"{name}_{index}.npz")) for index in range(number)]
            for name in ("without", "with")
        ),
        [json.loads((out / f"report_{index}.json").read_text()) for index in range(number)],
        [process.said for process in ended],
    )


def run(setting, out, number, *arguments) -> list[Process]:
    """Runs `train.py` in that many processes; none of them outlives this call."""
    (out / "a_file").write_text("so that no directory can be made here")
    addresses = [f"127.0.0.1:{port}" for port in free_ports(number)]
    processes, outputs = [], []
    try:
        for index in range(number):
            outputs.append(tempfile.TemporaryFile("w+"))  # noqa: SIM115 - closed below
            command = [
                sys.executable,
                "-m",
                "tests.helpers.distributed_training",
                setting,
                str(out),
                *arguments,
            ]
            processes.append(
                subprocess.Popen(
                    [*command, "--process", str(index), "--of", str(number)],
                    cwd=ROOT,
                    env=os.environ | environment(index, addresses),
                    stdout=outputs[-1],
                    stderr=subprocess.STDOUT,
                )
            )
        return [ended(*both) for both in zip(processes, outputs, strict=True)]
    finally:
        for process in processes:
            process.kill()  # of one that has ended, nothing
            process.wait()
        for output in outputs:
            output.close()


def ended(process, output) -> Process:
    """Waits for a process, with what it printed."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(TIMEOUT)
    output.seek(0)
    said = output.read()
    assert process.returncode is not None, f"It hangs.\n{said}"
    return Process(process.returncode, said)


def environment(index, addresses):
    """What tells a process of the others, and of its devices, in the words of each backend."""
    of = len(addresses)
    variables = {
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={4 // of}",
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": addresses[0],
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(of),
        "KERAS_DISTRIBUTION_PROCESS_ID": str(index),
    }
    if of > 1:
        # A chief by name; the recipe's test has one that is worker 0.
        cluster = {"chief": addresses[:1], "worker": addresses[1:]}
        task = {"type": "worker", "index": index - 1} if index else {"type": "chief", "index": 0}
        variables["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
    return variables


def free_ports(number):
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
