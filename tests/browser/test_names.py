"""Names that nobody expected, on the page: they are text, and the controls stay where they are."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

from tensorboard_plugin import schema
from tests.browser.conftest import serve
from tests.helpers.faults.tab_names import NAMES, as_run, write_named

SHOWN = {
    "markup": NAMES["markup"],
    "unicode": "".join(NAMES[k] for k in ("lines", "right to left", "combining", "surrogate")),
    "long": NAMES["long"],
    "long words": NAMES["long words"],
}

CONTROLS = (".transport .slider", ".exact", ".tabs [aria-current]", ".exports")

# Elements of the page that reach beyond its right edge and that nothing scrolls or cuts.
TOO_WIDE = """() => {
  const isCut = (node) => {
    for (let at = node.parentElement; at; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== 'visible') return true;
    }
    return false;
  };
  return [...document.body.querySelectorAll('*')]
    .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && !isCut(node))
    .map((node) => `${node.tagName}.${node.className}`);
}"""


@pytest.fixture(scope="module")
def names_address(tmp_path_factory):
    """A TensorBoard on one run of each kind."""
    root = tmp_path_factory.mktemp("names")
    for kind, name in SHOWN.items():
        write_named(root / kind / as_run(name), name)
    return serve(str(root))


@pytest.mark.parametrize("kind", SHOWN)
def test_any_name_is_text_and_the_layout_stays(kind, new_tab, names_address):
    name = SHOWN[kind].encode(errors="replace").decode()
    run = f"{kind}/{as_run(SHOWN[kind])}/{schema.RUN_NAME}"
    run = os.fsencode(run).decode(errors="replace")
    tab = new_tab(names_address, run=run)
    tab.expect_pictures(".frame.now img")
    layer = tab.find(".grid-row strong").first
    expect(layer).to_have_attribute("title", f"{name}0")
    assert layer.text_content() == f"{name}0".rpartition("/")[2]
    for view in tab.views:
        tab.open(run=run, view=view)
        tab.page.wait_for_timeout(200)
        assert name in tab.find("body").text_content()
        assert tab.find("main :is(script, img[onerror])").count() == 0
        for control in CONTROLS:
            expect(tab.find(control)).to_be_in_viewport()
        size = "document.documentElement.scroll{0} <= inner{0}"
        assert tab.frame.evaluate(size.format("Width")), view
        assert tab.frame.evaluate(size.format("Height")), view
        assert tab.frame.evaluate(TOO_WIDE) == [], view
        expect(tab.find(f"[data-view={view}] :is(img, canvas)").first).to_be_in_viewport()
    assert tab.page.evaluate("window.hacked") is None
    assert tab.frame.evaluate("window.hacked") is None
