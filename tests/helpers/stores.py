"""Log directories elsewhere: a real S3 API on this machine, and copies between places."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import fsspec
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

KEYS = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class S3:
    """moto's S3 server in a thread of this process, on a port of its own choice.

    Attributes:
        environment: Leads S3 clients here.
        requests: Method, path, and bytes of the answer, of every request so far.
        delay: Seconds that each answer is held back.
        denied: The method that is answered by "Access Denied".
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, int]] = []
        self.delay = 0.0
        self.denied: str | None = None
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=_Silent
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        # By name and not by address, as real stores are: it has to be looked up.
        endpoint = f"http://localhost:{self._server.server_port}"
        self.environment = {**KEYS, "AWS_ENDPOINT_URL": endpoint}

    def start(self) -> None:
        """Answers from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and closes the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def bytes_read(self) -> dict[str, int]:
        """How many bytes of each object have been read, by name."""
        found: dict[str, int] = {}
        for method, path, length in self.requests:
            if method == "GET" and path.count("/") > 1:
                name = path.rpartition("/")[2]
                found[name] = found.get(name, 0) + length
        return found

    def _answer(self, environ, start_response):
        time.sleep(self.delay)
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if method == self.denied:
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [DENIED]
        body = b"".join(self._app(environ, start_response))
        self.requests.append((method, path, len(body)))
        return [body]


class _Silent(WSGIRequestHandler):
    def log_request(self, *_):
        """Says nothing of each request."""


def files_at(url: str) -> dict[str, bytes]:
    """Every file below a URL, by its path there."""
    store, root = fsspec.core.url_to_fs(url)
    store.invalidate_cache()
    return {path[len(root) :].lstrip("/"): store.cat_file(path) for path in store.find(root)}


def copy_to(url: str, folder: str | Path) -> None:
    """Copies everything below a folder of this machine to a URL."""
    store, root = fsspec.core.url_to_fs(url)
    for path in Path(folder).rglob("*"):
        if path.is_file():
            target = f"{root}/{path.relative_to(folder).as_posix()}"
            store.makedirs(target.rpartition("/")[0], exist_ok=True)
            store.pipe_file(target, path.read_bytes())


def copy_from(url: str, folder: str | Path) -> Path:
    """Copies everything below a URL to a folder of this machine."""
    for name, data in files_at(url).items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Path(folder)
