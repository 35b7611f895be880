"""A view is one file and its line in the list, as CONTRIBUTING says; its example is added here."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EPOCHS
from tests.test_javascript import ROOT, STATIC, npx

LIST = STATIC / "views/list.js"
LINE = 'export { stepsView } from "./steps/steps_view.js";\n'


@pytest.fixture(scope="module")
def example() -> str:
    """The source of CONTRIBUTING's view, with the style sheet that its text mentions."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text[
        text.index("**A view of the tab**") : text.index("A view of one picture extends")
    ]
    source = textwrap.dedent("\n".join(re.findall(r"^(?:    .*)?$", section, flags=re.MULTILINE)))
    style = re.search(r"`(style: .*?)`", section)
    assert style is not None
    return source.replace("  parameters:", f"  {style[1]},\n  parameters:").strip() + "\n"


def test_types_of_the_example_are_right(example: str, tmp_path: Path) -> None:
    copy = tmp_path / "static"
    shutil.copytree(STATIC, copy)
    (copy / "views/steps").mkdir()
    (copy / "views/steps/steps_view.js").write_text(example)
    (copy / "views/list.js").write_text(LIST.read_text() + LINE)
    done = npx("--package", "typescript@5", "tsc", "-p", str(copy / "jsconfig.json"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def extended_tab(new_tab, example):
    """Opens the tab with the example in it."""
    script = "text/javascript; charset=utf-8"
    answers = {
        "views/list.js": (script, LIST.read_text() + LINE),
        "views/steps/steps_view.js": (script, example),
        "views/steps/steps.css": ("text/css", "ol.view { color: rgb(1, 2, 3) }"),
    }

    def answer(route):
        kind, body = answers[route.request.url.partition("/static/")[2]]
        route.fulfill(content_type=kind, body=body)

    def open_tab(**parameters):
        addresses = "|".join(map(re.escape, answers))
        return new_tab(route=(re.compile(f"/static/({addresses})$"), answer), **parameters)

    return open_tab


def test_the_example_has_its_button_key_parameter_and_style(extended_tab):
    tab = extended_tab(view="steps", order="down")
    items = tab.find(".view[data-view=steps] li")
    expect(items).to_have_count(EPOCHS)
    expect(items.first).to_have_text(f"epoch {EPOCHS - 1}")
    expect(items.first).to_have_css("color", "rgb(1, 2, 3)")
    tab.expect_state(view="steps", order="down")
    assert tab.views[-1] == "steps"
    tab.button("Layers").click()
    tab.expect_state(view=None, order="down")
    tab.press("9")
    tab.expect_state(view="steps")
    items.nth(1).click()
    tab.expect_state(step=str(EPOCHS - 2))
    tab.press("?")
    labels = tab.find(".tabs button").all_text_contents()
    expect(tab.find("dialog")).to_contain_text(", ".join(labels[-2:]))
    assert labels[-1] == "Steps"
    tab.button("Close").click()


def test_another_choice_than_those_declared_is_passed_over(extended_tab):
    tab = extended_tab(view="steps", order="sideways")
    expect(tab.find(".view[data-view=steps] li").first).to_have_text("epoch 0")
