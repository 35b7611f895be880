"""The plugin in whole TensorBoards, with both loaders."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import typing
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from tensorboard import default, program
from tensorboard.plugins import base_plugin

from tensorboard_plugin import plugin as plugin_module
from tensorboard_plugin.plugin import KerasVizPlugin
from tests.helpers import synthetic_logs
from tests.helpers.tab_api import HTTP_API, PREFIX, SPEC, Api

TAG = "activations/conv2d_1/image_1"

SETTINGS = {
    "fast": ["--logdir={}", "--load_fast=true"],
    "auto": ["--logdir={}"],
    "no data server": ["--logdir={}"],
    "python": ["--logdir={}", "--load_fast=false"],
    "path prefix": ["--logdir={}", "--load_fast=false", "--path_prefix=/a/b"],
    "logdir_spec": ["--logdir_spec=mine:{}"],
    "file URL": ["--logdir=file://{}"],
}


def fetch(url: str, **query: typing.Any) -> bytes:
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(query)}", timeout=30) as response:
        return typing.cast(bytes, response.read())


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_whole_tensorboard(
    setting: str, log: synthetic_logs.Log, log_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting == "no data server":
        monkeypatch.setenv("TENSORBOARD_DATA_SERVER_BINARY", "/nonexistent")
    # Not the installed plugins: ours may be among them, and no name may come twice.
    board = program.TensorBoard(plugins=[*default.get_static_plugins(), KerasVizPlugin])
    options = [option.format(log_dir) for option in SETTINGS[setting]]
    board.configure(["tensorboard", "--port=0", "--host=127.0.0.1", *options])
    if setting == "fast" and not _has_data_server():
        pytest.skip("tensorboard-data-server has no binary for this machine")
    url = board.launch().rstrip("/") + "/data/"

    listing = json.loads(fetch(f"{url}plugins_listing"))["keras_viz"]
    assert (listing["enabled"], listing["tab_name"]) == (True, "Keras Viz")
    assert listing["loading_mechanism"] == {
        "type": "IFRAME",
        "module_path": f"{urllib.parse.urlsplit(url).path}plugin/keras_viz/static/index.js",
    }

    ours = f"{url}plugin/keras_viz/"
    while True:
        runs = json.loads(fetch(f"{ours}runs"))
        if runs["indexing"]["done"] == runs["indexing"]["total"]:
            break
    expected_run = {"logdir_spec": "mine/run1/keras_viz"}.get(setting, "run1/keras_viz")
    assert [run["run"] for run in runs["runs"]] == [expected_run]
    for step in log.steps(TAG):
        data = fetch(f"{ours}picture", run=expected_run, tag=TAG, step=step)
        assert data == log.pictures[TAG, step].png
    with pytest.raises(urllib.error.HTTPError) as failed:
        fetch(f"{ours}picture", run=expected_run, tag=TAG, step=99)
    assert json.load(failed.value)["error"]["code"] == "unknown_step"

    stock = _when_loaded(f"{url}plugin/images/tags", expected_run)
    assert set(stock[expected_run]) == set(log.tags)


def _has_data_server() -> bool:
    try:
        import tensorboard_data_server
    except ImportError:
        return False
    return tensorboard_data_server.server_binary() is not None


def _when_loaded(url: str, run: str) -> dict[str, typing.Any]:
    """TensorBoard's own loaders work in the background."""
    end = time.monotonic() + 60
    while True:
        answer: dict[str, typing.Any] = json.loads(fetch(url))
        if len(answer.get(run, ())) > 20 or time.monotonic() > end:
            return answer
        time.sleep(0.2)


def test_the_tab_is_inactive_without_a_run_of_ours(tmp_path: Path) -> None:
    plugin = KerasVizPlugin(base_plugin.TBContext(logdir=str(tmp_path)))
    assert not plugin.is_active()
    synthetic_logs.write(str(tmp_path / "run"), synthetic_logs.Spec(epochs=1, layers=1, images=1))
    plugin = KerasVizPlugin(base_plugin.TBContext(logdir=str(tmp_path)))
    assert plugin.is_active()


def test_a_context_without_anything() -> None:
    plugin = KerasVizPlugin(base_plugin.TBContext())
    assert not plugin.is_active()
    assert plugin.frontend_metadata().es_module_path in plugin.get_plugin_apps()


def test_the_entry_module_imports_no_framework() -> None:
    code = (
        "import sys, tensorboard_plugin.plugin as p\n"
        "from tensorboard.plugins import base_plugin\n"
        "p.KerasVizPlugin(base_plugin.TBContext(logdir='none')).get_plugin_apps()\n"
        "heavy = 'keras tensorflow jax torch keras_viz_callbacks numpy matplotlib PIL fsspec'\n"
        "print([m for m in heavy.split() if m in sys.modules and m not in before])"
    )
    # What TensorBoard itself imports before it looks at any plugin is not ours.
    code = "import sys, tensorboard.plugins.base_plugin\nbefore = set(sys.modules)\n" + code
    root = Path(plugin_module.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of static files of our own making."""
    folder = tmp_path / "package" / "static"
    (folder / "views").mkdir(parents=True)
    (folder / "index.js").write_text("export function render() {}")
    (folder / "style.css").write_text("p {}")
    (folder / "views" / "grid.js").write_text("// ü")
    (folder / "secret.py").write_text("no")
    (tmp_path / "package" / "outside.js").write_text("no")
    (folder / "link.js").symlink_to(tmp_path / "package" / "outside.js")
    monkeypatch.setattr(plugin_module, "STATIC", str(folder))
    return folder


def test_static_files(static: Path, log_dir: str) -> None:
    api = Api(log_dir)
    for name, kind in (
        ("index.js", "text/javascript; charset=utf-8"),
        ("views/grid.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
    ):
        response = api.get(f"static/{name}")
        assert response.data == (static / name).read_bytes()
        assert response.headers["Content-Type"] == kind
        assert response.headers["Cache-Control"] == "no-cache"
        again = api.get(f"static/{name}", headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "../outside.js",
        "views/../../outside.js",
        "%2e%2e/outside.js",
        "..%2foutside.js",
        "..%5coutside.js",
        "link.js",
        "secret.py",
        "views",
        "/etc/passwd",
        "none.js",
        "index.js%00",
    ],
)
def test_nothing_but_static_files(static: Path, log_dir: str, path: str) -> None:
    response = Api(log_dir).get(f"static/{path}")
    assert (response.status_code, response.get_json()["error"]["code"]) == (404, "not_found")


def test_more_steps_than_tensorboard_keeps_can_be_reached(
    api: Api, log: synthetic_logs.Log
) -> None:
    assert SPEC.epochs > 10
    run = api.json("run", run="run1/keras_viz")
    place = next(s["step_list"] for s in run["series"] if s["tag"] == TAG)
    assert run["step_lists"][place] == log.steps(TAG) == list(range(SPEC.epochs))


def test_the_contract_names_every_route() -> None:
    documented = set(re.findall(r"^\| \[`([\w.]+)`\]", HTTP_API, re.MULTILINE))
    plugin = KerasVizPlugin(base_plugin.TBContext(logdir=None))
    routes = {route.lstrip("/") for route in plugin.get_plugin_apps()}
    assert routes == documented | {"static/*", "static/index.js"}
    for route in documented:
        assert f"## `{route}`" in HTTP_API


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_only_get(api: Api, method: str) -> None:
    response = getattr(api.client, method)(f"{PREFIX}runs")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert response.get_json()["error"]["code"] == "method_not_allowed"
    head = api.client.head(f"{PREFIX}runs")
    assert (head.status_code, head.data) == (200, b"")
