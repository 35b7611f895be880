"""The tab's JavaScript: its types, its formatting, and which folder imports which."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "tensorboard_plugin/static"
# Each folder imports from itself and from those after it; "." holds index.js and app.js.
FOLDERS = (".", "views", "widgets", "pixels", "core")
LONGEST = 400


def sources() -> list[Path]:
    return sorted(STATIC.rglob("*.js"))


def npx(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command of npm's registry answers; the test is left out where there is none."""
    program = shutil.which("npx")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("In CI the JavaScript has to be checked: install node.")
        pytest.skip("No npx here: the JavaScript is not checked.")
    done = subprocess.run(
        [program, "--yes", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "npm error" in done.stderr and not os.environ.get("CI"):
        pytest.skip(f"The registry of npm can't be reached: {done.stderr[-300:]}")
    return done


def test_types_are_as_declared() -> None:
    project = str(STATIC / "jsconfig.json")
    done = npx("--package", "typescript@5", "tsc", "-p", project)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_formatted() -> None:
    match = re.search(r"PRETTIER=(prettier@\S+)", (ROOT / "scripts/format").read_text())
    assert match is not None
    done = npx(match[1], "--check", "tensorboard_plugin/static/**/*.{js,ts,css}")
    assert done.returncode == 0, f"Run scripts/format.\n{done.stdout}{done.stderr}"


def test_imports_go_down() -> None:
    found = []
    for path in sources():
        floor = folder(path)
        for target in re.findall(r'(?:from|import\()\s*"(\.[^"]+)"', path.read_text()):
            imported = (path.parent / target).resolve()
            if not imported.is_file():  # one of types alone
                imported = imported.with_suffix(".d.ts")
            assert imported.is_file(), (path, target)
            if FOLDERS.index(folder(imported)) < FOLDERS.index(floor):
                found.append(f"{path.relative_to(STATIC)} imports {imported.relative_to(STATIC)}")
    assert found == []


def folder(path: Path) -> str:
    return path.relative_to(STATIC).parts[0] if path.parent != STATIC else "."


def test_no_file_is_long() -> None:
    lengths = {
        str(path.relative_to(STATIC)): len(path.read_text().split("\n")) for path in sources()
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
