"""Malformed requests, many clients at once, and clients that hang up."""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import functools
import http.client
import io
import json
import logging
import os
import random
import re
import socket
import struct
import sys
import threading
import time
import typing
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from tensorboard import program
from tensorboard.backend import application
from tensorboard.plugins import base_plugin

import tensorboard_plugin
from keras_viz_callbacks.summary import event_file
from tensorboard_plugin import plugin as plugin_module
from tensorboard_plugin import schema
from tensorboard_plugin.answers import pictures
from tensorboard_plugin.plugin import KerasVizPlugin
from tests.helpers import synthetic_logs
from tests.helpers.faults.fault import fault
from tests.helpers.tab_api import PREFIX, Api

REQUESTS = 60
"""Requests that hypothesis makes in one go."""

CLIENTS = 32

HTTP_API = (Path(tensorboard_plugin.__file__).parent / "HTTP_API.md").read_text(encoding="utf-8")
ROUTES = sorted(set(re.findall(r"^\| \[`([\w.]+)`\]", HTTP_API, re.MULTILINE)))
CODES = set(re.findall(r"`(\w+)`", HTTP_API.partition("### Errors")[2].partition("### Caching")[0]))
TYPES = {
    "application/json; charset=utf-8",
    "application/octet-stream",
    "application/zip",
    "image/gif",
    "image/png",
    "text/css; charset=utf-8",
    "text/javascript; charset=utf-8",
}
SPEC = synthetic_logs.Spec(epochs=3, layers=2, images=2, channels=4, cell=4, size=8)
RUN, GRID = f"run/{schema.RUN_NAME}", "activations/conv2d_0/image_0"
SECRET = b"what lies outside of the log directory"

_text = st.text(st.characters(codec="utf-8"), max_size=30)
_values = st.one_of(
    st.sampled_from(
        [RUN, GRID, "filters", "image_0", "conv2d_0", "dead_channels", "change", "8", "1"]
    ),
    st.sampled_from(["..", "../secret", "/etc/passwd", "%00", "\0", "\r\nX: y", "a" * 5000, "NaN"]),
    st.integers().map(str),
    st.floats().map(str),
    _text,
)
_NAMES = """run tag step v size item bits first last every measure name layer image duration
    download"""
_parameters = st.sampled_from(_NAMES.split())
_query = st.lists(st.tuples(st.one_of(_parameters, _parameters, _text), _values), max_size=6)
_raw = st.one_of(st.none(), st.binary(max_size=20).map(lambda b: urllib.parse.quote_from_bytes(b)))
_parts = st.sampled_from(["..", "%2e%2e", "views", "\\", "%5c", "%00", "etc", "//"]) | _text
_static = st.builds(
    lambda parts, name: "/".join(["static", *parts, name]),
    st.lists(_parts, max_size=4),
    st.sampled_from(["index.js", "style.css", "plugin.py", "secret", "passwd"]),
)


@fault(
    f"Any text, number or bytes as parameters of any route, {REQUESTS} requests each time",
    checked="each answer is what was asked for or the one JSON error that HTTP_API.md describes; "
    "no file outside of the log directory and of the tab's own is opened",
    seen="the parameter, its rule, what was received, and the way out",
    times=100,
    tested=3,
)
def any_request(directory: Path, number: int) -> str:
    (directory / "secret").write_bytes(SECRET)
    api = _api(str(directory / "logs"))
    # Whatever is imported when it is first needed is imported now.
    _check(api, "thumbnail", urllib.parse.urlencode({"run": RUN, "tag": GRID, "step": 0}))
    _check(api, "export.gif", urllib.parse.urlencode({"run": RUN, "tag": GRID}))

    @seed(number)
    @settings(
        max_examples=REQUESTS,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(st.sampled_from(ROUTES), _static), _query, st.booleans(), _raw)
    def check(route: str, query: list[tuple[str, str]], is_complete: bool, raw: str | None) -> None:
        if is_complete:
            named = {name for name, _ in query}
            base = {"run": RUN, "tag": GRID, "step": "1", "item": "1", "name": "filters"}
            query = [(k, v) for k, v in base.items() if k not in named] + query
        encoded = urllib.parse.urlencode(query) + ("" if raw is None else f"&layer={raw}")
        if route.startswith("static/"):
            route = urllib.parse.quote(route, safe="/%")
        with opened_files() as opened:
            _check(api, route, encoded)
        allowed = (str(directory / "logs"), plugin_module.STATIC)
        assert [path for path in opened if not os.path.realpath(path).startswith(allowed)] == []

    check()
    return f"{REQUESTS} requests"


