"""A headless Chromium for tests of pages: what it requested, complained of, and cannot show well.

Chromium is looked for in $CHROMIUM, then under its usual names; a test that needs it is skipped
where there is none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class ChromiumPage:
    """A page in a browser, and what happened there.

    Attributes:
        page: The page; every method of playwright is there.
        errors: Errors and warnings on the console, uncaught exceptions, failed requests.
        requests: Addresses that were requested, in order.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, path: Path) -> None:
        """Opens a file, all of it."""
        self.page.goto(path.resolve().as_uri(), wait_until="load")

    def overflow(self) -> int:
        """Returns by how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def faults(self) -> list[str]:
        """Returns what is wrong with the page for people who cannot see it well, in its colours.

        That is text that does not stand out from what is painted behind it (WCAG 2 asks for a ratio
        of 4.5), tables without a caption or with headings of no scope, links to places that are not
        there.
        """
        found: list[str] = self.page.evaluate(_FAULTS)
        return found

    def axe(self) -> list[str]:
        """Returns what else axe-core finds; its own look at contrast takes seconds a page."""
        package = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
        # Evaluated by the debugger, which a page's policy does not hold back.
        self.page.evaluate((resources.files(package) / "axe.min.js").read_text(encoding="utf-8"))
        found = self.page.evaluate(
            """async () => (await axe.run({
              rules: { "color-contrast": { enabled: false } }, resultTypes: ["violations"],
            })).violations"""
        )
        return [
            f"{one['impact']} {one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
            for one in found
        ]


_FAULTS = r"""
() => {
  const faults = [];
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption?.textContent.trim()) faults.push("table without caption");
    for (const header of table.querySelectorAll("th:not([scope])"))
      faults.push(`header without scope: ${header.textContent}`);
  }
  for (const link of document.querySelectorAll('[href^="#"]')) {
    const place = link.getAttribute("href");
    if (!document.getElementById(place.slice(1))) faults.push(`nothing has the id ${place}`);
  }

  const parse = (color) => {
    const numbers = color.match(/[\d.]+/g)?.map(Number) || [0, 0, 0, 0];
    return [numbers[0], numbers[1], numbers[2], numbers[3] ?? 1];
  };
  const over = (top, bottom) => {
    const alpha = top[3];
    return [0, 1, 2].map((i) => top[i] * alpha + bottom[i] * (1 - alpha)).concat(1);
  };
  const luminance = (color) => {
    const linear = color.slice(0, 3).map((channel) => {
      const part = channel / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const canvas = dark ? [18, 18, 18, 1] : [255, 255, 255, 1];
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement)
      layers.push(parse(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((bottom, top) => over(top, bottom), canvas);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("title, desc, script, style")) continue;
    const style = getComputedStyle(element);
    const ink = parse(element.closest("svg") ? style.fill : style.color);
    const ground = behind(element);
    const [light, deep] = [luminance(over(ink, ground)), luminance(ground)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (deep + 0.05);
    const line = `contrast ${ratio.toFixed(2)}: ${ink} on ${ground.map(Math.round)}`;
    if (ratio < 4.5 && !seen.has(line)) faults.push(`${line}: ${element.textContent.trim()}`);
    seen.add(line);
  }
  return faults;
}
"""


def chromium() -> Path | None:
    """Returns the Chromium of this machine, or None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return Path(named) if Path(named).is_file() else None
    found = (shutil.which(name) for name in _NAMES)
    return next((Path(path) for path in found if path), None)


_running: list[tuple[Browser, Playwright]] = []


@pytest.fixture(scope="module")
def one_browser() -> Iterator[None]:
    """One browser for all tests of a module, started by the first that opens a page.

    Playwright keeps an event loop running, in which other modules' tests could not run theirs.
    """
    yield
    while _running:
        browser, playwright = _running.pop()
        browser.close()
        playwright.stop()


def _browser() -> Browser:
    if not _running:
        sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
        executable = chromium()
        if executable is None:
            pytest.skip("no Chromium: install it, or name it in $CHROMIUM")
        playwright = sync_api.sync_playwright().start()
        options = {"executable_path": str(executable), "args": [*_OPTIONS]}
        _running.append((playwright.chromium.launch(**options), playwright))
    return _running[0][0]


@contextmanager
def chromium_page(
    *,
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    javascript: bool = True,
    **context: Any,
) -> Iterator[ChromiumPage]:
    """Opens an empty page with a storage of its own; skips the test where there is no Chromium.

    Args:
        width: Of the window, in pixels.
        height: Of the window, in pixels.
        dark: Whether the person prefers dark pages.
        javascript: Whether the page's own scripts run.
        **context: Further options of playwright's `new_context`.
    """
    opened = _browser().new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=javascript,
        **context,
    )
    try:
        page = ChromiumPage(opened.new_page())
        _listen(page)
        yield page
    finally:
        opened.close()


def _listen(opened: ChromiumPage) -> None:
    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            opened.errors.append(f"console {message.type}: {message.text}")

    def on_failed(request: Any) -> None:
        # Who leaves a page leaves what it was still asking for.
        if request.failure != "net::ERR_ABORTED":
            opened.errors.append(f"request failed: {request.url} ({request.failure})")

    opened.page.on("console", on_console)
    opened.page.on("pageerror", lambda error: opened.errors.append(f"exception: {error}"))
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.on("requestfailed", on_failed)
