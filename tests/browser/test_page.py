"""What holds for all views: names are text, nobody is shut out, every state is told apart."""

from __future__ import annotations

import dataclasses
import http.server
import os
import shutil
import subprocess
import threading

import pytest
from playwright.sync_api import expect

from keras_viz_callbacks.summary import event_file
from tensorboard_plugin import schema
from tests.browser.conftest import RUNS, serve, watch
from tests.helpers import synthetic_logs
from tests.helpers.real_logs import LAYERS

HOSTILE = '<img src=x onerror="parent.hacked=1">&amp;"\'%2f'


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The source of axe-core, from npm."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    path = os.path.join(root, "node_modules", "axe-core", "axe.min.js")
    if not os.path.exists(path):
        folder = str(tmp_path_factory.mktemp("axe"))
        npm = shutil.which("npm")
        command = [str(npm), "install", "--silent", "--no-save", "--prefix", folder, "axe-core@4"]
        if npm is None or subprocess.run(command, check=False).returncode != 0:
            reason = "axe-core can't be had: npm is missing, or its registry."
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        path = os.path.join(folder, "node_modules", "axe-core", "axe.min.js")
    with open(path, encoding="utf-8") as file:
        return file.read()


def grave(frame):
    """What axe finds that is serious or critical."""
    found = frame.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        (v["id"], [node["html"][:160] for node in v["nodes"][:3]])
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]


def test_axe_finds_nothing_grave_in_any_view_light_and_dark(tab, axe):
    tab.frame.evaluate(axe)
    tab.frame.evaluate("document.body.append(document.createElement('img'))")
    assert grave(tab.frame), "axe is at work"
    tab.frame.evaluate("document.body.lastElementChild.remove()")
    found = {}
    for view in tab.views:
        tab.open(view=view, image="image_2", step=0)
        tab.page.wait_for_timeout(150)
        for dark in (False, True):
            tab.page.evaluate("dark => document.body.classList.toggle('dark-mode', dark)", dark)
            tab.frame.wait_for_function(
                "dark => document.documentElement.classList.contains('dark') === dark", arg=dark
            )
            found[view, dark] = grave(tab.frame)
    tab.page.evaluate("document.body.classList.remove('dark-mode')")
    tab.open(view="channels", item=0)
    expect(tab.find(".chart .line").first).to_be_visible()
    found["channel"] = grave(tab.frame)
    tab.press("?")
    found["help"] = grave(tab.frame)
    tab.button("Close").click()
    assert {key: value for key, value in found.items() if value} == {}


def test_every_view_fits_on_480_pixels(new_tab):
    tab = new_tab(viewport=(480, 800))
    for view in tab.views:
        tab.open(view=view)
        tab.page.wait_for_timeout(100)
        assert tab.frame.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
        for control in (".transport .slider", ".exact", ".tabs [aria-current]", ".exports"):
            expect(tab.find(control)).to_be_in_viewport()


def test_names_are_text(tmp_path, new_tab):
    spec = synthetic_logs.Spec(epochs=2, layers=2, images=2, class_maps=1, name=f"{HOSTILE}{{}}")
    file = event_file.EventFile(str(tmp_path / "a<b>run" / schema.RUN_NAME))
    for step, capture in synthetic_logs.captures(spec):
        synthetic_logs.write_capture(file, step, [hostile(written) for written in capture])
    file.close()
    tab = new_tab(serve(str(tmp_path)))
    expect(tab.find(".grid-row strong").first).to_contain_text(HOSTILE)
    for view in tab.views:
        tab.open(view=view)
        tab.page.wait_for_timeout(250)
        assert tab.find("img[onerror], b:has-text('run')").count() == 0
    expect(tab.picker("Run")).to_contain_text("a<b>run")
    tab.open(view="classmap")
    expect(tab.find(".outcome")).to_contain_text(HOSTILE)
    tab.expect_pictures(".images img")
    tab.button("✗ Wrong").click()
    assert tab.page.evaluate("window.hacked") is None


def hostile(written):
    """The same picture, by a name that would be markup if anybody read it as that."""
    record = written.record
    layer = record.layer
    if layer is not None:
        layer = dataclasses.replace(layer, path=layer.path + HOSTILE)
    rename = {}
    for field in ("label", "prediction", "target"):
        score = getattr(record, field)
        if score is not None:
            rename[field] = dataclasses.replace(score, name=score.name + HOSTILE)
    tag = schema.picture_tag(record.name, layer and layer.path, record.image_name)
    record = dataclasses.replace(record, layer=layer, tag=tag, note=HOSTILE, **rename)
    return dataclasses.replace(written, record=record)


def test_what_is_damaged_is_counted_and_the_rest_is_shown(tmp_path, new_tab):
    log = synthetic_logs.write(str(tmp_path / "run1"), synthetic_logs.Spec(epochs=3, filters=False))
    with open(log.path, "rb") as file:
        data = bytearray(synthetic_logs.without_contents(file.read()))
    data[data.index(b'"epoch":1') + 4] ^= 1
    with open(log.path, "wb") as file:
        file.write(data)
    tab = new_tab(serve(str(tmp_path)))
    tab.expect_pictures(".frame.now img")
    tab.find(".problems summary").click()
    expect(tab.find(".problems summary")).to_have_text("1 problem in the log")
    expect(tab.find(".problems .menu")).to_contain_text("checksum")


def test_an_empty_log_says_how_to_attach_a_callback(new_tab):
    reply = """{"version": 1, "token": "", "log_directories": ["the/logs"],
                "indexing": {"done": 0, "total": 0}, "runs": []}"""
    tab = new_tab(runs=lambda route: route.fulfill(content_type="application/json", body=reply))
    expect(tab.find(".notice.empty pre")).to_contain_text("ActivationGrid(")
    expect(tab.find(".notice.empty")).to_contain_text("the/logs")
    expect(tab.find(".notice.failed, .transport:visible")).to_have_count(0)


def test_a_server_that_is_gone_is_said_to_be_and_found_again(new_tab):
    tab = new_tab(runs=lambda route: route.abort())
    tab.expected_errors = "ERR_FAILED"
    expect(tab.find(".notice.failed")).to_contain_text("does not answer")
    tab.context.unroute(RUNS)
    tab.button("Try again").click()
    expect(tab.find(".view[data-view=layers]")).to_be_visible()


@pytest.fixture
def notebook(address):
    """A page of another origin that holds the tab in an iframe."""
    entry = f"{address}/data/plugin_entry.html?name=keras_viz"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<iframe src='{entry}' width=1200 height=700></iframe>".encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_without_a_parent_in_reach(browser, address, notebook):
    """In a notebook's iframe TensorBoard may be of another origin than what holds it."""
    page = browser.new_page()
    errors = watch(page)
    entry = f"{address}/data/plugin_entry.html?name=keras_viz"
    page.goto(notebook)
    frame = page.frame_locator("iframe")
    expect(frame.locator(".view[data-view=layers]")).to_be_visible()
    frame.get_by_role("button", name="Health").click()
    expect(frame.locator(".heat.measure .row-names button")).to_have_count(len(LAYERS))
    page.goto(f"{entry}#keras_viz&p.keras_viz.view=picture&p.keras_viz.step=3")
    expect(page.locator(".title")).to_contain_text("epoch 3")
    page.locator(".transport .slider").fill("4")
    page.wait_for_url("**step=4")
    page.close()
    # Of the page without TensorBoard around it the browser wants an icon.
    assert [error for error in errors if "favicon.ico" not in error] == []