def _api(log_dir: str) -> Api:
    synthetic_logs.write(f"{log_dir}/run", SPEC)
    api = Api(log_dir)
    api.settled()
    return api


def _check(api: Api, route: str, query: str) -> None:
    response = api.client.get(f"{PREFIX}{route}?{query}")
    data = response.data
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert b"Traceback" not in data
    assert SECRET not in data
    if response.status_code == 200:
        assert response.headers["Content-Type"] in TYPES
        if response.headers["Content-Type"].startswith("application/json"):
            json.loads(data)
        return
    assert response.status_code in (400, 404), (route, query, data)
    if response.headers["Content-Type"].startswith("text/plain"):
        # TensorBoard itself refuses what is no path at all, such as one with a number sign.
        assert route.startswith("static/")
        return
    error = response.get_json()["error"]
    assert set(error) == {"code", "parameter", "message"}
    assert error["code"] in CODES - {"internal"}, error


_watching = threading.local()


@functools.cache
def _hear_of_opened_files() -> None:
    """For the rest of this process: such a hook can't be taken away."""

    def hear(event: str, arguments: tuple[typing.Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and hasattr(_watching, "found"):
            _watching.found.append(arguments[0])

    sys.addaudithook(hear)


@contextlib.contextmanager
def opened_files() -> Iterator[list[str]]:
    """What this thread opens meanwhile."""
    _hear_of_opened_files()
    _watching.found = []
    try:
        yield _watching.found
    finally:
        del _watching.found


class Heard(logging.Handler):
    """Keeps what is logged as an error or with an exception."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        if record.exc_info or record.levelno >= logging.ERROR:
            self.found.append(self.format(record))


@contextlib.contextmanager
def served(log_dir: str) -> Iterator[int]:
    """TensorBoard's own server on a free port; nothing of it is left, or was said, at the end."""
    before = set(threading.enumerate())
    heard, said = Heard(), io.StringIO()
    app = application.TensorBoardWSGI([KerasVizPlugin(base_plugin.TBContext(logdir=log_dir))])
    flags = argparse.Namespace(
        host="127.0.0.1", port=0, bind_all=False, reuse_port=False, path_prefix=""
    )
    server = program.WerkzeugServer(app, flags)
    loggers = [logging.getLogger(name) for name in (None, "tensorboard", "werkzeug")]
    for logger in loggers:
        logger.addHandler(heard)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    try:
        with contextlib.redirect_stderr(said):
            thread.start()
            yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for logger in loggers:
            logger.removeHandler(heard)
    _wait_until(lambda: not set(threading.enumerate()) - before)
    assert heard.found == []
    assert "Traceback" not in said.getvalue()


def _wait_until(holds: typing.Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@fault(
    f"{CLIENTS} clients at once, on every route, while a training writes",
    checked="each request is answered, each picture byte for byte; in the end all are there; no "
    "thread is left and nothing is logged",
    seen="nothing",
    times=10,
)
def many_clients(directory: Path, number: int) -> str:
    spec = synthetic_logs.Spec(
        epochs=20, layers=2, images=2, channels=4, cell=4, size=8, seed=number
    )
    written: dict[tuple[str, int], bytes] = {}
    file = event_file.EventFile(str(directory / "run" / schema.RUN_NAME))
    captures = synthetic_logs.captures(spec)

    def write_next() -> bool:
        for step, capture in captures:
            synthetic_logs.write_capture(file, step, capture)
            written.update({(w.record.tag, step): w.png for w in capture})
            return True
        return False

    write_next()
    done = threading.Event()
    with served(str(directory)) as port:
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(_client, port, seed, written, done) for seed in range(CLIENTS)]
            while write_next():
                time.sleep(0.02)
            done.set()
            asked = sum(client.result() for client in clients)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            while (runs := _get(connection, "runs"))["indexing"]["done"] < os.path.getsize(
                typing.cast(str, file.path)
            ):
                time.sleep(0.05)
            assert runs["runs"][0]["pictures"] == len(written)
    file.close()
    return f"{asked} requests"


def _client(
    port: int, seed: int, written: dict[tuple[str, int], bytes], done: threading.Event
) -> int:
    """Asks for this and that until all is written; how often it asked."""
    rng = random.Random(seed)
    asked = 0
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as c:
        while not done.is_set() or asked < len(ROUTES):
            route = ROUTES[asked % len(ROUTES)] if rng.random() < 0.7 else "picture"
            tag, step = rng.choice(list(written))
            item = 0 if tag.startswith(("activations", "filters")) else None
            query = {"run": RUN, "tag": tag, "step": step, "item": item}
            query = {k: v for k, v in query.items() if v is not None}
            answer = _get(c, route, missing=(404, 400), **query)
            if route == "picture" and answer is not None:
                assert answer == written[tag, step]
            asked += 1
    return asked


def _get(
    connection: http.client.HTTPConnection,
    route: str,
    missing: tuple[int, ...] = (),
    **query: object,
) -> typing.Any:
    """What a route answers; None where what is asked for is not there."""
    connection.request("GET", f"{PREFIX}{route}?{urllib.parse.urlencode(query)}")
    response = connection.getresponse()
    data = response.read()
    kind = response.headers["Content-Type"]
    content = json.loads(data) if kind.startswith("application/json") else data
    if response.status in missing:
        assert content["error"]["code"] in CODES
        return None
    assert response.status == 200, data[:500]
    assert kind in TYPES
    return content


FRAMES, SIDE = 120, 256


@fault(
    "A client that hangs up in the middle of a GIF or ZIP",
    checked="the server stops reading pictures for it, goes on for others, keeps no thread and "
    "logs nothing",
    seen="nothing",
    times=40,
    tested=2,
)
def hangs_up(directory: Path, number: int) -> str:
    route = ("export.gif", "export.zip")[number % 2]
    wanted = (0, 10, 1000, 20_000)[number // 2 % 4]
    tag = _write_noise(directory)
    reads = 0
    original = pictures.read

    def counted(entry: typing.Any) -> bytes:
        nonlocal reads
        reads += 1
        return original(entry)

    with served(str(directory)) as port, mock.patch.object(pictures, "read", counted):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            while (runs := _get(connection, "runs"))["indexing"]["done"] < runs["indexing"][
                "total"
            ]:
                pass
        threads = threading.active_count()
        query = urllib.parse.urlencode({"run": RUN, "tag": tag, "every": 1})
        _hang_up(port, f"{PREFIX}{route}?{query}", wanted)
        _wait_until(lambda: threading.active_count() <= threads)
        assert reads < FRAMES, "the rest is not read: no client waits for it"
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            assert _get(connection, "picture", run=RUN, tag=tag, step=0)
    return f"{route} after {wanted} bytes, {reads} of {FRAMES} pictures read"


def _write_noise(directory: Path) -> str:
    """Pictures that no format makes smaller, so that they do not fit into a socket's buffers."""
    rng = np.random.default_rng(0)
    file = event_file.EventFile(str(directory / "run" / schema.RUN_NAME))
    record = schema.Record("activations", GRID, SIDE, SIDE)
    for step in range(FRAMES):
        buffer = io.BytesIO()
        noise = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        Image.fromarray(noise).save(buffer, "PNG", compress_level=0)
        written = synthetic_logs.Written(step, buffer.getvalue(), record)
        synthetic_logs.write_capture(file, step, [written])
    file.close()
    return GRID


def _hang_up(port: int, path: str, wanted: int) -> None:
    """Reads so many bytes of an answer and then resets the connection."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        got = 0
        while got < wanted:
            got += len(client.recv(min(4096, wanted - got)))
        # No farewell: the other side learns it when it writes.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
