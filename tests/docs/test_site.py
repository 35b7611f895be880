"""The guide as a site: it builds without a warning, loads nothing from outside, is complete."""

import os
import re
import subprocess
import sys

import pytest

import keras_viz_callbacks
from docs import view_sections
from docs.method_pages import variants
from tests.helpers.guide_pages import ROOT

pytest.importorskip("material", reason="the extra docs is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    ran = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def test_nothing_is_loaded_from_outside(site):
    loaded = set()
    for page in site.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        loaded |= set(re.findall(r'(?:src|<link[^>]*? href)="(https?:[^"]*)"', html))
    assert loaded == set()


def test_equations_are_drawn_without_a_script(site):
    for page in (site / "methods").rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        assert 'class="arithmatex"' not in html
    assert "<math" in (site / "methods/grad_cam/index.html").read_text(encoding="utf-8")


def test_every_method_is_in_the_navigation_and_in_the_table(site):
    index = (site / "methods/index.html").read_text(encoding="utf-8")
    for name, variant in variants().items():
        links = re.findall(rf'<a href="{name}/"[^>]*>(.*?)</a>', index, flags=re.DOTALL)
        titles = [" ".join(re.sub(r"<.*?>", "", link).split()) for link in links]
        assert titles == [variant.title, variant.title], name
        page = (site / f"methods/{name}/index.html").read_text(encoding="utf-8")
        assert re.search(rf"<h1[^>]*>{re.escape(variant.title)}<", page), name


def test_every_public_name_is_in_the_reference(site):
    pages = "".join(p.read_text(encoding="utf-8") for p in (site / "reference").rglob("*.html"))
    names = [n for n in keras_viz_callbacks.__all__ if not n.startswith("_")]
    assert [n for n in names if f'id="keras_viz_callbacks.{n}"' not in pages] == []


def test_the_http_api_is_there_with_its_code_as_code(site):
    html = (site / "reference/http_api/index.html").read_text(encoding="utf-8")
    api = (ROOT / "tensorboard_plugin/HTTP_API.md").read_text(encoding="utf-8")
    assert re.findall(r'<h2 id="([^"]*)"', html)[-14:] == re.findall(r"\]\(#(.*?)\)", api)[:14]
    # A line that begins with a brace is code, so no paragraph has one.
    assert re.findall(r"<p>\s*[{}].*", html) == []


def test_scripts_stay_out_of_the_site(site):
    assert list(site.rglob("*.py")) == []


def test_the_script_that_builds_it_parses():
    script = ROOT / "scripts/docs"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_pictures_of_the_guide_are_small():
    pages = (ROOT / "docs").glob("*/*.md")
    texts = [view_sections.markdown(), *(page.read_text("utf-8") for page in pages)]
    shown = {name for text in texts for name in re.findall(r"\.\./images/(\S+)\)", text)}
    assert len(shown) > 8
    sizes = {name: (ROOT / "docs/images" / name).stat().st_size for name in shown}
    assert {name for name, size in sizes.items() if size > 200_000} == set()
