"""Where things are: each module has its test file, and imports go one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
PACKAGES = ("keras_viz_callbacks", "tensorboard_plugin")

# Modules without a test file of their own: the file that tests them, and why it does.
TESTED_ELSEWHERE = {
    "keras_viz_callbacks/capture/jax.py": (
        "capture/test_backend.py",
        "the suite runs on each backend, and the backends are compared",
    ),
    "keras_viz_callbacks/capture/tensorflow.py": (
        "capture/test_backend.py",
        "the suite runs on each backend, and the backends are compared",
    ),
    "keras_viz_callbacks/capture/torch.py": (
        "capture/test_backend.py",
        "the suite runs on each backend, and the backends are compared",
    ),
    "keras_viz_callbacks/cli/__main__.py": ("cli/test_command.py", "it calls the command"),
    "keras_viz_callbacks/summary/log_folder.py": (
        "summary/test_local_folder.py",
        "it says what every folder does, and does nothing itself",
    ),
    "keras_viz_callbacks/version.py": ("test_packaging.py", "it is the version of the package"),
    "tensorboard_plugin/log/log_errors.py": (
        "tensorboard_plugin/log/test_event_reader.py",
        "it names errors that the reader raises",
    ),
    "tensorboard_plugin/log/log_events.py": (
        "tensorboard_plugin/log/test_event_reader.py",
        "it names what the reader finds",
    ),
    "tensorboard_plugin/log/log_source.py": (
        "tensorboard_plugin/log/test_local_source.py",
        "it says what every source does, and does nothing itself",
    ),
}

# The rooms of the tab from the bottom up. A module outside of them is part of the contract, but
# for the entry point.
ROOMS = ("", "log", "index", "answers")
ENTRY_POINT = "plugin.py"


def modules(package: str) -> Iterator[Path]:
    for path in sorted((ROOT / package).rglob("*.py")):
        if path.name != "__init__.py":
            yield path


def mirrored(module: Path) -> Path:
    """The test file that a module should have."""
    package, *folders, name = module.relative_to(ROOT).parts
    if package == "tensorboard_plugin":
        folders.insert(0, package)
    return TESTS.joinpath(*folders, f"test_{name}")


def imported(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The modules that a file imports from, and the names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, []


@pytest.mark.parametrize("package", PACKAGES)
def test_each_module_has_its_test_file(package: str) -> None:
    missing = [
        f"{module.relative_to(ROOT)}: there is no {mirrored(module).relative_to(ROOT)}"
        for module in modules(package)
        if not mirrored(module).exists()
        and module.relative_to(ROOT).as_posix() not in TESTED_ELSEWHERE
    ]
    assert missing == []


def test_what_is_tested_elsewhere_is() -> None:
    for module, (test, reason) in TESTED_ELSEWHERE.items():
        assert (ROOT / module).exists(), module
        assert (TESTS / test).exists(), test
        assert not mirrored(ROOT / module).exists(), f"{module} has a test file of its own"
        assert reason


def test_the_tab_imports_only_what_lies_below() -> None:
    def room_of(module: str) -> int:
        return ROOMS.index(module) if module in ROOMS else 0

    wrong = []
    for path in modules("tensorboard_plugin"):
        _, *folders, name = path.relative_to(ROOT).parts
        if not folders and name == ENTRY_POINT:
            continue
        own = room_of(folders[0] if folders else "")
        for module, names in imported(path):
            package, *rest = module.split(".")
            if package == "tensorboard_plugin":
                rooms = [rest[0]] if rest else names
                if any(room_of(room) > own for room in rooms):
                    wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert wrong == []


@pytest.mark.parametrize("folder", [*PACKAGES, "tests", "benchmarks"])
def test_nothing_private_is_imported(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {module}.{name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for module, names in imported(path)
        if module.split(".")[0] in (*PACKAGES, "tests", "benchmarks")
        for name in names
        if name.startswith("_") and not name.startswith("__")
    ]
    assert wrong == []
