"""The site: built strictly from the pages that stand, whole, and asking no other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.browser import chromium_page, one_browser  # noqa: F401

ROOT = Path(__file__).parent.parent


def build(folder: Path, config: Path = ROOT / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(folder)],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_every_page_is_there(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    sources = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/**/*.ipynb")]
    expected = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in sources}
    expected |= {
        path.relative_to(ROOT).with_suffix(".html") for path in ROOT.glob("baselines/**/README.md")
    }
    names = {path.as_posix().replace("README.html", "index.html") for path in expected}
    assert names | {"index.html", "404.html"} == pages
    assert not list(site.rglob("*.py"))


@pytest.mark.slow
def test_markdown_is_understood(site: Path) -> None:
    """What one Markdown takes for a list or a table, and the other for text, is text here."""
    for path in site.rglob("*.html"):
        for paragraph in re.findall(r"<p>(.*?)</p>", path.read_text(encoding="utf-8"), re.DOTALL):
            found = re.search(r"^\s*(- |\d+\. |\||```).*", paragraph, re.MULTILINE)
            assert found is None, f"{path.name}: {found.group()}"


@pytest.mark.slow
def test_a_link_that_leads_nowhere_stops_the_build(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    (tmp_path / "docs").mkdir()
    for link in ("none.md", "index.md#none"):
        (tmp_path / "docs" / "index.md").write_text(f"# Page\n\n[link]({link})\n")
        text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
        text = text[: text.index("nav:")].replace("hooks: [docs/site_pages.py]", "")
        (tmp_path / "mkdocs.yml").write_text(text.replace("extra_css: [site.css]", ""))
        done = build(tmp_path / "site", tmp_path / "mkdocs.yml")
        assert (done.returncode, link.removeprefix("index.md") in done.stderr) == (1, True)


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_in_a_browser(address: str, width: int, dark: bool) -> None:
    with chromium_page(width=width, dark=dark) as opened:
        for name in ("index", "start", "development", "metrics", "notebooks/first-steps"):
            opened.page.goto(f"{address}{name}.html", wait_until="load")
            assert opened.overflow() == 0, name
            widths = opened.page.evaluate("[...document.images].map((one) => one.naturalWidth)")
            assert all(widths), name
            assert bool(widths) == (name in ("index", "development", "notebooks/first-steps"))
            ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == dark
        # A page that is left stops what it still asks for: the worker of its search, its icon.
        stopped = re.compile("/workers/search|/favicon.png")
        assert [one for one in opened.errors if not stopped.search(one)] == []
        assert [one for one in opened.requests if not one.startswith(address)] == []


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_search_finds(address: str) -> None:
    with chromium_page(width=1440) as opened:
        opened.page.goto(f"{address}index.html", wait_until="load")
        # By keys, as a person does: the search listens to these.
        opened.page.locator(".md-search__input").press_sequentially("bootstrap")
        found = opened.page.locator(".md-search-result__link")
        found.first.wait_for()
        links = [str(one.get_attribute("href")) for one in found.all()]
        assert any("statistics.html" in link for link in links), links
        assert [one for one in opened.requests if not one.startswith(address)] == []


def test_the_figure_of_the_rooms_is_that_of_the_contract() -> None:
    figure = (ROOT / "docs" / "images" / "rooms.svg").read_text(encoding="utf-8")
    rows: dict[float, set[str]] = {}
    for y, room in re.findall(r'<text x="[\d.]+" y="([\d.]+)">(\w+)</text>', figure):
        rows.setdefault(float(y), set()).add(room)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contracts["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = [set(re.findall(r"gmbench\.(\w+)", layer)) for layer in layers]
    # The files that every room may import stand in the list below the figure.
    assert [rows[y] for y in sorted(rows)] == rooms[: rooms.index({"schema"}) + 1]
