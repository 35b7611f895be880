"""Messages, keys and tables are quoted in the guide as they are in the source."""

import ast
import functools
import inspect
import re

import pytest

from docs import view_sections
from keras_viz_callbacks import ActivationGrid, FilterPatterns
from keras_viz_callbacks.summary import run, worker
from tests.helpers.guide_pages import ROOT, blocks, page

GUIDE = ROOT / "docs/guide"
TROUBLESHOOTING = page(GUIDE / "troubleshooting.md")
QUOTED = [b.text.strip() for b in blocks(TROUBLESHOOTING) if b.info == "text"]
PACKAGES = ("keras_viz_callbacks", "tensorboard_plugin")
STATIC = ROOT / "tensorboard_plugin/static"
ENOUGH = 20  # letters that a message must have besides what is put in, or any text would match it
# Label and key of a view, as it declares them.
VIEW = r'label: "(.*?)",\s+key: "(.*?)"'


@functools.cache
def messages():
    """Patterns of all texts in the source; whatever is put into a text matches anything."""
    found = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                literal, pattern = as_pattern(node)
                if len(literal) >= ENOUGH:
                    found.append(re.compile(pattern, flags=re.DOTALL))
    return found


def as_pattern(node):
    """The letters of a text in the source, and a pattern of the message that it becomes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        # In a text for `logging`, values replace the percent signs.
        return node.value, re.sub(r"%[sdr]", ".*", re.escape(node.value))
    if isinstance(node, ast.JoinedStr):
        parts = [as_pattern(value) for value in node.values]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [as_pattern(node.left), as_pattern(node.right)]
    else:
        return "", ".*"
    return "".join(p[0] for p in parts), "".join(p[1] for p in parts)


@pytest.mark.parametrize("quoted", QUOTED)
def test_a_quoted_message_is_in_the_source(quoted):
    assert any(pattern.fullmatch(quoted) for pattern in messages())


def test_an_invented_message_is_not_found():
    invented = QUOTED[0].replace("No layer of the model", "No layer in the model")
    assert invented != QUOTED[0]
    assert not any(pattern.fullmatch(invented) for pattern in messages())


def test_what_the_tab_says_is_quoted_as_it_says_it():
    said = "".join(path.read_text(encoding="utf-8") for path in STATIC.rglob("*.js"))
    quoted = re.findall(r'\*\*"(.*?)"\*\*', TROUBLESHOOTING.text)
    assert len(quoted) >= 3
    assert [text for text in quoted if f'"{text}"' not in said] == []


def test_the_keys_are_those_of_the_tab():
    script = (STATIC / "widgets/help_dialog.js").read_text(encoding="utf-8")
    listed = script[script.index("const KEYS = [") : script.index("];")]
    keys = re.findall(r'\["(.*?)", "(.*?)"\]', listed)
    page = (GUIDE / "tab.md").read_text(encoding="utf-8")
    table = page[page.index("| Key | Does |") : page.index("## Links")]
    expected = [*keys, ("1 2 3 …", "choose the view, in the order of the buttons")]
    assert re.findall(r"^\| (.*?) \| (.*?) \|$", table, flags=re.MULTILINE)[1:] == expected


def test_every_view_of_the_tab_has_a_section_made_of_its_file():
    sources = [p.read_text(encoding="utf-8") for p in STATIC.glob("views/*/*_view.js")]
    declared = {key: label for s in sources for label, key in re.findall(VIEW, s)}
    assert len(declared) == len(sources)
    assert view_sections.PLACE in (GUIDE / "tab.md").read_text(encoding="utf-8")
    sections = view_sections.markdown()
    headings = re.findall(r"^### (.*)$", sections, flags=re.MULTILINE)
    assert headings == [declared[key] for key in sorted(declared)]
    # Each has a picture, and more than a line of text.
    assert len(re.findall(r"^!\[.+\]\(\.\./images/tab_\w+_light\.png\)$", sections, re.M)) == 6
    assert all(len(section.text) > 100 for section in view_sections.view_sections())


def test_the_bounds_are_those_of_the_source():
    page = " ".join((GUIDE / "cost.md").read_text(encoding="utf-8").split())
    grid, patterns = (
        {name: p.default for name, p in inspect.signature(callback).parameters.items()}
        for callback in (ActivationGrid, FilterPatterns)
    )
    assert (
        f"{grid['max_images']} images, {grid['max_channels']} channels and cells of "
        f"{grid['cell_size']} pixels, {patterns['max_layers']} layers of {patterns['filters']} "
        f"filters and {patterns['steps']} steps"
    ) in page
    assert worker.CAPACITY == 4
    assert "At most four captures wait" in page
    assert f"full for {worker.PATIENCE:.0f} seconds" in page
    assert f"up to {run.EXIT_PATIENCE:.0f} seconds" in page
