"""The picture of accuracy against cost: drawn by Python, and anew in the browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from gmbench.board.site.plot import Mark, cost_ticks, labelled
from tests.board.sites import opened
from tests.browser import ChromiumPage


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
def test_plot_redraws_as_python_drew(site: Path) -> None:
    with opened(site, "?x=training_hours") as (browser, address):
        page = browser.page
        titles = page.locator("#b-tiny figure.plot .mark title").all_text_contents()
        assert len(titles) == 5
        page.get_by_label("Cost in the picture").first.select_option("params")
        drawn = [places(browser, one) for one in ("circle", "text", "path.leader")]
        page.goto(f"{address}?y=l1", wait_until="networkidle")
        for one, kind in zip(drawn, ("circle", "text", "path.leader"), strict=True):
            others = places(browser, kind)
            assert [words for words, *_ in one] == [words for words, *_ in others]
            for (_, *place), (_, *other) in zip(one, others, strict=True):
                assert place == pytest.approx(other, abs=0.3)


def places(browser: ChromiumPage, kind: str) -> list[tuple[str, float, float]]:
    """What a part of the picture says, and where it stands in the picture's own units."""
    found = browser.page.eval_on_selector_all(
        f"#b-tiny .plot svg {kind}",
        """all => all.map((one) => {
          const { x, y } = one.getBBox();
          return [one.closest(".mark")?.dataset.n + one.textContent, x, y];
        })""",
    )
    return sorted(tuple(one) for one in found)


@pytest.mark.slow
@pytest.mark.parametrize("query", ["", "?x=training_hours&y=arch_f1"])
def test_a_mark_of_the_picture_opens_its_method(site: Path, query: str) -> None:
    with opened(site, query) as (browser, _):
        page = browser.page
        page.locator("#b-tiny .plot .mark[data-n='method-1'] circle").click(force=True)
        page.locator("dialog", has_text="Scores").wait_for()
        assert "method=" in page.url
        assert not browser.errors
