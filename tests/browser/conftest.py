"""A real Chromium on a real TensorBoard over logs that a real `fit` wrote."""

from __future__ import annotations

import os
import re
import shutil
import typing
import urllib.parse
from collections.abc import Callable, Iterator

import pytest
from tensorboard import default, program

from tensorboard_plugin.plugin import KerasVizPlugin
from tests.helpers import real_logs, synthetic_logs

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

if typing.TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Frame, Locator, Page

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

EPOCHS = 14  # more than the ten that TensorBoard keeps of a tag
OTHER_EPOCHS = 6

TIMEOUT_MS = 10_000
RUNS = re.compile(r"/keras_viz/runs$")
playwright_api.expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(os.path.dirname(__file__)):
            item.add_marker(pytest.mark.browser)


def serve(log_dir: str | None, *flags: str) -> str:
    """Starts a TensorBoard of this process on a free port; its address."""
    board = program.TensorBoard(plugins=[*default.get_static_plugins(), KerasVizPlugin])
    where = [] if log_dir is None else ["--logdir", log_dir]
    board.configure(argv=["tensorboard", *where, "--port", "0", *flags])
    return board.launch().rstrip("/")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("KERAS_VIZ_CHROMIUM") or shutil.which("chromium")
    if path is None:
        reason = "No Chromium here: install Debian's chromium, or set KERAS_VIZ_CHROMIUM."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Tab:
    """The tab in one page of the browser."""

    def __init__(self, context: BrowserContext, address: str, **parameters: object) -> None:
        self.context = context
        self.address = address
        self.expected_errors = ""
        self.page: Page = context.new_page()
        self.page.set_default_timeout(TIMEOUT_MS)
        self.errors = watch(self.page)
        self.page.goto(f"{address}/#{fragment(parameters)}")
        self.frame: Frame = self._find_frame()

    def _find_frame(self) -> Frame:
        element = self.page.wait_for_selector("iframe[src*=keras_viz], iframe")
        assert element is not None
        frame = element.content_frame()
        assert frame is not None
        frame.wait_for_selector(".view, .notice:not(.loading)")
        return frame

    def open(self, **parameters: object) -> Tab:
        """Goes to a state by its address, as a link does."""
        if self.button("Pause").is_visible():
            self.button("Pause").click()
        # A state of its own in between, so that the same address is gone to as well.
        script = "hash => { parent.location.hash = hash }"
        self.frame.evaluate(script, fragment({"view": "health", "size": "small"}))
        self.frame.evaluate(script, fragment(parameters))
        view = str(parameters.get("view", "layers"))
        self.frame.wait_for_selector(f".view[data-view={view}]")
        return self

    def reload(self) -> Tab:
        self.page.reload()
        self.frame = self._find_frame()
        return self

    def find(self, selector: str, **options: typing.Any) -> Locator:
        return self.frame.locator(selector, **options)

    @property
    def views(self) -> list[str]:
        """Names of the views in the address, in the order of their buttons."""
        script = "buttons => buttons.map((button) => button.value)"
        names: list[str] = self.find(".tabs button").evaluate_all(script)
        assert names
        return names

    def button(self, name: str) -> Locator:
        return self.frame.get_by_role("button", name=name, exact=True)

    def picker(self, name: str) -> Locator:
        return self.frame.get_by_role("combobox", name=name, exact=True)

    def press(self, key: str) -> None:
        self.frame.evaluate("document.activeElement?.blur()")
        self.page.keyboard.press(key)

    def state(self) -> dict[str, str]:
        """What the address says."""
        _, _, query = self.page.url.partition("#keras_viz")
        pairs = urllib.parse.parse_qsl(query.lstrip("&"))
        return {key.removeprefix("p.keras_viz."): value for key, value in pairs}

    def expect_state(self, **expected: str | None) -> None:
        """Waits until the address says so; None for what must not be in it."""
        for _ in range(100):
            state = self.state()
            if all(state.get(key) == value for key, value in expected.items()):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{expected} expected, the address says {self.state()}")

    def expect_pictures(self, selector: str) -> None:
        """Waits until the pictures are there, and looks whether they are pictures."""
        images = self.find(selector)
        playwright_api.expect(images.first).to_be_visible()
        script = "all => all.length > 0 && all.every(i => i.complete && i.naturalWidth > 0)"
        for _ in range(200):
            if images.evaluate_all(script):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{selector}: {images.evaluate_all('a => a.map(i => i.src)')}")

    def assert_no_errors(self) -> None:
        """That nothing but what the test provoked was complained of."""
        expected = self.expected_errors
        assert [e for e in self.errors if not expected or not re.search(expected, e)] == []


def watch(page: Page) -> list[str]:
    """Collects what the page and its frames complain of: exceptions, and errors in the console.

    A breach of the content security policy is one of those.
    """
    errors: list[str] = []

    def hear(message: typing.Any) -> None:
        if message.type == "error":
            errors.append(f"{message.text} ({message.location.get('url')})")

    page.on("console", hear)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def fragment(parameters: dict[str, typing.Any]) -> str:
    pairs = (f"p.keras_viz.{k}={urllib.parse.quote(str(v), '')}" for k, v in parameters.items())
    return "&".join(["keras_viz", *pairs])


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, synthetic_logs.Log]:
    """Two trainings; the longer one is the newer, and so the one that the tab opens with."""
    root = tmp_path_factory.mktemp("browser")
    return {
        "run2": real_logs.fit(str(root / "run2"), epochs=OTHER_EPOCHS, seed=1),
        "run1": real_logs.fit(str(root / "run1"), epochs=EPOCHS, seed=2),
    }


@pytest.fixture(scope="session")
def log(written: dict[str, synthetic_logs.Log]) -> synthetic_logs.Log:
    return written["run1"]


@pytest.fixture(scope="session")
def address(written: dict[str, synthetic_logs.Log]) -> str:
    return serve(os.path.dirname(os.path.dirname(written["run1"].directory)))


@pytest.fixture(scope="session")
def _shared_tab(browser: Browser, address: str) -> Iterator[Tab]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield Tab(context, address)
    context.close()


@pytest.fixture
def tab(_shared_tab: Tab) -> Iterator[Tab]:
    """One page for all tests that begin with `open`; what it complains of fails the test."""
    _shared_tab.errors.clear()
    yield _shared_tab
    _shared_tab.assert_no_errors()


@pytest.fixture
def new_tab(browser: Browser, address: str) -> Iterator[Callable[..., Tab]]:
    """Opens the tab in a page of its own, at the log's address by default.

    What one of them complains of fails the test, but for its `expected_errors`.
    """
    contexts = []
    tabs = []

    def open_tab(
        at: str = address,
        viewport: tuple[int, int] = (1280, 800),
        runs: Callable[[typing.Any], None] | None = None,
        heard: Callable[[str], None] | None = None,
        route: tuple[re.Pattern[str], Callable[[typing.Any], None]] | None = None,
        **parameters: object,
    ) -> Tab:
        width, height = viewport
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        if runs is not None:  # answers the first of all requests in the server's place
            context.route(RUNS, runs)
        if route is not None:  # addresses, and what answers them in the server's place
            context.route(*route)
        if heard is not None:  # takes the address of each request
            context.on("request", lambda request: heard(request.url))
        tabs.append(Tab(context, at, **parameters))
        return tabs[-1]

    yield open_tab
    for context in contexts:
        context.close()
    for tab in tabs:
        tab.assert_no_errors()
