"""Words of the page are explained where they stand, in boxes that keys open, and in a glossary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gmbench.board.columns import COLUMNS
from gmbench.board.site.glossary import glossary
from tests.board.sites import opened


def test_every_word_has_one_meaning() -> None:
    terms = glossary()
    keys = [term.key for term in terms]
    assert len(keys) == len(set(keys))
    assert {column.key for column in COLUMNS} <= set(keys)
    assert all(term.meaning.endswith(".") for term in terms)


def test_no_page_explains_in_a_title_alone(site: Path) -> None:
    for path in (*site.rglob("*.html"), *site.rglob("*.js")):
        assert not re.search(r"\btitle=|[{ ]title: said", path.read_text()), path.name


def test_what_explains_is_there_and_in_the_glossary(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    asked = set(re.findall(r'popovertarget="([^"]+)"', page))
    boxes = re.findall(r'popover id="([^"]+)"', page)
    assert asked <= set(boxes)
    assert len(boxes) == len(set(boxes)) == len(glossary())
    heads = set(re.findall(r'<th role="columnheader" scope="col" data-c="(\w+)"', page))
    assert {f"t-{key}" for key in heads - {"title"}} | {"t-rank"} <= asked
    words = page[page.index('id="glossary"') :]
    for term in glossary():
        assert f"<dt>{term.word}</dt>" in words


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("width", [1440, 390])
def test_keys_open_and_close_a_box(site: Path, width: int, javascript: bool) -> None:
    with opened(site, width=width, javascript=javascript) as (browser, _):
        page = browser.page
        for key, words in (("l1", "Mean absolute error"), ("rank", "The best and the worst place")):
            button = page.locator(f"#b-tiny .methods [popovertarget='t-{key}']")
            box = page.locator(f"#t-{key}")
            assert box.is_hidden()
            button.focus()
            page.keyboard.press("Enter")
            assert box.is_visible()
            assert words in box.inner_text()
            place = box.bounding_box()
            assert place is not None
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= width
            page.keyboard.press("Escape")
            assert box.is_hidden()
        # A word's box is no sorting of its column.
        sorted_by = page.locator("#b-tiny th[aria-sort]")
        assert sorted_by.get_attribute("data-c") == "skill"
        if javascript:
            assert browser.axe() == []
