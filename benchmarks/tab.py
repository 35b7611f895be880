"""Does the tab stay quick when a log is large? 1,000 epochs against 10, in a real Chromium.

    python -m benchmarks.tab

writes two synthetic logs of 20 layers × 4 images, starts a TensorBoard on each and on an empty
directory, and measures, in turn and several times:

- cold: from opening the address of a TensorBoard that has not read our log yet to a first
  complete screen, on which every picture in view is drawn; then until all epochs are within reach;
- warm: the same for the next browser;
- a move of the slider, until each layer in view has its picture of that epoch beside its name, and
  until the columns around that epoch are drawn too;
- memory of the page, and of the server above that of the TensorBoard on the empty directory.

The figures are medians. Goals: the large log takes at most twice the time to the first screen of
the small one, and 64 MiB in the server.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
import typing
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Frame, Page, sync_playwright

from scripts.screenshot import chromium, tensorboard
from tests.helpers import synthetic_logs

EPOCHS = (10, 1000)
GOAL_RATIO = 2
GOAL_MIB = 64
MOVES = 20

# Whether every picture in view is drawn, and of the step that its frame names.
ALL = ".frame.now, .cell"
DRAWN = """(selector) => {
  const inView = (node) => {
    const box = node.getBoundingClientRect();
    return box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  };
  const frames = [...document.querySelectorAll(selector)].filter(inView);
  return frames.length > 0 && frames.every((frame) => {
    const image = frame.querySelector('img');
    const { step } = frame.dataset;
    return image?.complete && image.naturalWidth > 0 && image.src.includes(`step=${step}&`);
  });
}"""
# Milliseconds until the pictures beside the names are drawn, and until all are.
MOVE = f"""(step) => new Promise((resolve) => {{
  const drawn = {DRAWN};
  const slider = document.querySelector('.transport .slider');
  const begin = performance.now();
  slider.value = step;
  slider.dispatchEvent(new Event('input'));
  let first = null;
  const look = () => {{
    const moved = document.querySelector('.frame.now')?.dataset.step === String(step);
    if (first === null && moved && drawn('.frame.now')) first = performance.now() - begin;
    if (first !== null && drawn('{ALL}')) resolve([first, performance.now() - begin]);
    else requestAnimationFrame(look);
  }};
  requestAnimationFrame(look);
}})"""

Numbers = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the tab on small and large logs.")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, nargs=2, default=EPOCHS, metavar=("SMALL", "LARGE"))
    parser.add_argument("--logs", type=Path, help="keep the logs here, and use what is there")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = chosen.logs or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        paths = {epochs: write(folder, epochs) for epochs in chosen.epochs}
        empty = folder / "empty"
        empty.mkdir(exist_ok=True)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        measured: dict[int, Numbers] = {epochs: {} for epochs in paths}
        for repeat in range(chosen.repeats):
            print(f"{repeat + 1} of {chosen.repeats} …", file=sys.stderr, flush=True)
            base = resident_of_empty(browser, empty)
            for epochs, path in paths.items():
                for name, value in measure(browser, path, epochs, base).items():
                    measured[epochs].setdefault(name, []).append(value)
        browser.close()
    report(measured)


def write(folder: Path, epochs: int) -> Path:
    """A log of that many epochs, unless it is there."""
    path = folder / f"{epochs}_epochs"
    if not path.exists():
        begin = time.perf_counter()
        part = folder / f"{epochs}_epochs.part"
        shutil.rmtree(part, ignore_errors=True)
        spec = synthetic_logs.Spec(
            epochs=epochs, layers=20, images=4, channels=16, cell=16, size=32, distinct=10
        )
        log = synthetic_logs.write(str(part / "run1"), spec)
        size = os.path.getsize(log.path) / 2**20
        seconds = time.perf_counter() - begin
        print(
            f"{epochs} epochs: {len(log.pictures)} pictures, {size:.0f} MiB, {seconds:.0f} s",
            file=sys.stderr,
        )
        part.rename(path)
    return path


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[tuple[Page, Frame]]:
    """The tab in a page without a cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{url}#keras_viz", wait_until="commit")
    element = page.wait_for_selector("iframe")
    frame = None if element is None else element.content_frame()
    assert frame is not None
    yield page, frame
    context.close()


def resident_of_empty(browser: Browser, path: Path) -> float:
    """MiB of a TensorBoard that has been looked at and has nothing to show."""
    with tensorboard(path) as (url, process):
        answered(url)
        with opened(browser, url) as (_, frame):
            frame.wait_for_selector(".notice.empty")
            return resident(process.pid)


def measure(browser: Browser, path: Path, epochs: int, base: float) -> dict[str, float]:
    """One cold start, and what follows on it."""
    found = {}
    with tensorboard(path) as (url, process):
        answered(url)
        begin = time.perf_counter()
        with opened(browser, url) as (_, frame):
            frame.wait_for_function(DRAWN, arg=ALL)
            found["cold: first screen, s"] = time.perf_counter() - begin
            frame.wait_for_function(
                f"document.querySelector('.total')?.innerText === 'of {epochs - 1}'"
            )
            frame.wait_for_function(DRAWN, arg=ALL)
            found["cold: every epoch, s"] = time.perf_counter() - begin
        begin = time.perf_counter()
        with opened(browser, url) as (page, frame):
            frame.wait_for_function(DRAWN, arg=ALL)
            found["warm: first screen, s"] = time.perf_counter() - begin
            # Far apart, so that nothing is there already.
            steps = [(7 * i + 3) * epochs // 10 % epochs + i * epochs // 200 for i in range(MOVES)]
            moves = [frame.evaluate(MOVE, min(step, epochs - 1)) for step in steps]
            found["slider: pictures, ms"] = statistics.median(first for first, _ in moves)
            found["slider: all around, ms"] = statistics.median(every for _, every in moves)
            found["page, MiB"] = heap(page)
        found["server above empty, MiB"] = resident(process.pid) - base
    return found


def answered(url: str) -> None:
    """Waits until TensorBoard answers; our own routes are not asked."""
    urllib.request.urlopen(url).read()


def heap(page: Page) -> float:
    """MiB of JavaScript objects in the page, TensorBoard's included."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics: list[dict[str, typing.Any]] = session.send("Performance.getMetrics")["metrics"]
    return next(m["value"] for m in metrics if m["name"] == "JSHeapUsedSize") / 2**20


def resident(pid: int) -> float:
    """MiB of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def report(measured: dict[int, Numbers]) -> None:
    """Prints medians, their ratio, and whether the goals are met."""
    small, large = measured
    middle = {n: {k: statistics.median(v) for k, v in m.items()} for n, m in measured.items()}
    print(f"| median | {small} epochs | {large} epochs | ratio |\n|---|--:|--:|--:|")
    for name, a in middle[small].items():
        b = middle[large][name]
        print(f"| {name} | {a:.2f} | {b:.2f} | {b / a:.2f} |")
    ratios = [middle[large][n] / middle[small][n] for n in middle[small] if "first screen" in n]
    memory = middle[large]["server above empty, MiB"]
    print(f"\nFirst screen: {max(ratios):.2f} times as long; the goal is at most {GOAL_RATIO}.")
    print(f"Server: {memory:.0f} MiB; the goal is at most {GOAL_MIB}.")
    if max(ratios) > GOAL_RATIO or memory > GOAL_MIB:
        raise SystemExit("The goal is missed.")


if __name__ == "__main__":
    main()
