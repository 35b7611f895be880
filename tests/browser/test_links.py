"""The address restores what was looked at; Back and Forward walk through it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import EPOCHS
from tests.helpers.real_logs import LAYERS

LAYER = LAYERS[3]
PICKERS = {"Run": "run", "Method": "name", "Layer": "layer", "Image": "image"}


def test_a_deep_link_restores_everything(new_tab):
    wanted = {
        "view": "picture",
        "run": "run1/keras_viz",
        "name": "grad_cam",
        "layer": LAYER,
        "image": "image_2",
        "step": "6",
        "zoom": "3",
    }
    tab = new_tab(**wanted)
    for label, name in PICKERS.items():
        expect(tab.picker(label)).to_have_value(wanted[name])
    expect(tab.find(".title")).to_contain_text("epoch 6")
    expect(tab.find(".level")).to_have_text("300 %")
    assert tab.state() == wanted
    tab.reload()
    expect(tab.find(".title")).to_contain_text("epoch 6")
    assert tab.state() == wanted


def test_a_link_of_an_older_release_shows_the_same(new_tab):
    tab = new_tab(view="picture", technique="grad_cam", layer=LAYER, step=6)
    expect(tab.picker("Method")).to_have_value("grad_cam")
    expect(tab.find(".title")).to_contain_text(LAYER)
    tab.expect_state(name="grad_cam", technique=None)


def test_back_and_forward_walk_through_the_views(tab):
    tab.open(step=4)
    for name in ("Picture", "Channels", "Health"):
        tab.button(name).click()
    tab.expect_state(view="health", step="4")
    tab.page.go_back()
    expect(tab.find(".view[data-view=channels]")).to_be_visible()
    tab.page.go_back()
    expect(tab.find(".view[data-view=picture]")).to_be_visible()
    tab.page.go_forward()
    expect(tab.find(".view[data-view=channels]")).to_be_visible()
    tab.expect_state(view="channels", step="4")


def test_the_way_back_from_another_tab_of_tensorboard(new_tab):
    tab = new_tab(view="picture", step=4)
    tab.page.get_by_role("tab", name="Scalars", exact=False).first.click()
    expect(tab.page.locator("iframe")).to_be_hidden()
    tab.page.get_by_role("tab", name="Keras Viz", exact=False).first.click()
    expect(tab.find(".title")).to_contain_text("epoch 4")
    tab.expect_state(view="picture", step="4")


def test_nonsense_in_the_address_is_passed_over(new_tab):
    tab = new_tab(view="nonsense", step="1e999", zoom="-4", opacity="lots", constructor="x")
    expect(tab.find(".view[data-view=layers]")).to_be_visible()
    expect(tab.find(".exact")).to_have_value(str(EPOCHS - 1))


def test_a_run_that_is_gone_is_said_to_be(new_tab):
    tab = new_tab(run="gone/keras_viz")
    expect(tab.find(".notice.empty")).to_contain_text("gone/keras_viz")
    tab.picker("Run").select_option("run2/keras_viz")
    expect(tab.find(".view[data-view=layers]")).to_be_visible()
