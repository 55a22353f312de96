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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

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

    def faults(self, least_contrast: float = 4.5) -> list[str]:
        """Returns what is wrong with the page for people who cannot see it well.

        Looks at: the page's language and title; names of pictures, links, buttons and fields;
        the order of headings; captions and header scopes of tables; ids that occur twice or that
        nothing has; the contrast of every text with what is painted behind it.

        Args:
            least_contrast: WCAG 2 contrast ratio that every text must reach.
        """
        faults: list[str] = self.page.evaluate(_FAULTS, least_contrast)
        return faults


def chromium() -> Path | None:
    """Returns the Chromium of this machine, or None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return Path(named) if Path(named).is_file() else None
    found = (shutil.which(name) for name in _NAMES)
    return next((Path(path) for path in found if path), None)


@contextmanager
def chromium_page(
    *,
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    javascript: bool = True,
    **context: Any,
) -> Iterator[ChromiumPage]:
    """Opens a browser with one empty page; skips the test where there is no Chromium.

    Args:
        width: Of the window, in pixels.
        height: Of the window, in pixels.
        dark: Whether the person prefers dark pages.
        javascript: Whether the page's own scripts run.
        **context: Further options of playwright's `new_context`.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = chromium()
    if executable is None:
        pytest.skip("no Chromium: install it, or name it in $CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(executable), args=[*_OPTIONS])
        try:
            page = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                java_script_enabled=javascript,
                **context,
            ).new_page()
            opened = ChromiumPage(page)
            _listen(opened)
            yield opened
        finally:
            browser.close()


def _listen(opened: ChromiumPage) -> None:
    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            opened.errors.append(f"console {message.type}: {message.text}")

    opened.page.on("console", on_console)
    opened.page.on("pageerror", lambda error: opened.errors.append(f"exception: {error}"))
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.on(
        "requestfailed", lambda request: opened.errors.append(f"request failed: {request.url}")
    )


_FAULTS = r"""
(leastContrast) => {
  const faults = [];
  const describe = (element) => {
    const text = (element.textContent || "").trim().replace(/\s+/g, " ").slice(0, 40);
    const place = [element.tagName.toLowerCase(), element.getAttribute("class")];
    return `<${place.filter(Boolean).join(" ")}> ${text}`;
  };
  const hidden = (element) => element.closest('[aria-hidden="true"]') !== null;
  const named = (element) => {
    const label = (element.getAttribute("aria-label") || "").trim();
    const ids = (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
    const referred = ids.map((id) => document.getElementById(id)?.textContent || "").join("");
    return label !== "" || referred.trim() !== "";
  };

  if (!document.documentElement.lang) faults.push("the page has no language");
  if (!document.title.trim()) faults.push("the page has no title");

  for (const picture of document.querySelectorAll("svg")) {
    if (hidden(picture) || picture.parentElement.closest("svg")) continue;
    const title = picture.querySelector(":scope > title")?.textContent.trim();
    if (picture.getAttribute("role") !== "img")
      faults.push(`picture without role: ${describe(picture)}`);
    if (!title && !named(picture)) faults.push(`picture without title: ${describe(picture)}`);
  }
  for (const picture of document.querySelectorAll("img"))
    if (!hidden(picture) && !picture.hasAttribute("alt"))
      faults.push(`img without alt: ${picture.src}`);
  for (const control of document.querySelectorAll("a, button, [role=region], nav"))
    if (!hidden(control) && !named(control) && !control.textContent.trim())
      faults.push(`no name: ${describe(control)}`);
  for (const field of document.querySelectorAll("input, select, textarea"))
    if (!named(field) && !field.labels?.length)
      faults.push(`field without label: ${describe(field)}`);

  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1)
      faults.push(`heading skips from ${level} to ${next}: ${describe(heading)}`);
    level = next;
  }
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
  if (document.querySelectorAll("main").length !== 1) faults.push("not one main");

  for (const table of document.querySelectorAll("table")) {
    if (!table.caption?.textContent.trim())
      faults.push(`table without caption: ${describe(table)}`);
    for (const header of table.querySelectorAll("th"))
      if (!header.scope) faults.push(`header without scope: ${describe(header)}`);
  }

  const ids = new Set();
  for (const element of document.querySelectorAll("[id]")) {
    if (ids.has(element.id)) faults.push(`id twice: ${element.id}`);
    ids.add(element.id);
  }
  for (const link of document.querySelectorAll('[href^="#"]'))
    if (!ids.has(link.getAttribute("href").slice(1)))
      faults.push(`nothing has the id ${link.getAttribute("href")}`);

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
    if (ratio < leastContrast && !seen.has(line)) {
      seen.add(line);
      faults.push(`${line}: ${describe(element)}`);
    }
  }
  return faults;
}
"""
