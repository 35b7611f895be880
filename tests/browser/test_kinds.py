"""What records say a picture is: titles, signed maps, maps of the input, and any measure."""

from __future__ import annotations

import dataclasses
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import tests.tensorboard_plugin
from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema
from tests.browser.conftest import serve
from tests.helpers import synthetic_logs

SPEC = synthetic_logs.Spec(epochs=3, layers=2, images=2, filters=False)
LAYERS = tuple(synthetic_logs.layer_of(SPEC, i) for i in range(SPEC.layers))
LOW, HIGH = -2.0, 1.0
GREYS = np.array([[0, 43690], [65535, 21845]], np.uint16)
VALUES = LOW + (HIGH - LOW) * GREYS / 65535  # -2, 0, 1 and -1
CORNERS = """canvas => {
  const context = canvas.getContext('2d');
  const pixel = (x, y) => Array.from(context.getImageData(x, y, 1, 1).data.slice(0, 3));
  const [right, bottom] = [canvas.width - 1, canvas.height - 1];
  return [[pixel(0, 0), pixel(right, 0)], [pixel(0, bottom), pixel(right, bottom)]];
}"""
BLUE, RED, MIDDLE = np.array([(33, 82, 170), (178, 34, 30), (247, 247, 247)])
MOVED = {0: (0.5, None), 1: (0.25, -3.0), 2: (0.125, 0.0)}  # by step, a number for each layer


def renamed(written, name, **changes):
    """The same picture by another callback."""
    record = dataclasses.replace(written.record, name=name, **changes)
    path = None if record.layer is None else record.layer.path
    record = dataclasses.replace(record, tag=schema.picture_tag(name, path, record.image_name))
    return dataclasses.replace(written, record=record)


def signed(written):
    """A map of the input with values on both sides of zero."""
    heat_map = io.BytesIO()
    Image.fromarray(GREYS).save(heat_map, "PNG")
    changes = {"layer": None, "title": "Input × gradient", "value_range": (LOW, HIGH)}
    changes |= {"map_shape": GREYS.shape, "blank": False}
    picture = renamed(written, "saliency", **changes)
    return dataclasses.replace(picture, heat_map=heat_map.getvalue())


@pytest.fixture(scope="module")
def kinds_address(tmp_path_factory):
    root = tmp_path_factory.mktemp("kinds")
    file = event_file.EventFile(str(root / "run1" / schema.RUN_NAME))
    for step, capture in synthetic_logs.captures(SPEC):
        maps = [w for w in capture if w.record.kind == "evidence"]
        capture += [renamed(w, "late") for w in maps] + [signed(w) for w in maps]
        synthetic_logs.write_capture(file, step, capture)
        table = schema.MeasureTable("movement", step, 0, LAYERS, {"moved_far": MOVED[step]}, {})
        file.write(step, [summaries.measures(table)])
        file.flush()
    file.close()
    return serve(str(root))


@pytest.fixture
def kinds_tab(new_tab, kinds_address):
    return lambda **parameters: new_tab(kinds_address, **parameters)


def test_methods_are_called_by_their_titles(kinds_tab):
    tab = kinds_tab(view="picture")
    expect(tab.picker("Method").locator("option")).to_have_text(
        [
            "Activations",
            "Grad-CAM (grad_cam)",
            "Grad-CAM (late)",
            "Input × gradient",
            "Held-out images",
        ]
    )


def test_a_map_of_the_input_is_a_row_and_opens_over_its_image(kinds_tab):
    tab = kinds_tab(name="saliency", step=1)
    expect(tab.find(".grid-row strong")).to_have_text("Input")
    tab.expect_pictures(".frame.now img")
    expect(tab.picker("Layer")).to_be_hidden()
    tab.find(".cell[data-step='2']").click()
    tab.expect_state(view="classmap", name="saliency", step="2")
    expect(tab.find(".title")).to_contain_text("Input")
    expect(tab.find(".title")).to_contain_text("image_0, epoch 2")


def test_a_signed_map_is_drawn_around_zero(kinds_tab):
    tab = kinds_tab(view="classmap", name="saliency", step=2, opacity=0)
    canvas = tab.find(".sheet canvas")
    expect(canvas).to_be_visible()
    image = np.array(canvas.evaluate(CORNERS))
    tab.frame.get_by_label("Opacity").fill("100")
    tab.expect_state(opacity="100")
    part = (VALUES / 2)[..., None]  # of the largest absolute value
    color = MIDDLE + (np.where(part < 0, BLUE, RED) - MIDDLE) * abs(part)
    expected = image + (color - image) * abs(part)
    assert np.abs(canvas.evaluate(CORNERS) - expected).max() <= 2
    expect(tab.find(".ends")).to_have_text("-20+2")
    expect(tab.frame.get_by_label("Colours").locator("option")).to_have_text(["blue to red"])
    box = canvas.bounding_box()
    for (row, column), value in np.ndenumerate(VALUES):
        x = box["x"] + (column + 0.5) * box["width"] / 2
        y = box["y"] + (row + 0.5) * box["height"] / 2
        tab.page.mouse.move(x, y)
        said = f"{value:+g}" if value else "0"
        expect(tab.find(".readout")).to_contain_text(
            f"Row {row}, column {column} of the map: {said}, {abs(value) / 2:.0%}".replace(
                "%", " %"
            )
        )


