"""The page for every reader: without scripts, on a phone, by keyboard, aloud, on paper."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gmbench.board.columns import COLUMNS
from gmbench.board.rows import BoardRows
from gmbench.pages.drawing.numbers import score
from tests.board.sites import expected, names, opened
from tests.browser import chromium_page

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_browser")]


def test_without_javascript_everything_is_there(site: Path, rows: BoardRows) -> None:
    with opened(site, javascript=False) as (browser, address):
        page = browser.page
        for board in rows.benchmarks:
            assert names(browser, "measured", board.name) == [row.name for row in board.measured]
            for row in board.rows:
                line = page.locator(f"tr[data-n='{row.name}']")
                assert row.title in (line.text_content() or "")
                value = row.cells["l1"].value
                assert isinstance(value, float)
                assert (line.locator("td.c-l1").text_content() or "").startswith(score(value).text)
        assert page.locator(".needs-script").first.is_visible()
        page.locator("tr[data-n='method-1'] a").click()
        assert page.url == f"{address}methods/method-1.html"
        assert page.locator("h1").inner_text() == "alpha"
        assert page.locator("table.gms tbody tr").count() == 48


@pytest.mark.parametrize("query", ["", "?method=hostile", "?pick=method-1,constant&compare=1"])
def test_phone_width(site: Path, query: str) -> None:
    with opened(site, query, width=320, height=800, has_touch=True) as (browser, _):
        dialog = browser.page.locator("dialog")
        if query:
            dialog.locator("section").first.wait_for()
        for width in (320, 390, 768):
            browser.page.set_viewport_size({"width": width, "height": 800})
            assert browser.overflow() <= 0
            if query:
                box = dialog.bounding_box()
                assert box is not None
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= width
                assert dialog.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_a_window_that_is_made_narrow(site: Path) -> None:
    widths = []
    for first in (1280, 390):
        with opened(site, width=first) as (browser, _):
            browser.page.set_viewport_size({"width": 390, "height": 800})
            box = browser.page.locator("#b-tiny table.methods").bounding_box()
            assert box is not None
            widths.append(box["width"])
    assert widths[0] == widths[1]


def test_keyboard_alone(site: Path, rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    with opened(site) as (browser, _):
        page = browser.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        for _ in range(60):
            page.keyboard.press("Tab")
            here = page.evaluate("document.activeElement.closest('th')?.dataset.c")
            if here == "arch_f1":
                break
        assert here == "arch_f1"
        page.keyboard.press("Enter")
        head = page.locator("#b-tiny th[data-c='arch_f1']")
        assert head.get_attribute("aria-sort") == "descending"
        assert names(browser, "measured") == expected(board, "measured", "arch_f1", True)
        page.keyboard.press("Space")
        assert head.get_attribute("aria-sort") == "ascending"
        assert page.evaluate("document.activeElement.closest('th')?.dataset.c") == "arch_f1"
        status = page.locator("#b-tiny .status").text_content()
        assert status == "12 methods, sorted by arch F1, ascending"
        link = page.locator("#b-tiny tbody.measured tr[data-n] a").first
        link.focus()
        page.keyboard.press("Enter")
        page.locator("dialog[open] section").first.wait_for()
        assert page.evaluate("document.activeElement.closest('dialog') !== null")
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0
        assert page.evaluate("document.activeElement.tagName") == "A"


@pytest.mark.parametrize(
    "query",
    ["", "?method=method-1", "?pick=method-1,method-2&compare=1", "methods/method-1.html",
     "?map=gms&over=l1&x=training_hours", "?cols=l1,params,authors&pick=method-1,method-2"],
)  # fmt: skip
def test_accessible(site: Path, query: str) -> None:
    with opened(site, query) as (browser, _):
        if "method=" in query or "compare" in query:
            browser.page.locator("dialog section").first.wait_for()
        assert browser.faults() + browser.axe() == []
        browser.page.emulate_media(color_scheme="dark")
        assert browser.faults() == []


def test_hostile_words_run_nowhere(site: Path) -> None:
    with opened(site, "?method=hostile&pick=hostile,method-1") as (browser, _):
        page = browser.page
        page.evaluate("() => { window.alert = () => { throw new Error('it ran') } }")
        page.locator("dialog section").first.wait_for()
        assert "<script>alert('x')</script>" in page.locator("dialog").inner_text()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Compare", exact=True).click()
        page.locator("dialog table").first.wait_for()
        assert page.locator("body img, body script").count() == 0


def test_opened_as_a_file_it_is_complete(site: Path, rows: BoardRows) -> None:
    """Browsers load no modules from files; the table is there all the same, with its style."""
    with chromium_page() as browser:
        browser.open(site / "index.html")
        assert names(browser, "measured") == [row.name for row in rows.benchmarks[0].measured]
        body = browser.page.evaluate("getComputedStyle(document.body).maxWidth")
        assert body == "1344px"


@pytest.mark.parametrize("width", [1440, 768, 390])
def test_headings_and_names_stay_in_sight(site: Path, width: int) -> None:
    every = ",".join(column.key for column in COLUMNS)
    with opened(site, width=width, height=700) as (browser, address):
        page = browser.page
        for query in ("", f"?cols={every}"):
            page.goto(address + query)
            if query:
                page.locator("#b-tiny thead .c-authors").wait_for()
            row = page.locator("#b-tiny tbody.measured tr[data-n]").last
            region = page.locator("#b-tiny .scroll").first
            region.evaluate("one => one.scrollIntoView()")
            row.evaluate("row => row.scrollIntoView({ block: 'nearest' })")
            region.evaluate("one => one.scrollBy(200, 0)")
            head = page.locator("#b-tiny .methods thead").bounding_box()
            name = row.locator("th a").bounding_box()
            assert head is not None
            assert name is not None
            assert -1 <= head["y"] < name["y"]
            assert head["y"] + head["height"] <= name["y"] + 1
            assert 0 <= name["x"] < width / 2
            assert browser.overflow() <= 0


def test_the_first_row_stands_within_the_first_screen_of_a_phone(site: Path) -> None:
    with opened(site, width=390, height=664, has_touch=True) as (browser, _):
        row = browser.page.locator("#b-tiny tbody.measured tr[data-n]").first.bounding_box()
        assert row is not None
        assert row["y"] + row["height"] <= 664
        assert browser.page.locator("#b-tiny .summary").is_visible()


def test_print_has_every_row_and_its_bars(site: Path, rows: BoardRows) -> None:
    with opened(site) as (browser, _):
        page = browser.page
        page.emulate_media(media="print")
        lines = page.locator("#b-tiny tbody tr[data-n]")
        assert lines.count() == len(rows.benchmarks[0].rows)
        drawn = page.locator("#b-tiny tbody.measured td.c-l1 small").evaluate_all(
            """all => all.map((one) => {
              const style = getComputedStyle(one, "::after");
              return [style.printColorAdjust, style.backgroundImage.split("gradient").length];
            })"""
        )
        assert {tuple(one) for one in drawn} == {("exact", 6)}
        assert page.locator(".tools:visible, .what:visible, .pick:visible").count() == 0
        assert browser.overflow() <= 0


def test_ids_of_the_data_are_plain(site: Path) -> None:
    for path in site.rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+", path.name)
    json.loads((site / "leaderboard.json").read_text())
