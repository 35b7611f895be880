"""However TensorBoard is started, and what else of it shows our pictures or steers our tab."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

from tensorboard_plugin.index import log_index
from tests.browser.conftest import EPOCHS, serve
from tests.helpers import synthetic_logs
from tests.helpers.real_logs import LAYERS

DARK = """() => getComputedStyle(document.body).backgroundColor"""
SMALL = synthetic_logs.Spec(epochs=1, layers=1, images=1, filters=False, class_maps=0)


@pytest.fixture(scope="session")
def root(written):
    return os.path.dirname(os.path.dirname(written["run1"].directory))


def assert_all_epochs_are_there(tab):
    tab.expect_pictures(".frame.now img")
    expect(tab.find(".total")).to_have_text(f"of {EPOCHS - 1}")
    tab.button("Picture").click()
    for step in (0, EPOCHS - 1):
        tab.find(".transport .slider").fill(str(step))
        tab.expect_pictures(f".content img[alt*='epoch {step}']")


@pytest.mark.parametrize("load_fast", ["true", "false"])
def test_with_either_loader(root, new_tab, load_fast):
    assert_all_epochs_are_there(new_tab(serve(root, "--load_fast", load_fast)))


def test_under_a_path_prefix(root, new_tab):
    tab = new_tab(serve(root, "--path_prefix", "/some/where"))
    # TensorBoard's own fonts are not found under a prefix.
    tab.expected_errors = "font-roboto"
    assert "/some/where" in tab.page.url
    assert_all_epochs_are_there(tab)
    assert "/some/where" in tab.page.url


def test_with_a_logdir_spec(root, new_tab):
    spec = f"first:{root}/run1,second:{root}/run2"
    tab = new_tab(serve(None, "--logdir_spec", spec))
    expect(tab.picker("Run")).to_have_value("first/keras_viz")
    assert_all_epochs_are_there(tab)
    tab.picker("Run").select_option("second/keras_viz")
    tab.expect_state(run="second/keras_viz")
    tab.expect_pictures(".content img")


def test_many_runs_in_nested_directories(tmp_path, new_tab):
    names = [f"sweep/rate_{i}/seed 1" for i in range(1, 31)]
    for name in names:
        synthetic_logs.write(str(tmp_path / name), SMALL)
    tab = new_tab(serve(str(tmp_path)))
    options = tab.picker("Run").locator("option")
    expect(options).to_have_text(names)  # 2 before 10
    tab.picker("Run").select_option(f"{names[9]}/keras_viz")
    tab.expect_state(run="sweep/rate_10/seed 1/keras_viz")
    tab.expect_pictures(".frame.now img[src*='rate_10%2F']")


def test_a_large_log_is_shown_while_it_is_read_and_soon_whole(tmp_path, new_tab, monkeypatch):
    spec = synthetic_logs.Spec(
        epochs=200, layers=3, images=1, filters=False, class_maps=0, distinct=4
    )
    synthetic_logs.write(str(tmp_path / "run1"), spec)
    # Slices so small that this log takes as many of them as one that is a hundred times as large.
    monkeypatch.setattr(log_index.LogIndex.refresh, "__defaults__", (None, 0.0003))
    asked = []
    tab = new_tab(serve(str(tmp_path)), heard=asked.append)
    tab.expect_pictures(".frame.now img")
    expect(tab.find(".total")).to_have_text("of 199")
    tab.expect_pictures(".frame.now[data-step='199'] img")
    polls = sum(url.endswith("/keras_viz/runs") for url in asked)
    looks = sum("/keras_viz/run?" in url for url in asked)
    # Not each poll sends the screen on.
    assert polls > 2 * looks, (polls, looks)


def test_two_browsers_at_once(new_tab):
    one = new_tab(view="picture", layer=LAYERS[1], step=3)
    other = new_tab(view="picture", layer=LAYERS[4], step=8, run="run1/keras_viz")
    for step in (4, 5, 6):
        one.find(".transport .slider").fill(str(step))
        other.find(".transport .slider").fill(str(step + 5))
        expect(one.find(f".content img[alt*='epoch {step}']")).to_be_visible()
        expect(other.find(f".content img[alt*='epoch {step + 5}']")).to_be_visible()
    one.expect_state(layer=LAYERS[1], step="6")
    other.expect_state(layer=LAYERS[4], step="11")


def test_the_switch_of_tensorboard_turns_the_tab_dark(new_tab):
    tab = new_tab()
    light = tab.frame.evaluate(DARK)

    def switch(theme):
        tab.page.locator("app-header-dark-mode-toggle button").click()
        tab.page.get_by_role("menuitem", name=theme, exact=False).click()

    switch("Dark")
    tab.frame.wait_for_function(f"light => ({DARK})() !== light", arg=light)
    switch("Light")
    tab.frame.wait_for_function(f"light => ({DARK})() === light", arg=light)


def test_the_images_tab_shows_our_pictures(new_tab, log):
    tab = new_tab()
    page = tab.page
    page.goto(f"{tab.address}/#images")
    shown = page.locator("img[src*=individualImage]")
    expect(shown.first).to_be_visible()
    page.wait_for_function(
        "image => image.complete && image.naturalWidth > 0", arg=shown.first.element_handle()
    )
    # It begins with the first tag's newest picture.
    newest = log.pictures[f"activations/{sorted(LAYERS)[0]}/image_0", EPOCHS - 1].record
    assert shown.first.evaluate("i => [i.naturalWidth, i.naturalHeight]") == [
        newest.width,
        newest.height,
    ]


def test_a_breach_of_the_content_security_policy_would_be_seen(new_tab):
    tab = new_tab()
    tab.expected_errors = "Content Security Policy"
    tab.frame.evaluate("""() => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
    }""")
    assert tab.frame.evaluate("window.ran") is None
    assert any("Content Security Policy" in error for error in tab.errors)
