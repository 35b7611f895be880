import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("keras_viz_callbacks", "tensorboard_plugin")
NOT_SOURCE = (".*", "*.egg-info", "__pycache__", "build", "dist", "logs", "node_modules", "tests")

# Starts a real TensorBoard with the tab from its entry point alone, and asks it for the tab.
SERVE = """
import sys, urllib.request
from tensorboard import default, program

plugins = default.get_plugins()
(ours,) = [p for p in plugins if getattr(p, "plugin_name", None) == "keras_viz"]
server = program.TensorBoard(plugins)
server.configure(["", "--logdir", sys.argv[1], "--port", "0", "--load_fast", "false"])
script = server.launch() + "data/plugin/keras_viz/static/index.js"
print(sys.modules[ours.__module__].__file__)
print(urllib.request.urlopen(script, timeout=30).status)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without the network from a copy: a build leaves things in its tree."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=shutil.ignore_patterns(*NOT_SOURCE))
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "source")
    (built,) = folder.glob("*.whl")
    return built


def pip(*arguments):
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr


def source_files():
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix()


def test_the_wheel_holds_both_packages_with_all_their_files_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert sorted(n for n in names if ".dist-info/" not in n) == sorted(source_files())
    assert {
        "keras_viz_callbacks/py.typed",
        "tensorboard_plugin/py.typed",
        "tensorboard_plugin/HTTP_API.md",
        "tensorboard_plugin/static/index.js",
    } <= set(names)


def test_the_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    (info,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
    assert metadata["Name"] == "keras-viz-callbacks"
    extras = set(metadata.get_all("Provides-Extra"))
    assert {"tensorflow", "jax", "torch", "examples", "test"} <= extras
    entry_points = configparser.ConfigParser()
    entry_points.read_string(archive.read(f"{info}/entry_points.txt").decode())
    assert dict(entry_points["tensorboard_plugins"]) == {
        "keras_viz": "tensorboard_plugin.plugin:KerasVizPlugin"
    }
    assert any(name.endswith("LICENSE") for name in archive.namelist())


def test_installed_elsewhere_it_gives_tensorboard_the_tab(wheel, tmp_path):
    target = tmp_path / "site"
    pip("install", "--no-deps", "--no-index", "--target", target, wheel)
    (tmp_path / "logs").mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", SERVE, tmp_path / "logs"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    module, status = ran.stdout.splitlines()[-2:]
    assert Path(module).is_relative_to(target)
    assert status == "200"


@pytest.mark.parametrize("name", ["install", "demo", "test", "check", "format", "screenshot"])
def test_scripts_are_executable_and_parse(name):
    script = ROOT / "scripts" / name
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
