"""The picture of accuracy against cost: where names stand, and that another can be chosen."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from gmbench.board.rows import BoardRows
from gmbench.board.site.picture import Mark, cost_ticks, costs_given, labelled, picture
from tests.board.sites import opened


def mark(x: float, y: float, title: str) -> Mark:
    return Mark(title, title, "extra", x, y, y + 20, y - 20, title)


def test_names_stand_beside_their_marks_or_nowhere() -> None:
    crowd = [mark(300, 100 + number, f"method {number}") for number in range(12)]
    made = labelled([mark(100, 200, "alone"), *crowd])
    assert made[0].label is not None
    assert (made[0].label.x, made[0].label.y, made[0].label.led) == (109, 204, False)
    named = [one for one in made[1:] if one.label is not None]
    assert 2 <= len(named) < 12
    heights = [one.label.y for one in named if one.label is not None and not one.label.end]
    assert all(abs(a - b) >= 16 for a in heights for b in heights if a != b)
    assert all(one.label is None or abs(one.label.y - 4 - one.y) <= 34 for one in made)


def test_no_name_stands_over_the_bar_of_another() -> None:
    made = labelled([mark(300, 100, "a name of some length"), mark(340, 100, "other")])
    first = made[0].label
    assert first is not None
    assert first.end


def test_a_crowd_goes_without_names() -> None:
    made = labelled([mark(60 + 16 * (n % 40), 60 + 60 * (n // 40), "m") for n in range(120)])
    assert len(made) == 120
    assert all(one.label is None for one in made[40:])


def test_cost_ticks() -> None:
    assert cost_ticks(5, 6) == [1e5, 2e5, 5e5, 1e6]
    assert len(cost_ticks(0, 2)) == 7
    assert cost_ticks(0, 3) == [1, 10, 100, 1000]
    assert len(cost_ticks(-6, 15)) == 8


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_another_picture_is_shown_as_python_drew_it(site: Path) -> None:
    with opened(site, "?x=training_hours") as (browser, _):
        page = browser.page
        picture = page.locator("#b-tiny figure.plot svg")
        page.get_by_label("skill of each method against training, h, as stated").wait_for()
        assert picture.locator(".mark").count() == 5
        page.get_by_label("Accuracy in the picture").first.select_option("arch_f1")
        page.get_by_label("arch F1 of each method against training, h, as stated").wait_for()
        drawn = ElementTree.parse(site / "data/pictures/tiny.arch_f1.training_hours.svg").getroot()
        for kind in ("circle", "text", "path"):
            found = picture.locator(kind).evaluate_all(
                """all => all.map((one) =>
                  [one.getAttribute("d") ?? one.getAttribute("cx"), one.textContent])"""
            )
            expected = [[e.get("d") or e.get("cx"), e.text or ""] for e in drawn.iter(kind)]
            assert found == expected
        page.get_by_label("Cost in the picture").first.select_option("params")
        page.get_by_label("arch F1 of each method against weights").wait_for()


def test_the_best_method_has_the_first_mark(rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    assert [one.key for one in costs_given(board)] == ["params", "training_hours"]
    drawn = picture(board, "arch_f1", "training_hours")
    assert drawn is not None
    assert (drawn.n_without, len(drawn.marks)) == (5, 5)
    heights = [mark.y for mark in drawn.marks]
    assert heights == sorted(heights)
    assert picture(rows.benchmarks[1]) is None


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
@pytest.mark.parametrize("query", ["", "?x=training_hours&y=arch_f1"])
def test_a_mark_of_the_picture_opens_its_method(site: Path, query: str) -> None:
    with opened(site, query) as (browser, _):
        page = browser.page
        if query:  # Another picture than the one in the page is fetched.
            page.get_by_label("arch F1 of each method against training, h, as stated").wait_for()
        circle = page.locator("#b-tiny .plot .mark[data-n='method-1'] circle")
        circle.dispatch_event("click")  # Marks may lie on each other.
        page.locator("dialog", has_text="Scores").wait_for()
        assert "method=" in page.url
        assert not browser.errors
