"""Take the README's pictures: each view of the tab, light and dark, on a real TensorBoard.

They go to docs/images: tab.png, the opening view, and tab_<view>_<light|dark>.png. Chromium is
looked for on the PATH; KERAS_VIZ_CHROMIUM names another one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Frame, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
# A seven that is taken for a zero at first, in the training that the README's pictures show.
IMAGE = "image=image_0"
OPENING = f"name=grad_cam&{IMAGE}"
# What each view is asked to show; a view that is not here shows the image.
STATES = {
    "layers": f"name=activations&{IMAGE}",
    "picture": f"name=activations&layer=conv3&{IMAGE}",
    "channels": f"layer=conv2&{IMAGE}&sort=mean",
    "classmap": f"layer=conv5&{IMAGE}",
    "compare": f"name=grad_cam&layer=conv5&{IMAGE}&stepB=0",
}
OPENING_SIZE = (1640, 860)
SIZE = (1280, 760)
THEMES = ("light", "dark")
LARGEST = 200_000  # bytes of a picture
ALL_DRAWN = """() => {
    const images = [...document.images].filter((image) => image.src);
    const drawn = images.every((image) => image.complete && image.naturalWidth > 0);
    return document.querySelector('.view') && drawn && !document.querySelector('.pending');
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of the tab.")
    parser.add_argument("--log-dir", type=Path, default=ROOT / "logs")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/images", help="a directory")
    parser.add_argument("--view", nargs="+", help="only these, not tab.png")
    chosen = parser.parse_args()

    chosen.output.mkdir(parents=True, exist_ok=True)
    with tensorboard(chosen.log_dir) as (url, _), sync_playwright() as playwright:
        # Root, as in containers, has no sandbox.
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        if chosen.view is None:
            save(photograph(browser, url, OPENING, OPENING_SIZE), chosen.output / "tab.png")
        for view in chosen.view or views(browser, url):
            state = f"view={view}&{STATES.get(view, IMAGE)}"
            for theme in THEMES:
                png = photograph(browser, url, state, SIZE, theme)
                save(png, chosen.output / f"tab_{view}_{theme}.png")
        browser.close()


def photograph(
    browser: Browser, url: str, state: str, size: tuple[int, int], theme: str = "light"
) -> bytes:
    """The page as PNG, once every picture in the tab is drawn."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    dark = "?darkMode=true" if theme == "dark" else ""
    parameters = "".join(f"&p.keras_viz.{pair}" for pair in state.split("&"))
    page.goto(f"{url}{dark}#keras_viz{parameters}")
    frame = tab_in(page)
    frame.wait_for_function(ALL_DRAWN, timeout=30_000)
    page.wait_for_timeout(2000)  # what is still moving comes to rest
    frame.wait_for_function(ALL_DRAWN, timeout=30_000)
    png = page.screenshot()
    page.close()
    return png


def views(browser: Browser, url: str) -> list[str]:
    """Names of the tab's views in the address, as its buttons have them."""
    page = browser.new_page()
    page.goto(f"{url}#keras_viz")
    buttons = tab_in(page).locator(".tabs button")
    buttons.first.wait_for()
    names: list[str] = buttons.evaluate_all("buttons => buttons.map((button) => button.value)")
    page.close()
    return names


def tab_in(page: Page) -> Frame:
    """The frame of the tab; SystemExit where there is none."""
    element = page.wait_for_selector("iframe", timeout=30_000)
    frame = None if element is None else element.content_frame()
    if frame is None:
        raise SystemExit("TensorBoard shows no tab of ours.")
    return frame


def save(png: bytes, path: Path) -> None:
    """In 256 colours, the nearest to those that the screen has, or fewer if it is too large."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colors in (256, 192, 128, 64):
        few = picture.quantize(colors, Image.Quantize.MEDIANCUT, kmeans=3, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        if path.stat().st_size < LARGEST:
            break
    print(f"{path}: {path.stat().st_size // 1000} kB", flush=True)


def chromium() -> str:
    """Path of the browser; SystemExit where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("KERAS_VIZ_CHROMIUM") or next(filter(None, map(shutil.which, names)), "")
    if not found:
        raise SystemExit("No Chromium here: install it, or set KERAS_VIZ_CHROMIUM to its path.")
    return found


@contextlib.contextmanager
def tensorboard(log_dir: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A running TensorBoard on a free port: yields its URL, and its process."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(log_dir), "--port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "stderr.txt"
        with said.open("w") as stderr, subprocess.Popen(command, stderr=stderr) as process:
            try:
                while not (match := re.search(r"http://\S+", said.read_text())):
                    if process.poll() is not None:
                        raise SystemExit(f"TensorBoard ended at once:\n{said.read_text()}")
                    time.sleep(0.1)
                yield match[0], process
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
