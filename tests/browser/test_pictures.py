"""Picture, channel, class map, compare, health: each shows what the log holds."""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import EPOCHS, OTHER_EPOCHS
from tests.helpers.real_logs import CLASS_MAPS, DEAD_LAYER, LAYERS

LAYER = LAYERS[1]
IMAGES = ("image_0", "image_1", "image_2")
TAG = f"activations/{LAYER}/image_0"
CANVAS_SUM = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((a, b) => a + b, 0);
}"""


def test_the_picture_is_the_one_that_was_written(tab, log):
    tab.open(view="picture", layer=LAYER, step=9)
    written = Image.open(io.BytesIO(log.pictures[TAG, 9].png)).convert("RGBA")
    shown = tab.find(".content img[alt*='epoch 9']")
    expect(shown).to_be_visible()
    pixels = shown.evaluate("""image => {
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
    }""")
    shown_pixels = np.array(pixels).reshape(written.height, written.width, 4)
    opaque = np.asarray(written)[..., 3] == 255
    assert opaque.any()
    assert np.array_equal(shown_pixels[..., 3] == 255, opaque)
    assert np.array_equal(shown_pixels[opaque], np.asarray(written)[opaque])
    record = log.pictures[TAG, 9].record
    assert record.metrics["loss"] is not None
    table = tab.find(".metrics")
    expect(table).to_contain_text(f"{record.metrics['loss']:.4g}")
    expect(table).to_contain_text(f"{record.metrics['val_loss']:.4g}")


def test_zoom_fits_is_true_and_is_kept_in_the_address(tab, log):
    tab.open(view="picture", layer=LAYER, step=9)
    width = log.pictures[TAG, 9].record.width
    content = tab.find(".content")
    tab.button("1:1").click()
    tab.expect_state(zoom="1")
    assert content.bounding_box()["width"] == width
    tab.button("Larger").click()
    assert content.bounding_box()["width"] == width * 1.5
    tab.find(".stage").hover()
    tab.page.mouse.wheel(0, -400)
    tab.expect_state(zoom=str(1.5 * np.e))
    before = content.bounding_box()
    tab.page.mouse.down()
    tab.page.mouse.move(300, 300)
    tab.page.mouse.up()
    assert content.bounding_box()["x"] <= before["x"]
    tab.button("Fit").click()
    tab.expect_state(zoom=None)


def test_a_late_reply_is_dropped(new_tab, log):
    tab = new_tab(view="picture", layer=LAYER, step=2)
    expect(tab.find(".content img[alt*='epoch 2']")).to_be_visible()
    held = []
    tab.page.route(re.compile(r"/picture\?.*step=7&"), lambda route: held.append(route))
    tab.find(".transport .slider").fill("7")
    expect(tab.find(".title")).to_contain_text("epoch 7")
    tab.page.wait_for_timeout(100)
    tab.find(".transport .slider").fill("12")
    expect(tab.find(".content img[alt*='epoch 12']")).to_be_visible()
    assert held, "the picture of epoch 7 was asked for"
    for route in held:
        route.continue_()
    tab.page.wait_for_timeout(300)
    expect(tab.find(".content img[alt*='epoch 12']")).to_be_visible()
    expect(tab.find(".facts")).to_contain_text(f"Batch{log.pictures[TAG, 12].record.batch}")


def test_a_picture_that_fails_says_why(new_tab):
    tab = new_tab(view="picture", layer=LAYER, step=2)
    answer = '{"error": {"code": "damaged", "parameter": null, "message": "Damaged <b>here</b>."}}'
    tab.page.route(
        re.compile(r"/picture\?.*step=7&"),
        lambda route: route.fulfill(status=410, content_type="application/json", body=answer),
    )
    tab.expected_errors = "410"
    tab.find(".transport .slider").fill("7")
    expect(tab.find(".notice.failed")).to_contain_text("Damaged <b>here</b>.")
    expect(tab.find(".content img")).to_have_count(0)
    tab.find(".transport .slider").fill("8")
    expect(tab.find(".content img[alt*='epoch 8']")).to_be_visible()
    expect(tab.find(".notice.failed")).to_have_count(0)


def test_a_channel_is_named_and_measured_under_the_pointer(tab, log):
    tab.open(view="channels", layer=LAYER, step=9)
    record = log.pictures[TAG, 9].record
    grid = record.grid
    levels = np.asarray(Image.open(io.BytesIO(log.pictures[TAG, 9].png)))
    left = grid.gap + grid.cell_width + grid.gap
    cell = levels[grid.gap : grid.gap + grid.cell_height, left : left + grid.cell_width]
    row, column = np.unravel_index(np.argmax(cell), cell.shape)
    box = tab.find(".sheet canvas").bounding_box()
    scale = box["width"] / record.width
    x, y = (left + column + 0.5) * scale, (grid.gap + row + 0.5) * scale
    tab.page.mouse.move(box["x"] + x, box["y"] + y)
    readout = tab.find(".readout")
    expect(readout).to_contain_text(f"Channel {grid.items[1]}:")
    expect(readout).to_contain_text(f"mean {record.statistics.mean[1]:.4g}")
    said = float(re.search(r"value (\S+) at", readout.inner_text())[1])
    low, high = record.statistics.minimum[1], record.statistics.maximum[1]
    expected = low + (high - low) * cell[row, column] / 252
    assert abs(said - expected) < 1e-3 * max(abs(expected), 1e-6) + 1e-9


def test_a_click_opens_a_channel_alone_with_its_strip(tab, log):
    tab.open(view="channels", layer=LAYER, step=9)
    record = log.pictures[TAG, 9].record
    box = tab.find(".sheet canvas").bounding_box()
    at = (record.grid.gap + 1) * box["width"] / record.width
    tab.page.mouse.click(box["x"] + at, box["y"] + at)
    item = record.grid.items[0]
    tab.expect_state(item=str(item))
    expect(tab.find(".title")).to_contain_text(f"Channel {item}")
    tab.expect_pictures(".film-frame img[src]")
    tab.find(".film-frame", has_text="6").click()
    tab.expect_state(step="6")
    expect(tab.find(".chart .line")).to_have_count(2)
    tab.page.go_back()
    tab.expect_state(item=None)


def test_channels_are_sorted_and_dead_ones_hidden(tab, log):
    layer = DEAD_LAYER
    record = log.pictures[f"activations/{layer}/image_0", 9].record
    statistics = record.statistics
    dead = [i for i, top in zip(record.grid.items, statistics.maximum, strict=True) if top == 0]
    assert dead
    tab.open(view="channels", layer=layer, step=9)
    numbers = tab.find(".channels b")
    expect(numbers).to_have_text([str(i) for i in record.grid.items])
    tab.frame.get_by_label("Hide dead").check()
    expect(numbers).to_have_text([str(i) for i in record.grid.items if i not in dead])
    tab.button("Mean response").click()
    alive = [
        (-mean, i)
        for i, mean in zip(record.grid.items, statistics.mean, strict=True)
        if i not in dead
    ]
    expect(numbers).to_have_text([str(i) for _, i in sorted(alive)])
    tab.expect_state(sort="mean", dead="hide")


def test_the_class_map_is_drawn_here_and_changes_at_once(tab, log):
    layer = CLASS_MAPS[-1]
    image = next(i for i in IMAGES if not log.pictures[f"grad_cam/{layer}/{i}", 9].record.blank)
    tab.open(view="classmap", layer=layer, image=image, step=9)
    canvas = tab.find(".sheet canvas")
    expect(canvas).to_be_visible()
    covered = canvas.evaluate(CANVAS_SUM)
    requests = []
    tab.page.on("request", lambda request: requests.append(request.url))
    tab.frame.get_by_label("Opacity").fill("0")
    tab.expect_state(opacity="0")
    bare = canvas.evaluate(CANVAS_SUM)
    assert bare != covered
    tab.frame.get_by_label("Opacity").fill("100")
    tab.frame.get_by_label("Threshold").fill("100")
    tab.expect_state(opacity="100", threshold="100")
    nearly_bare = canvas.evaluate(CANVAS_SUM)
    tab.frame.get_by_label("Threshold").fill("0")
    tab.frame.get_by_label("Colours").select_option("grey")
    tab.expect_state(colors="grey")
    full = canvas.evaluate(CANVAS_SUM)
    assert abs(nearly_bare - bare) < abs(full - bare)
    assert [url for url in requests if "keras_viz/" in url and "/runs" not in url] == []


def test_a_wrong_prediction_is_seen_in_sign_word_and_colour(tab, log):
    records, verdicts = {}, {}
    for image in IMAGES:
        tag = f"grad_cam/{CLASS_MAPS[-1]}/{image}"
        records[image] = [log.pictures[tag, step].record for step in range(EPOCHS)]
        verdicts[image] = [r.prediction.index == r.label.index for r in records[image]]
    # Of all held-out images one at least is learned while training goes on.
    image = next(i for i in IMAGES if set(verdicts[i]) == {True, False})
    wrong, right = verdicts[image].index(False), verdicts[image].index(True)
    records = records[image]
    tab.open(view="classmap", layer=CLASS_MAPS[-1], image=image, step=wrong)
    expect(tab.find(".outcome .verdict")).to_have_text("✗ wrong")
    expect(tab.find(".outcome")).to_contain_text(records[wrong].prediction.name)
    expect(tab.find(".chart .line")).to_have_count(2)
    tab.button("✗ Wrong").click()
    expect(tab.find(".images li", has_text=image)).to_be_visible()
    bad = tab.find(".outcome .verdict").evaluate("node => getComputedStyle(node).color")
    tab.find(".transport .slider").fill(str(right))
    expect(tab.find(".outcome .verdict")).to_have_text("✓ right")
    expect(tab.find(".images li", has_text=image)).to_have_count(0)
    assert tab.find(".outcome .verdict").evaluate("node => getComputedStyle(node).color") != bad


def test_two_epochs_side_by_side_zoom_in_step(tab):
    tab.open(view="compare", layer=LAYER, step=9)
    expect(tab.find(".side img[alt*='epoch 9']")).to_be_visible()
    expect(tab.find(".side img[alt*='epoch 0']")).to_be_visible()
    tab.find(".viewbar").get_by_role("combobox", name="Epoch").select_option("4")
    expect(tab.find(".side img[alt*='epoch 4']")).to_be_visible()
    tab.button("1:1").click()
    widths = {box["width"] for box in (c.bounding_box() for c in tab.find(".content").all())}
    assert len(widths) == 1
    tab.expect_state(stepB="4", zoom="1")


def test_two_runs_go_in_step(tab):
    tab.open(view="compare", layer=LAYER, step=3, runB="run2/keras_viz")
    assert OTHER_EPOCHS > 3
    expect(tab.find("figcaption").nth(1)).to_contain_text("run2")
    expect(tab.find("figcaption").nth(1)).to_contain_text("epoch 3")
    tab.find(".transport .slider").fill("5")
    expect(tab.find("figcaption").nth(1)).to_contain_text("epoch 5")


def test_the_difference_is_one_of_values(tab, log):
    tab.open(view="compare", layer=LAYER, step=9, stepB=4, mode="difference")
    readout = tab.find(".readout")
    expect(readout).to_contain_text("Largest difference")
    values = []
    for step in (9, 4):
        written = log.pictures[TAG, step]
        grid, statistics = written.record.grid, written.record.statistics
        levels = np.asarray(Image.open(io.BytesIO(written.png))).astype(float)
        out = np.full(levels.shape, np.nan)
        for i in range(len(grid.items)):
            y = grid.gap + i // grid.columns * (grid.cell_height + grid.gap)
            x = grid.gap + i % grid.columns * (grid.cell_width + grid.gap)
            cell = np.s_[y : y + grid.cell_height, x : x + grid.cell_width]
            low, high = statistics.minimum[i], statistics.maximum[i]
            out[cell] = np.where(levels[cell] == 254, 0, low + (high - low) * levels[cell] / 252)
        values.append(out)
    largest = np.nanmax(np.abs(values[1] - values[0]))
    said = float(re.search(r"Largest difference (\S+),", readout.inner_text())[1])
    assert abs(said - largest) < 1e-3 * largest
    tab.open(view="compare", layer=LAYER, step=9, stepB=9, mode="difference")
    expect(readout).to_have_text("The two are the same.")


def test_a_swipe_uncovers_the_other(tab):
    tab.open(view="compare", layer=LAYER, step=9, mode="swipe")
    over = tab.find(".over img").last
    expect(over).to_be_visible()
    tab.frame.get_by_label("Where A ends and B begins").fill("20")
    assert "20%" in over.evaluate("node => getComputedStyle(node).clipPath")


def test_a_cell_of_health_opens_what_it_stands_for(tab, log):
    tab.open(view="health", step=13)
    chart = tab.find(".heat.measure")
    expect(chart.locator(".row-names button")).to_have_count(len(LAYERS))
    box = chart.locator(".plot").bounding_box()
    x = box["x"] + (4.5 / EPOCHS) * box["width"]
    y = box["y"] + (3.5 / len(LAYERS)) * box["height"]
    layer = LAYERS[3]
    dead = log.pictures[f"activations/{layer}/image_0", 4].dead
    tab.page.mouse.move(x, y)
    expect(chart.locator(".readout")).to_have_text(
        f"{layer}, epoch 4: {dead:.0%}".replace("%", " % dead")
    )
    expect(tab.find(".heat.change .readout")).to_contain_text("changed")
    tab.page.mouse.click(x, y)
    tab.expect_state(view="picture", layer=layer, step="4")
