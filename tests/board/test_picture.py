"""The drawings: accuracy against cost and progress over time, by Python and in a browser."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from gmbench.board.rows import BenchmarkBoard, BoardRows
from gmbench.board.site.axes import axes
from gmbench.board.site.floors import floors_of
from gmbench.board.site.picture import accuracy_against_cost, progress, running_best, stairs
from tests.board.sites import opened
from tests.browser import ChromiumPage

DRAWN = """field => ({
  line: field.querySelector(".stairs").getAttribute("d"),
  marks: [...field.querySelectorAll(".marks li")].map((one) => [
    one.dataset.n, ...["--x", "--y"].map((key) => one.style.getPropertyValue(key).trim())]),
  up: [...field.querySelectorAll(".up span")].map((one) => one.textContent),
  across: [...field.querySelectorAll(".across span")].map((one) => one.textContent),
})"""

TWO_LEFT = "document.querySelectorAll('#b-tiny .progress .marks li').length == 2"


def test_the_best_so_far() -> None:
    below = {"a": (10.0, 50.0), "c": (20.0, 55.0)}
    places = {**below, "b": (10.0, 60.0), "d": (30.0, 60.0), "e": (40.0, 90.0)}
    assert running_best(places, lower=False) == ["b", "e"]
    assert running_best(places, lower=True) == ["a"]
    assert running_best({}, lower=True) == []
    assert stairs([(10.0, 60.0), (40.0, 90.0)]) == "M10 40H40V10H100"
    assert stairs([]) == ""


def test_what_papers_report_is_no_part_of_the_line(rows: BoardRows, site: Path) -> None:
    board = rows.benchmarks[0]
    given = axes(board, floors_of(board.benchmark))
    drawn = progress(board, given)
    assert (drawn.n_all, drawn.n_without) == (10, 0)  # No paper reports skill.
    costs = accuracy_against_cost(board, given)
    assert costs is not None
    assert (costs.across.key, costs.n_without, len(costs.marks)) == ("params", 4, 6)
    page = (site / "index.html").read_text(encoding="utf-8")
    assert ">4 of 10 methods do not state this cost.<" in page
    other = rows.benchmarks[1]
    assert accuracy_against_cost(other, axes(other, floors_of(other.benchmark))) is None


def expected(
    board: BenchmarkBoard, up: str, across: str, kept: set[str] | None = None
) -> tuple[str, dict[str, tuple[float, float]]]:
    """The line and the places of the marks that a drawing should have."""
    made = axes(board, floors_of(board.benchmark))
    places = {
        name: (made[across].place(made[across].values[name][0]), made[up].place(value))
        for name, (value, *_) in made[up].values.items()
        if name in made[across].values and (kept is None or name in kept)
    }
    measured = {row.name: places[row.name] for row in board.measured if row.name in places}
    best = running_best(measured, lower=made[up].better == "lower")
    return stairs(measured[name] for name in best), places


def drawn(browser: ChromiumPage, kind: str) -> dict[str, Any]:
    field = browser.page.locator(f"#b-tiny .{kind} .field")
    field.scroll_into_view_if_needed()
    found: dict[str, Any] = field.evaluate(DRAWN)
    return found


def agrees(found: dict[str, Any], wanted: tuple[str, dict[str, tuple[float, float]]]) -> None:
    def numbers(path: str) -> list[float]:
        return [float(number) for number in re.findall(r"[\d.]+", path)]

    assert re.sub(r"[\d.]+", "", found["line"]) == re.sub(r"[\d.]+", "", wanted[0])
    assert numbers(found["line"]) == pytest.approx(numbers(wanted[0]), abs=0.11)
    places = {name: (float(x[:-1]), float(y[:-1])) for name, x, y in found["marks"]}
    assert set(places) == set(wanted[1])
    for name, place in places.items():
        assert place == pytest.approx(wanted[1][name], abs=0.11)


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_the_script_draws_what_python_drew(site: Path, rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    with opened(site, javascript=False) as (browser, _):
        plain = {kind: drawn(browser, kind) for kind in ("costs", "progress")}
        agrees(plain["costs"], expected(board, "skill", "params"))
        agrees(plain["progress"], expected(board, "skill", "date"))
        named = browser.page.locator("#b-tiny .progress .named b")
        assert named.first.is_visible()
    with opened(site) as (browser, _):
        for kind, before in plain.items():
            figure = browser.page.locator(f"#b-tiny .{kind}")
            figure.scroll_into_view_if_needed()
            figure.locator("[tabindex='0']").first.wait_for(state="attached")
            after = drawn(browser, kind)
            agrees(after, expected(board, "skill", "params" if kind == "costs" else "date"))
            assert [after[key] for key in ("up", "across")] == [before["up"], before["across"]]


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_drawings_follow_axes_filters_and_search(site: Path, rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    with opened(site, "?x=training_hours&y=arch_f1&over=l1") as (browser, _):
        page = browser.page
        for kind, up, across in (
            ("costs", "arch_f1", "training_hours"),
            ("progress", "l1", "date"),
        ):
            page.locator(f"#b-tiny .{kind}").scroll_into_view_if_needed()
            title = {"arch_f1": "arch F1", "l1": "L1"}[up]
            page.get_by_label(re.compile(f"^{title} of each method by")).wait_for()
            agrees(drawn(browser, kind), expected(board, up, across))
        without = page.locator("#b-tiny .costs .without")
        assert without.text_content() == "5 of 10 methods do not state this cost."
        page.get_by_label("Kind of training data").first.select_option("benchmark")
        kept = {r.name for r in board.measured if r.card and r.card.training_data == "benchmark"}
        page.wait_for_function("document.querySelectorAll('#b-tiny .costs li[data-n]').length < 5")
        agrees(drawn(browser, "costs"), expected(board, "arch_f1", "training_hours", kept))
        agrees(drawn(browser, "progress"), expected(board, "l1", "date", kept))
        page.get_by_label("Kind of training data").first.select_option("")
        page.get_by_label("Measured or reported").select_option("reported")
        page.wait_for_function(
            "document.querySelectorAll('#b-tiny .progress .marks li').length == 2"
        )
        only = {row.name for row in board.reported}
        agrees(drawn(browser, "progress"), expected(board, "l1", "date", only))
        assert drawn(browser, "progress")["line"] == ""
        page.get_by_label("Measured or reported").select_option("")
        page.get_by_label("Find a method").first.fill("zeta")
        page.wait_for_function(
            "document.querySelectorAll('#b-tiny .progress .marks li').length == 2"
        )
        agrees(drawn(browser, "progress"), expected(board, "l1", "date", {"method-0", "method-7"}))


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_no_line_is_drawn_of_a_score_that_nothing_is_ranked_by(site: Path) -> None:
    with opened(site, "?over=ransac_slope") as (browser, _):
        browser.page.locator("#b-tiny .progress").scroll_into_view_if_needed()
        browser.page.get_by_label("slope of each method by date").wait_for()
        found = drawn(browser, "progress")
        assert found["line"] == ""
        assert len(found["marks"]) == 11  # All that are measured, and one that a paper reports.


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_every_mark_is_reached_by_keys_and_says_what_it_is(site: Path, rows: BoardRows) -> None:
    with opened(site, "?over=l1") as (browser, _):
        page = browser.page
        figure = page.locator("#b-tiny .progress")
        figure.scroll_into_view_if_needed()
        figure.get_by_label("L1 of each method by date").wait_for()
        stops = figure.locator(".marks [tabindex='0']")
        assert stops.count() == 1
        stops.focus()
        found = []
        for _ in rows.benchmarks[0].rows:
            here = page.evaluate(
                """() => { const b = document.activeElement.querySelector("b");
                  return [document.activeElement.closest("li").dataset.n, b.textContent,
                    getComputedStyle(b).opacity, b.querySelector(".more").offsetWidth > 20]; }"""
            )
            found.append(here)
            page.keyboard.press("ArrowRight")
        by_name = {row.name: row for row in rows.benchmarks[0].rows}
        assert {name for name, *_ in found} == set(by_name)
        for name, text, opacity, read in found:
            value = by_name[name].cells["l1"].value
            assert text.startswith(f"{by_name[name].title}: L1 {value:.3f}, date ")
            assert (opacity, read) == ("1", True)
        page.keyboard.press("Home")
        assert page.evaluate("document.activeElement.closest('li').dataset.n") == found[0][0]
        page.keyboard.press("End")
        assert page.evaluate("document.activeElement.closest('li').dataset.n") == found[-1][0]
        figure.locator("a").last.focus()
        page.keyboard.press("Enter")
        page.locator("dialog", has_text="Scores").wait_for()
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.closest('.progress') !== null")


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_names_touch_no_other_name_at_any_width(site: Path) -> None:
    with opened(site, "?x=training_hours") as (browser, _):
        page = browser.page
        for width in (1440, 768, 390):
            page.set_viewport_size({"width": width, "height": 800})
            for kind in ("costs", "progress"):
                figure = page.locator(f"#b-tiny .{kind}")
                figure.scroll_into_view_if_needed()
                figure.locator(".marks [tabindex='0']").wait_for(state="attached")
                page.wait_for_timeout(100)  # An observer tells of the new width.
                boxes = figure.locator(".named b").evaluate_all(
                    """all => all.map((one) => { const {left, right, top, bottom} =
                      one.getBoundingClientRect(); return [left, right, top, bottom]; })"""
                )
                assert boxes
                for one, other in combinations(boxes, 2):
                    apart_x = one[1] <= other[0] + 1 or other[1] <= one[0] + 1
                    apart_y = one[3] <= other[2] + 3 or other[3] <= one[2] + 3
                    assert apart_x or apart_y, (width, kind, one, other)
                assert all(left >= 0 and right <= width for left, right, *_ in boxes)
                assert browser.overflow() <= 0


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_a_mark_opens_its_method(site: Path) -> None:
    with opened(site, "?x=training_hours&y=arch_f1") as (browser, _):
        page = browser.page
        figure = page.locator("#b-tiny .costs")
        figure.scroll_into_view_if_needed()
        figure.get_by_label("arch F1 of each method by training, h, as stated").wait_for()
        figure.locator("[data-n='method-1'] a").dispatch_event(
            "click"
        )  # Marks may lie on each other.
        page.locator("dialog", has_text="Scores").wait_for()
        assert "method=method-1" in page.url
