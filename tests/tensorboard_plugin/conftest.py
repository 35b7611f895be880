from __future__ import annotations

import typing
from collections.abc import Callable

import pytest

from tensorboard_plugin.index import log_index as index_module
from tensorboard_plugin.index.log_directories import log_directories
from tests.helpers import synthetic_logs
from tests.helpers.tab_api import SPEC, Api


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> synthetic_logs.Log:
    return synthetic_logs.write(str(tmp_path_factory.mktemp("log") / "run1"), SPEC)


@pytest.fixture(scope="session")
def log_dir(log: synthetic_logs.Log) -> str:
    return log.directory.removesuffix("/run1/keras_viz")


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
def index_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., index_module.LogIndex]:
    """Makes an `Index` of a log directory, which looks at the disk at every refresh."""
    monkeypatch.setattr(index_module, "LOOK_EVERY", 0)
    monkeypatch.setattr(index_module, "WALK_EVERY", 0)
    monkeypatch.setattr(index_module, "WALK_SHARE", 0)

    def make(directory: typing.Any, spec: str | None = None) -> index_module.LogIndex:
        index = index_module.LogIndex(
            log_directories(None if directory is None else str(directory), spec)
        )
        index.refresh(seconds=60)
        return index

    return make