def test_health_offers_every_measure(kinds_tab):
    tab = kinds_tab(view="health")
    chart = tab.find(".heat.measure")
    options = tab.picker("Measure").locator("option")
    expect(options).to_have_text(["Dead channels", "Moved far", "Blank channels"])
    expect(chart.locator("h2")).to_have_text("Dead channels")
    tab.picker("Measure").select_option("Moved far")
    tab.expect_state(measure="moved_far")
    expect(chart.locator("h2")).to_have_text("Moved far")
    expect(chart.locator(".ends")).to_have_text("-30.5")
    box = chart.locator(".plot").bounding_box()
    for step, numbers in MOVED.items():
        for row, value in enumerate(numbers):
            x = box["x"] + (step + 0.5) / len(MOVED) * box["width"]
            tab.page.mouse.move(x, box["y"] + (row + 0.5) / len(numbers) * box["height"])
            said = "nothing known" if value is None else f"Moved far {value:g}"
            expect(chart.locator(".readout")).to_have_text(
                f"{LAYERS[row].path}, epoch {step}: {said}"
            )
    # There is no picture of it to be opened.
    tab.page.mouse.click(x, box["y"] + box["height"] / 4)
    expect(tab.find(".view[data-view=health]")).to_be_visible()
    assert "measure=moved_far" in tab.page.url


def test_measures_of_layers_are_shown_beside_pictures_of_the_input(kinds_tab):
    tab = kinds_tab(view="health", name="saliency")
    chart = tab.find(".heat.measure")
    expect(chart.locator(".row-names button")).to_have_text([layer.path for layer in LAYERS])
    expect(tab.find(".heat.change")).to_be_hidden()


@pytest.fixture(scope="module")
def measures_address(tmp_path_factory):
    """A run with measures of two callbacks, and no picture."""
    root = tmp_path_factory.mktemp("measures")
    tables = {
        step: [
            schema.MeasureTable("movement", step, 0, LAYERS, {"moved_far": numbers}, {}),
            schema.MeasureTable("shares", step, 0, LAYERS[:1], {"dead_channels": (0.25,)}, {}),
        ]
        for step, numbers in MOVED.items()
    }
    synthetic_logs.write_tables(str(root / "run1"), tables)
    return serve(str(root))


def test_health_shows_the_measures_of_a_run_without_pictures(new_tab, measures_address):
    tab = new_tab(measures_address, view="health")
    chart = tab.find(".heat.measure")
    expect(chart.locator("h2")).to_have_text("Moved far")
    expect(chart.locator(".row-names button")).to_have_text([layer.path for layer in LAYERS])
    expect(chart.locator(".readout")).to_have_text(f"{LAYERS[0].path}, epoch 2: Moved far 0.125")
    tab.press("ArrowLeft")
    expect(chart.locator(".readout")).to_have_text(f"{LAYERS[0].path}, epoch 1: Moved far 0.25")
    tab.press("ArrowDown")
    expect(chart.locator(".readout")).to_have_text(f"{LAYERS[1].path}, epoch 1: Moved far -3")
    expect(tab.find(".heat.change")).to_be_hidden()
    expect(tab.find(".exports")).to_be_hidden()
    expect(tab.picker("Image")).to_be_hidden()
    expect(tab.picker("Method").locator("option")).to_have_text(["movement", "shares"])
    tab.picker("Method").select_option("shares")
    expect(chart.locator("h2")).to_have_text("Dead channels")
    expect(chart.locator(".row-names button")).to_have_text([LAYERS[0].path])
    expect(chart.locator(".readout")).to_contain_text("25 % dead")
    chart.locator(".row-names button").click()  # there is no picture to open
    expect(tab.find(".view[data-view=health]")).to_be_visible()


def test_other_views_say_where_the_measures_of_a_run_without_pictures_are(
    new_tab, measures_address
):
    tab = new_tab(measures_address)
    for view in tab.views:
        if view == "health":
            continue
        tab.find(f".tabs button[value={view}]").click()
        expect(tab.find(f".tabs button[value={view}]")).to_have_attribute("aria-current", "page")
        expect(tab.find(".notice")).to_contain_text("No pictures in this run yet")
        expect(tab.find(".notice")).to_contain_text(
            "It has measures of layers, which are shown in “Health”."
        )
        expect(tab.find(".transport")).to_be_hidden()
    tab.button("Health").click()
    expect(tab.find(".heat.measure .readout")).to_contain_text("Moved far")


def test_a_log_of_version_1_shows_what_it_showed(new_tab, tmp_path):
    folder = Path(tests.tensorboard_plugin.__file__).parent / "version_1"
    shutil.copytree(folder, tmp_path / "old")
    tab = new_tab(serve(str(tmp_path)))
    tab.expect_pictures(".frame.now img")
    expect(tab.find(".about .numbers").first).to_contain_text("dead")
    expect(tab.picker("Method")).to_contain_text("Activations")
    tab.button("Class map").click()
    expect(tab.find(".sheet canvas")).to_be_visible()
    expect(tab.find(".ends")).to_contain_text("evidence")
    tab.button("Channels").click()
    expect(tab.find(".channels button").first).to_be_visible()
    tab.button("Health").click()
    expect(tab.find(".heat.measure .readout")).to_contain_text("dead")
