"""What can be parsed at all: gains by parameter, by kind of GM and by GM."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gmbench.board.rows import BoardRows
from gmbench.board.site import building
from gmbench.board.site.floors import floors_of
from gmbench.board.site.matrix import MOST
from gmbench.board.site.parameter_map import parameter_maps
from tests.board.sites import opened


def test_gains_are_of_what_labels_alone_leave_open(rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    floors = floors_of(board.benchmark)
    by_parameter, by_kind, by_gm = parameter_maps(board, floors)
    assert [row.title for row in by_parameter.rows] == [row.title for row in board.measured]
    result = board.measured[0].result
    assert result is not None
    l1, floor = result["parameters"]["layers"]["l1"], floors.parameters["layers"]
    assert by_parameter.rows[0].gains[0].text == f"{100 * (1 - l1 / floor):.0f}".replace("-", "−")

    tested = {gm["kind"] for gm in result["gms"].values()}
    assert {heading for group in by_kind.groups for heading in group.headings} == tested
    kind = by_kind.groups[0].headings[0]
    of_kind = [key for key, gm in result["gms"].items() if gm["kind"] == kind]
    for number, metric in enumerate(("l1", "arch_accuracy", "loss_accuracy")):
        mine = sum(result["gms"][key][metric] for key in of_kind)
        alone = sum(floors.gms[key][metric] for key in of_kind)
        open_part = alone if metric == "l1" else len(of_kind) - alone
        share = (alone - mine if metric == "l1" else mine - alone) / open_part
        found = by_kind.rows[0].gains[number * len(by_kind.groups[0].headings)]
        assert found.text == f"{100 * share:.0f}".replace("-", "−")

    assert len(by_gm.rows) == len(result["gms"])
    assert by_gm.groups[1].headings == tuple(row.title for row in board.measured)[:MOST] or any(
        heading.endswith("…") for heading in by_gm.groups[1].headings
    )
    gains = [float(row.gains[0].text.replace("−", "-")) for row in by_gm.rows]
    assert gains == sorted(gains, reverse=True)
    for row in by_gm.rows:
        each = [float(gain.text.replace("−", "-")) for gain in row.gains[3:]]
        assert float(row.gains[0].text.replace("−", "-")) == max(each)


def test_methods_beyond_the_best_have_pages(
    rows: BoardRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = rows.benchmarks[0]
    n_methods = len(board.measured)
    assert n_methods > 2
    assert not [name for name in building.render_site(rows, jobs=1) if ".all." in name]
    monkeypatch.setattr(building, "MOST", 2)
    files = {name: made.decode() for name, made in building.render_site(rows, jobs=1).items()
             if name.endswith(".html")}  # fmt: skip
    said = rf'<a href="((?:matrices|maps)/{board.name}\.[^"]*)">and {n_methods - 2} methods behind'
    linked = re.findall(said, files["index.html"])
    assert len(linked) == 5  # Four matrices and the map that is shown first.
    for place in linked:
        if place.startswith("maps/"):
            assert files[place].count('<th scope="row">') == n_methods
        else:
            (names,) = re.findall(r'data-names="([^"]*)"', files[place])
            assert sorted(names.split(",")) == sorted(row.name for row in board.measured)
    by_gm = re.findall(r'href="\.\./(maps/[^"]*)">and', files[f"maps/{board.name}.gms.html"])
    assert files[by_gm[0]].count('<th scope="col"') == 1 + 3 + n_methods


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_the_map_shows_kinds_and_gms(site: Path, rows: BoardRows) -> None:
    n_gms = len((rows.benchmarks[0].measured[0].result or {})["gms"])
    with opened(site) as (browser, address):
        page = browser.page
        figure = page.locator("#b-tiny .map")
        figure.scroll_into_view_if_needed()
        assert not [url for url in browser.requests if "/maps/" in url]
        first = figure.locator("table").inner_text()
        figure.get_by_role("link", name="single GMs").click()
        figure.get_by_label("on tiny, single GMs").wait_for()
        assert figure.locator("tbody tr").count() == n_gms
        assert page.url == f"{address}?map=gms"
        assert figure.locator("[aria-current]").inner_text() == "single GMs"
        assert browser.axe() == []
        figure.get_by_role("link", name="kinds of GM").click()
        figure.get_by_label("on tiny, kinds of GM").wait_for()
        page.go_back()
        figure.get_by_label("on tiny, single GMs").wait_for()
        page.go_back()
        figure.get_by_label("on tiny, parameters").wait_for()
        assert figure.locator("table").inner_text() == first
        page.goto(f"{address}?map=kinds")
        figure.scroll_into_view_if_needed()
        figure.get_by_label("on tiny, kinds of GM").wait_for()
        page.goto(f"{address}?map=nothing")
        figure.scroll_into_view_if_needed()
        assert figure.locator("table").inner_text() == first


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_without_javascript_the_map_of_gms_is_a_page(site: Path) -> None:
    with opened(site, javascript=False) as (browser, address):
        page = browser.page
        page.locator("#b-tiny .map").get_by_role("link", name="single GMs").click()
        assert page.url == f"{address}maps/tiny.gms.html"
        assert page.locator("table caption").inner_text().endswith("single GMs")
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 800})
            assert browser.overflow() <= 0
    with opened(site, "maps/tiny.gms.html") as (browser, _):
        assert browser.axe() + browser.faults() == []
