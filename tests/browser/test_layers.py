"""Layers × epochs: order, headers, every epoch, only what is on screen."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import EPOCHS
from tests.helpers.real_logs import CLASS_MAPS, DEAD_LAYER, LAYERS


def test_layers_stand_in_network_order_with_class_shape_and_dead_fraction(tab, log):
    tab.open(step=5, size="small")
    layers = [log.pictures[f"activations/{path}/image_0", 5].record.layer for path in LAYERS]
    rows = tab.find(".grid-row:not(.heading)")
    expect(rows).to_have_count(len(LAYERS))
    assert rows.locator("strong").all_inner_texts() == [path.split("/")[-1] for path in LAYERS]
    for row, layer in zip(rows.all(), layers, strict=True):
        expect(row.locator(".about")).to_contain_text("Conv2D")
        expect(row.locator(".about")).to_contain_text(" × ".join(map(str, layer.shape)))
    dead = log.pictures[f"activations/{DEAD_LAYER}/image_0", 5].dead
    assert dead > 0
    expect(rows.nth(LAYERS.index(DEAD_LAYER)).locator(".numbers")).to_contain_text(
        f"{dead:.0%}".replace("%", " %")
    )
    expect(tab.find(".heading")).to_have_text(["block1", "block2"])


def test_one_slider_shows_every_epoch_of_every_layer(tab):
    tab.open(step=0, size="small")
    slider = tab.find(".transport .slider")
    assert slider.get_attribute("max") == str(EPOCHS - 1)
    assert EPOCHS > 10  # more than TensorBoard keeps
    for step in range(EPOCHS):
        slider.fill(str(step))
        now = tab.find(f".frame.now[data-step='{step}'] img[src*='step={step}&']")
        expect(now).to_have_count(len(LAYERS))
        tab.expect_pictures(".frame.now img")
        expect(tab.find(".column.current")).to_have_text(str(step))


def test_a_click_opens_the_picture_and_back_returns(tab):
    tab.open(step=13, size="small")
    # Right before: what has not yet got into the address must not be lost for the way back.
    tab.frame.evaluate("""() => {
      const slider = document.querySelector('.transport .slider');
      slider.value = 12;
      slider.dispatchEvent(new Event('input'));
      document.querySelector(".cell[data-step='11'][data-layer='2']").click();
    }""")
    expect(tab.find(".view[data-view=picture] .title")).to_contain_text("epoch 11")
    tab.expect_state(view="picture", step="11", layer=LAYERS[2])
    tab.page.go_back()
    expect(tab.find(".view[data-view=layers]")).to_be_visible()
    tab.expect_state(view=None, step="12")


def test_only_what_is_on_screen_is_in_the_page(new_tab):
    tab = new_tab(viewport=(480, 700), size="large", step=0)
    tab.expect_pictures(".cell img[src]")
    assert tab.find(".cell").count() < len(LAYERS) * EPOCHS / 2
    assert tab.find(".cell[data-step='13']").count() == 0
    tab.find(".scroller").evaluate("node => { node.scrollLeft = node.scrollWidth }")
    expect(tab.find(".cell[data-step='13']").first).to_be_visible()
    assert tab.find(".cell[data-step='0']").count() == 0
    # The row headers stay, and so does what is below the edge of a phone: nothing scrolls aside.
    expect(tab.find(".about strong").first).to_be_in_viewport()
    assert tab.frame.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_epoch_in_the_header_is_a_step_for_all(tab):
    tab.open(step=13, size="small")
    tab.find(".column", has_text="12").click()
    tab.expect_state(step="12")


def test_a_method_without_images_has_no_image_picker(tab):
    tab.open(name="filters")
    expect(tab.picker("Method")).to_have_value("filters")
    expect(tab.picker("Image")).to_be_hidden()
    tab.picker("Method").select_option("grad_cam")
    expect(tab.picker("Image")).to_be_visible()
    expect(tab.find(".grid-row:not(.heading)")).to_have_count(len(CLASS_MAPS))
    tab.expect_pictures(".frame.now img")
