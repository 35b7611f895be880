"""What the README and its neighbours say is there."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import keras_viz_callbacks

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
PUBLIC = {
    name: getattr(keras_viz_callbacks, name)
    for name in keras_viz_callbacks.__all__
    if not name.startswith("_")
}


def test_every_public_name_is_shown():
    assert {name for name in PUBLIC if f"{name}(" not in README} == set()


def test_examples_call_our_functions_with_arguments_that_they_have():
    called = set()
    for example in EXAMPLES:
        for node in ast.walk(ast.parse(example)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in PUBLIC:
                named = dict.fromkeys(keyword.arg for keyword in node.keywords)
                inspect.signature(PUBLIC[node.func.id]).bind(*node.args, **named)
                called.add(node.func.id)
    assert called == set(PUBLIC)


def test_the_table_names_arguments_that_exist():
    rows = re.findall(r"^\| `(\w+)\((.*?)\)` \|.*\| (.*?) \|$", README, flags=re.MULTILINE)
    assert {name for name, _, _ in rows} == {n for n, o in PUBLIC.items() if inspect.isclass(o)}
    for name, required, others in rows:
        parameters = inspect.signature(PUBLIC[name]).parameters
        shown = required.split(", ") + re.findall(r"`(\w+)`", others)
        assert [argument for argument in shown if argument not in parameters] == []
        assert {"update_freq", "every", "on_error"} <= set(parameters)
        # Pixel attributions explain the image itself.
        assert ("layers" in parameters) == (name != "Saliency")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_and_scripts_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = {t for t in re.findall(r"\]\(([^)]+)\)", text) if "://" not in t}
    targets |= set(re.findall(r"scripts/\w+|\.ci/run", text))
    assert {target for target in targets if not (ROOT / target).exists()} == set()
