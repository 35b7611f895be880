from __future__ import annotations

import typing
from collections.abc import Callable

import pytest
from tensorboard.backend import application
from tensorboard.plugins import base_plugin
from werkzeug.test import Client

from tensorboard_plugin.index import log_index as index_module
from tensorboard_plugin.plugin import KerasVizPlugin
from tests.helpers import synthetic_logs

PREFIX = "/data/plugin/keras_viz/"

# More than the ten steps that TensorBoard itself keeps of a tag.
SPEC = synthetic_logs.Spec(epochs=12, layers=5, images=2, class_maps=2)


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> synthetic_logs.Log:
    return synthetic_logs.write(str(tmp_path_factory.mktemp("log") / "run1"), SPEC)


@pytest.fixture(scope="session")
def log_dir(log: synthetic_logs.Log) -> str:
    return log.directory.removesuffix("/run1/keras_viz")


class Api:
    """GETs routes the way a browser does, through TensorBoard's own application."""

    def __init__(self, log_dir: str) -> None:
        plugin = KerasVizPlugin(base_plugin.TBContext(logdir=log_dir))
        self.client = Client(application.TensorBoardWSGI([plugin]))

    def get(self, route: str, headers: typing.Any = None, **query: typing.Any) -> typing.Any:
        response = self.client.get(PREFIX + route, query_string=query, headers=headers)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Type"]
        assert response.headers["Cache-Control"]
        return response

    def json(self, route: str, **query: typing.Any) -> typing.Any:
        response = self.get(route, **query)
        assert response.status_code == 200, response.data
        return response.get_json()

    def settled(self) -> typing.Any:
        """`runs` when everything has been read."""
        while True:
            answer = self.json("runs")
            if answer["indexing"]["done"] == answer["indexing"]["total"]:
                return answer


@pytest.fixture(scope="session")
def api(log_dir: str) -> Api:
    result = Api(log_dir)
    result.settled()
    return result


@pytest.fixture
def api_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[typing.Any], Api]:
    """Makes an `Api` of a log directory, which looks at the disk at every request."""
    monkeypatch.setattr(index_module, "LOOK_EVERY", 0)
    monkeypatch.setattr(index_module, "WALK_EVERY", 0)
    monkeypatch.setattr(index_module, "WALK_SHARE", 0)
    return lambda directory: Api(str(directory))


@pytest.fixture
def index_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., index_module.Index]:
    """Makes an `Index` of a log directory, which looks at the disk at every refresh."""
    monkeypatch.setattr(index_module, "LOOK_EVERY", 0)
    monkeypatch.setattr(index_module, "WALK_EVERY", 0)
    monkeypatch.setattr(index_module, "WALK_SHARE", 0)

    def make(directory: typing.Any, spec: str | None = None) -> index_module.Index:
        index = index_module.Index(
            index_module.roots_of(None if directory is None else str(directory), spec)
        )
        index.refresh(seconds=60)
        return index

    return make
