"""Take the README's screenshot: the tab, in a real Chromium on a real TensorBoard.

Chromium is looked for on the PATH; KERAS_VIZ_CHROMIUM names another one.
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
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
# A five that is taken for a three at first: all epochs of its class maps, at every layer.
STATE = "&p.keras_viz.technique=grad_cam&p.keras_viz.image=image_3"
ALL_DRAWN = """() => {
    const images = [...document.images].filter((image) => image.src);
    return images.length > 0 && images.every((image) => image.complete && image.naturalWidth > 0);
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Take a screenshot of the tab.")
    parser.add_argument("--log-dir", type=Path, default=ROOT / "logs")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/images/tab.png")
    parser.add_argument("--state", default=STATE, help="part of the URL after #keras_viz")
    parser.add_argument("--size", type=int, nargs=2, default=(1640, 860))
    chosen = parser.parse_args()

    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    with tensorboard(chosen.log_dir) as url:
        png = photograph(f"{url}#keras_viz{chosen.state}", *chosen.size)
    Image.open(io.BytesIO(png)).convert("RGB").save(chosen.output, optimize=True)
    print(f"{chosen.output}: {chosen.output.stat().st_size // 1000} kB")


def photograph(url: str, width: int, height: int) -> bytes:
    """The page as PNG, once every picture in the tab is drawn."""
    with sync_playwright() as playwright:
        # Root, as in containers, has no sandbox.
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(url)
        frame = page.wait_for_selector("iframe", timeout=30_000).content_frame()
        frame.wait_for_function(ALL_DRAWN, timeout=30_000)
        page.wait_for_timeout(1000)  # what is still moving comes to rest
        png = page.screenshot()
        browser.close()
    return png


def chromium() -> str:
    """Path of the browser; SystemExit where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("KERAS_VIZ_CHROMIUM") or next(filter(None, map(shutil.which, names)), "")
    if not found:
        raise SystemExit("No Chromium here: install it, or set KERAS_VIZ_CHROMIUM to its path.")
    return found


@contextlib.contextmanager
def tensorboard(log_dir: Path) -> Iterator[str]:
    """A running TensorBoard on a free port: yields its URL."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(log_dir), "--port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "stderr.txt"
        with said.open("w") as stderr, subprocess.Popen(command, stderr=stderr) as process:
            try:
                while not (match := re.search(r"http://\S+", said.read_text())):
                    if process.poll() is not None:
                        raise SystemExit(f"TensorBoard ended at once:\n{said.read_text()}")
                    time.sleep(0.1)
                yield match[0]
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
