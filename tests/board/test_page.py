"""The page in a real browser: "It must show" of the leaderboard, item by item."""

from __future__ import annotations

import csv
import io
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmbench.board.columns import COLUMNS
from gmbench.board.rows import BoardRows
from gmbench.board.site.matrix import CELL, LABELS
from gmbench.pages.drawing.numbers import score
from tests.board.sites import expected, names, opened
from tests.browser import ChromiumPage

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_browser")]


def header(browser: ChromiumPage, column: str) -> Any:
    return browser.page.locator(f"#b-tiny th[data-c='{column}'] button:not(.what)")


def test_sort_order_is_pythons_for_every_column(site: Path, rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    everything = ",".join(column.key for column in COLUMNS)
    with opened(site, f"?cols={everything}") as (browser, _):
        for column in ("title", *(column.key for column in COLUMNS)):
            orders = set()
            for _ in range(2):
                header(browser, column).click()
                head = browser.page.locator(f"#b-tiny th[data-c='{column}']")
                order = head.get_attribute("aria-sort")
                orders.add(order)
                for body in ("measured", "reported"):
                    wanted = expected(board, body, column, order == "descending")
                    assert names(browser, body) == wanted, (column, order)
            assert orders == {"ascending", "descending"}
            assert browser.page.locator("#b-tiny th[aria-sort]").count() == 1


def test_ranks_follow_the_sorted_column(site: Path, rows: BoardRows) -> None:
    ranks = {row.name: str(row.cells["arch_f1"].rank) for row in rows.benchmarks[0].measured}
    with opened(site, "?sort=arch_f1") as (browser, _):
        cells = "#b-tiny tbody.measured tr[data-n]"
        found = browser.page.eval_on_selector_all(
            cells, "rows => rows.map(r => [r.dataset.n, r.cells[0].textContent])"
        )
        assert dict(found) == ranks
        assert (
            browser.page.locator("#b-tiny tbody.reported td.rank").all_text_contents() == ["–"] * 2
        )


def test_the_address_holds_the_view(site: Path) -> None:
    with opened(site) as (browser, address):
        page = browser.page
        header(browser, "arch_f1").click()
        header(browser, "arch_f1").click()
        page.get_by_label("Find a method").first.fill("author")
        page.get_by_label("Kind of training data").first.select_option("benchmark")
        page.get_by_label("Measured or reported").select_option("measured")
        page.locator("#b-tiny summary").click()
        page.locator("#b-tiny details label", has_text="weights").click()
        page.locator("#b-tiny details label", has_text="slope").click()
        page.get_by_label("Accuracy in the picture").first.select_option("loss_f1")
        page.locator("#b-tiny .costs").scroll_into_view_if_needed()
        page.get_by_label("loss F1 of each method by weights").wait_for()
        page.get_by_label("Metric over time").first.select_option("l1")
        page.locator("#b-tiny .progress").scroll_into_view_if_needed()
        page.get_by_label("L1 of each method by date").wait_for()
        shown = page.locator("#b-tiny tbody.measured tr[data-n]:not([hidden]) .pick")
        shown.nth(0).check()
        shown.nth(1).check()
        url = page.url
        before = seen(browser)
        assert names(browser, "reported") == []
        page.goto("about:blank")
        page.goto(url)
        assert seen(browser) == before
        assert page.url == url
        assert page.locator(".picked li").count() == 2
        assert "sort=arch_f1" in url
        page.goto(address)
        assert page.url == address


def seen(browser: ChromiumPage) -> list[str]:
    """What a reader sees of the table and of the picture."""
    # A row that is out of sight is not laid out, and has no text to a reader.
    browser.page.evaluate("scrollTo(0, 300)")
    browser.page.wait_for_timeout(300)
    parts = [browser.page.locator("#b-tiny table.methods").inner_text()]
    for figure in browser.page.locator("#b-tiny .plot").all():
        figure.scroll_into_view_if_needed()
        figure.locator(".marks [tabindex='0']").wait_for(state="attached")
        parts.append(figure.locator(".field").inner_html())
    return [*names(browser, "measured"), *parts]


@pytest.mark.parametrize(
    "query",
    [
        "?sort=nothing&dir=sideways&cols=x,y&b=none&pick=../x,y&x=q&y=z&show=all&trained=%3Cb%3E",
        "?sort=__proto__&cols=constructor&b=__proto__&pick=toString",
        "?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ],
)
def test_nonsense_in_the_address_does_no_harm(site: Path, query: str) -> None:
    with opened(site, query) as (browser, _):
        assert browser.page.locator("#b-tiny").is_visible()
        assert browser.page.locator("#b-tiny th[aria-sort]").count() == 1


def test_csv_is_what_is_shown(site: Path, rows: BoardRows) -> None:
    with opened(site, "?sort=params&dir=desc&trained=benchmark&cols=l1,params,authors") as (
        browser, _,
    ):  # fmt: skip
        with browser.page.expect_download() as download:
            browser.page.locator("#b-tiny button.csv").click()
        assert download.value.suggested_filename == "tiny.csv"
        text = Path(download.value.path()).read_text(encoding="utf-8")
        found = list(csv.reader(io.StringIO(text)))
        assert found[0] == [
            "name", "method", "origin", "best rank", "worst rank", "l1", "l1_lo", "l1_hi",
            "params", "authors",
        ]  # fmt: skip
        shown = names(browser, "measured") + names(browser, "reported")
        assert [row[0] for row in found[1:]] == shown
        by_name = {row.name: row for row in rows.benchmarks[0].rows}
        for name, title, origin, best, worst, l1, low, high, params, authors in found[1:]:
            row = by_name[name]
            assert (title, origin) == (row.title, row.origin)
            cell = row.cells["l1"]
            assert cell.rank is not None
            assert (best, worst) == (str(cell.rank.best), str(cell.rank.worst))
            assert float(l1) == cell.value
            assert (float(low), float(high)) == cell.ci
            assert (float(params) if params else None) == row.cells["params"].value
            assert authors == row.cells["authors"].value


def test_back_and_the_title_follow_the_view(site: Path) -> None:
    with opened(site) as (browser, address):
        page = browser.page
        plain = page.title()
        views = [(page.url, plain)]

        def step(title: str) -> None:
            assert page.title() == f"{title} · {plain}"
            views.append((page.url, page.title()))

        header(browser, "arch_f1").click()
        step("by arch F1 · tiny")
        search = page.get_by_label("Find a method").first
        search.press_sequentially("beta")
        step("“beta” · by arch F1 · tiny")
        page.locator("tr[data-n='method-3'] a").click()
        page.locator("dialog section").first.wait_for()
        step("beta 2 · tiny")
        page.keyboard.press("Escape")
        page.wait_for_url(re.compile("^((?!method=).)*$"))
        step("“beta” · by arch F1 · tiny")
        page.locator(".tabs a", has_text="tiny-dm").click()
        step("“beta” · by arch F1 · tiny-dm")
        for url, title in reversed(views[:-1]):
            page.go_back()
            assert (page.url, page.title()) == (url, title)
            assert page.locator("dialog[open]").count() == ("method=" in url)
        assert page.url == address
        assert len(names(browser, "measured")) == 10
        page.go_forward()
        assert (page.url, page.title()) == views[1]


def test_filters(site: Path, rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    with opened(site) as (browser, _):
        page = browser.page
        for kind in ("labels", "benchmark", "extra"):
            page.get_by_label("Kind of training data").first.select_option(kind)
            of_kind = [r.name for r in board.measured if r.card and r.card.training_data == kind]
            assert names(browser, "measured") == of_kind
            assert names(browser, "reported") == []
        page.get_by_label("Kind of training data").first.select_option("")
        page.get_by_label("Measured or reported").select_option("reported")
        assert names(browser, "measured") == []
        assert len(names(browser, "reported")) == 2
        page.get_by_label("Measured or reported").select_option("")
        page.get_by_label("Find a method").first.fill("zeta")
        assert sorted(names(browser, "measured")) == ["method-0", "method-7"]
        page.get_by_label("Find a method").first.fill("no such thing")
        assert page.locator("#b-tiny .nothing").is_visible()
        assert "0 methods" in (page.locator("#b-tiny .status").text_content() or "")


def test_tabs(site: Path) -> None:
    with opened(site) as (browser, _):
        page = browser.page
        assert page.locator("#b-tiny").is_visible()
        assert not page.locator("#b-tiny-dm").is_visible()
        page.locator(".tabs a", has_text="tiny-dm").click()
        assert page.locator("#b-tiny-dm").is_visible()
        assert not page.locator("#b-tiny").is_visible()
        assert page.locator(".tabs [aria-current]").inner_text().startswith("tiny-dm")
        page.go_back()
        assert page.locator("#b-tiny").is_visible()


def test_a_choice_that_a_table_has_not_hides_nothing_of_it(site: Path) -> None:
    with opened(site, "?show=reported") as (browser, _):
        assert names(browser, "measured") == []
        browser.page.locator(".tabs a", has_text="tiny-dm").click()
        assert len(names(browser, "measured", "tiny-dm")) == 2
        assert browser.page.locator("#b-tiny-dm .status").text_content() == ""
        browser.page.get_by_label("Find a method").nth(1).fill("dm-1")
        status = browser.page.locator("#b-tiny-dm .status").text_content() or ""
        assert status.startswith("1 method, ")


def test_the_benchmark_of_a_link_stays(site: Path) -> None:
    """Pages of methods link to a benchmark by the fragment of the address."""
    with opened(site, "#b-tiny-dm") as (browser, address):
        page = browser.page
        page.locator("#b-tiny-dm th[data-c='l1'] button:not(.what)").click()
        assert page.url == f"{address}?b=tiny-dm&sort=l1"
        page.locator(".tabs a", has_text="Glossary").click()
        assert page.locator("#b-tiny-dm").is_visible()
        page.goto(f"{address}?b=tiny#b-tiny-dm")
        assert page.locator("#b-tiny-dm").is_visible()
        page.locator(".tabs a[data-b='tiny']").click()
        assert page.locator("#b-tiny").is_visible()
        assert page.url == address


def test_a_method_opens(site: Path) -> None:
    with opened(site) as (browser, address):
        page = browser.page
        page.locator("tr[data-n='method-1'] a").click()
        page.locator("dialog section").first.wait_for()
        text = page.locator("dialog").inner_text()
        for words in (
            "alpha",
            "B. Author",
            "other images or GMs",
            "1,000",
            "layers_per_block",
            "AAE",
        ):
            assert words in text
        assert "method=method-1" in page.url
        page.get_by_role("button", name="Close").click()
        assert page.url == address
        page.goto(address + "?method=nothing")
        assert "there is no method nothing" in page.locator("dialog").inner_text()


def test_comparison_opens_and_holds_at_most_four(site: Path) -> None:
    with opened(site) as (browser, _):
        page = browser.page
        picks = page.locator("#b-tiny .pick")
        for number in range(4):
            picks.nth(number).check()
        assert picks.nth(4).is_disabled()
        page.get_by_role("button", name="Compare", exact=True).click()
        page.locator("dialog table").first.wait_for()
        assert page.locator("dialog table").count() == 6
        n_gms = page.locator("dialog .dumbbells li").count()
        assert n_gms == 48
        for shape in range(4):
            assert page.locator(f"dialog .dumbbells .shape-{shape}").count() == n_gms
        assert "the 45 pairs of methods on this board" in page.locator("dialog").inner_text()


def test_a_method_is_compared_with_others_alone(site: Path) -> None:
    with opened(site, "?pick=method-1,method-1,method-2&compare=1") as (browser, _):
        browser.page.locator("dialog table").first.wait_for()
        assert browser.page.locator("dialog table").count() == 1


def test_comparisons_round_as_the_table(site: Path) -> None:
    values = [
        0.0625,
        0.8125,
        0.1125,
        -0.4375,
        0.0615,
        *np.random.default_rng(0).random(200).round(4),
    ]
    with opened(site) as (browser, _):
        rounded = browser.page.evaluate(
            """async (values) => {
              const { number } = await import("./modules/compare.js");
              return values.map((value) => number(value));
            }""",
            [float(value) for value in values],
        )
        assert rounded == [score(value).text for value in values]


def test_a_square_of_a_matrix_compares_its_two_methods(site: Path, rows: BoardRows) -> None:
    by_l1 = [row.name for row in rows.benchmarks[0].measured]
    with opened(site) as (browser, _):
        drawn = browser.page.locator("#b-tiny .matrix svg").first
        assert drawn.get_attribute("data-names") == ",".join(by_l1)
        # The third row, the first column; a square is CELL wide, at a scale of 1.
        drawn.click(position={"x": LABELS + CELL / 2, "y": 2.5 * CELL})
        browser.page.locator("dialog", has_text="95% interval").wait_for()
        assert f"pick={by_l1[2]},{by_l1[0]}" in browser.page.url


def test_a_heavier_line_begins_a_tier_of_the_column_that_is_sorted(
    site: Path, rows: BoardRows
) -> None:
    measured = rows.benchmarks[0].measured
    with opened(site) as (browser, _):
        for key, better in (("l1", "asc"), ("arch_f1", "desc")):
            browser.page.goto(f"{browser.page.url.split('?')[0]}?sort={key}&dir={better}")
            tiers = {row.name: rank.tier for row in measured if (rank := row.cells[key].rank)}
            order = names(browser, "measured")
            wanted = [b for a, b in pairwise(order) if tiers[a] != tiers[b]]
            lines = browser.page.locator("#b-tiny .measured tr.tier")
            assert lines.evaluate_all("all => all.map(row => row.dataset.n)") == wanted
