"""Every Python block of the README and of the guide runs, those of a page in one namespace.

A method's docstring is a page too.
"""

import contextlib
import io
import logging
import re
import warnings

import pytest

from keras_viz_callbacks.maps import class_activation
from tests.helpers.backends import BACKEND, HAS_TENSORFLOW
from tests.helpers.guide_pages import PAGES, README, ROOT, blocks, page

# A block that is not run says why in its fence: ``` { .python .not-run reason="…" }
NOT_RUN = re.compile(r'\{ \.python \.not-run reason="[^"]+" \}')
# The dataset of a backend is shown to its users, and runs on that backend only.
OF_ONE_BACKEND = {
    "tensorflow": re.compile(r"^import tensorflow", flags=re.MULTILINE),
    "torch": re.compile(r"^from torch\.", flags=re.MULTILINE),
}
# It needs TensorFlow on each backend; the pages say to leave it out without TensorFlow.
KERAS_TENSORBOARD = re.compile(r"^ *keras\.callbacks\.TensorBoard\(.*\),$", flags=re.MULTILINE)
PYTHON = {page: [b for b in blocks(page) if b.info == "python"] for page in PAGES}


def test_fences_are_of_a_kind_that_is_known():
    kinds = {b.info for page in PAGES for b in blocks(page) if not NOT_RUN.fullmatch(b.info)}
    assert kinds <= {"python", "text"}


@pytest.fixture
def run(prepared, tmp_path, monkeypatch, caplog):
    """Runs the blocks of a page in an empty directory; no picture may fail, nothing warn."""

    def run(page):
        monkeypatch.chdir(tmp_path)
        with (
            # A method that a page defines is removed after the page.
            class_activation.METHODS.restored(),
            contextlib.redirect_stdout(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.filterwarnings("error", message=".*could not draw.*")
            for block in PYTHON[page]:
                text = runnable(block.text)
                # With newlines before it, so that a traceback has the page's line numbers.
                code = compile("\n" * (block.line - 1) + text, page.name, "exec")
                exec(code, prepared)
        ours = ("keras_viz_callbacks", "tensorboard_plugin")
        warned = [r for r in caplog.records if r.levelno >= logging.WARNING]
        assert [r.message for r in warned if r.name.startswith(ours)] == []

    return run


def runnable(text):
    """A block as the backend of the tests can run it."""
    if any(of.search(text) for backend, of in OF_ONE_BACKEND.items() if backend != BACKEND):
        return ""
    return text if HAS_TENSORFLOW else KERAS_TENSORBOARD.sub("", text)


def test_what_needs_tensorflow_is_one_line_and_said():
    started = page(ROOT / "docs/getting_started.md")
    for each in (README, started):
        lines = [line for b in PYTHON[each] for line in KERAS_TENSORBOARD.findall(b.text)]
        assert len(lines) == 1
    said = " ".join(started.text.split())
    assert "It needs TensorFlow on every backend: leave its line out" in said


def test_the_readme_alone_gives_pictures(run, tmp_path, read_log):
    run(README)
    log = read_log(tmp_path / "logs/run1")
    assert {tag.partition("/")[0] for tag in log.tags()} == {
        "activations",
        "filters",
        "grad_cam",
        "images",
    }
    steps = {step for _, tag, step in log.pictures if tag.startswith("grad_cam/")}
    assert steps == set(range(20))


@pytest.mark.parametrize(
    "page",
    [page for page, code in PYTHON.items() if code and page != README],
    ids=lambda page: page.name,
)
def test_the_code_of_a_page_runs(page, run):
    run(page)
