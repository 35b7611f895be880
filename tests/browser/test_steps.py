"""The slider: exact steps, playing, following, and standing still while pictures arrive."""

from __future__ import annotations

import dataclasses

import pytest
from playwright.sync_api import expect

from keras_viz_callbacks.summary import event_file
from tensorboard_plugin import schema
from tests.browser.conftest import serve
from tests.helpers import synthetic_logs
from tests.helpers.real_logs import LAYERS


def test_an_exact_step_can_be_typed(tab):
    tab.open(view="picture", step=13)
    exact = tab.find(".exact")
    exact.fill("7")
    exact.press("Enter")
    tab.expect_state(step="7")
    expect(tab.find(".title")).to_contain_text("epoch 7")
    exact.fill("nonsense")
    exact.press("Enter")
    expect(exact).to_have_value("7")
    exact.fill("4000")
    exact.press("Enter")
    tab.expect_state(step="13")


def test_play_moves_on_and_pause_stays(tab):
    tab.open(view="picture", step=2)
    tab.find(".transport select").select_option("16")
    tab.button("Play").click()
    expect(tab.find(".exact")).not_to_have_value("2")
    tab.button("Pause").click()
    expect(tab.button("Play")).to_be_visible()
    stopped = tab.find(".exact").input_value()
    tab.page.wait_for_timeout(300)
    assert tab.find(".exact").input_value() == stopped


def test_keys_move_epoch_layer_image_and_view(tab):
    tab.open(view="picture", step=5)
    tab.press("ArrowRight")
    tab.expect_state(step="6")
    tab.press("ArrowLeft")
    tab.press("ArrowLeft")
    tab.expect_state(step="4")
    tab.press("Home")
    tab.expect_state(step="0")
    tab.press("ArrowDown")
    tab.expect_state(layer=LAYERS[1])
    tab.press("]")
    tab.expect_state(image="image_1")
    tab.press("f")
    tab.expect_state(step=None)
    expect(tab.button("Follow latest")).to_have_attribute("aria-pressed", "true")
    tab.press(" ")
    expect(tab.button("Pause")).to_be_visible()
    tab.press(" ")
    expect(tab.button("Play")).to_be_visible()
    tab.press("6")
    tab.expect_state(view="health")
    tab.press("Escape")
    tab.expect_state(view=None)


def test_a_question_mark_lists_the_keys(tab):
    tab.open(view="picture")
    tab.press("?")
    expect(tab.find("dialog")).to_contain_text("follow the latest epoch")
    tab.button("Close").click()
    expect(tab.find("dialog")).to_be_hidden()


@pytest.fixture
def training(tmp_path):
    """A log that goes on: `training()` writes the next epoch."""
    spec = synthetic_logs.Spec(epochs=30, layers=2, images=1, filters=False)
    file = event_file.EventFile(str(tmp_path / "run1" / schema.RUN_NAME))
    captures = synthetic_logs.captures(spec)

    def write_next():
        step, capture = next(captures)
        synthetic_logs.write_capture(file, step, capture)

    for _ in range(3):
        write_next()
    yield write_next
    file.close()


def test_new_epochs_arrive_and_the_slider_of_who_looks_back_stays(training, tmp_path, new_tab):
    tab = new_tab(serve(str(tmp_path)))
    expect(tab.find(".exact")).to_have_value("2")
    training()
    expect(tab.find(".exact")).to_have_value("3")  # followed, by itself
    expect(tab.find(".column.current")).to_have_text("3")
    tab.press("Home")
    tab.expect_state(step="0")
    training()
    expect(tab.find(".total")).to_have_text("of 4")
    expect(tab.find(".exact")).to_have_value("0")
    expect(tab.find(".frame.now").first).to_have_attribute("data-step", "0")
    tab.reload()
    expect(tab.find(".exact")).to_have_value("0")
    expect(tab.find(".total")).to_have_text("of 4")
    tab.button("Follow latest").click()
    expect(tab.find(".exact")).to_have_value("4")
    training()
    expect(tab.find(".exact")).to_have_value("5")


def test_tensorboards_reload_button_asks_at_once(tab):
    tab.open()
    # Just after a poll the next one is a second or more away.
    with tab.page.expect_request("**/keras_viz/runs"):
        pass
    with tab.page.expect_request("**/keras_viz/runs", timeout=900):
        tab.page.locator("app-header-reload button").click()


def test_steps_of_batches_are_told_with_their_epoch(tmp_path, new_tab):
    spec = dataclasses.replace(synthetic_logs.Spec(), step_size=50, filters=False)
    synthetic_logs.write(str(tmp_path / "run1"), spec)
    tab = new_tab(serve(str(tmp_path)), view="picture")
    expect(tab.find(".step")).to_contain_text("Step")
    expect(tab.find(".exact")).to_have_value("100")
    expect(tab.find(".title")).to_contain_text("step 100 (epoch 2)")
