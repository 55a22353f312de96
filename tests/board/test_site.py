"""The files of the site, without a browser."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gmbench.benchmark.catalog import GM, UNKNOWN
from gmbench.board.board import PREDICTIONS, Board, BoardError
from gmbench.board.columns import COLUMNS, SCORES
from gmbench.board.reported import read_reported
from gmbench.board.rows import BoardRows, in_order, read_rows
from gmbench.board.serving import serving
from gmbench.board.site import build_site
from gmbench.board.site.building import render_site, site_files, write_file
from gmbench.board.site.method_page import citation
from gmbench.board.site.methods_table import cost_text
from gmbench.board.submission import submit
from gmbench.board.submission_card import read_card
from gmbench.evaluation.metrics import METRICS
from gmbench.pages.drawing.numbers import score
from gmbench.schema import NAMES
from tests.board.boards import HOSTILE, digest, facts, tiny_benchmark
from tests.board.sites import REPORTED
from tests.evaluation.populations import random_predictions

VOID = {"meta", "link", "br", "wbr", "img", "input", "hr", "col"}


class Reader(HTMLParser):
    """Reads a page: its tags, attributes and text, and that every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def pages(site: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(site.rglob("*.html")):
        yield path.name, path.read_text(encoding="utf-8")


def test_what_is_remembered_makes_equal_bytes(site: Path, site_board: Board, cache: Path) -> None:
    made = site_files(read_rows(site_board, jobs=1, cache=cache))
    again = {name: one.read_bytes() if isinstance(one, Path) else one for name, one in made.items()}
    files = {path for path in site.rglob("*") if path.is_file()}
    assert {str(path.relative_to(site)): path.read_bytes() for path in files} == again


@pytest.mark.parametrize("links", [True, False])
def test_predictions_are_there_and_take_room_once(
    site_board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def refused(*_paths: object) -> None:
        raise OSError("no links here")

    if not links:
        monkeypatch.setattr(os, "link", refused)
    own = site_board.submission(site_board.names()[0]) / PREDICTIONS
    there = tmp_path / "predictions" / "ours.parquet"
    write_file(own, there)
    assert there.read_bytes() == own.read_bytes()
    assert there.samefile(own) == links


def test_every_figure_stands_in_the_page_or_in_the_file_of_its_column(
    rows: BoardRows, site: Path
) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    for board in rows.benchmarks:
        lines = {
            row.name: next(
                part for part in page.split("<tr ") if f'data-n="{row.name}"' in part[:200]
            )
            for row in board.rows
        }
        for column in COLUMNS:
            if not column.shown:
                path = site / f"data/columns/{board.name}.{column.key}.json"
                cells = json.loads(path.read_text())
                assert list(cells) == [row.name for row in board.rows]
            places = {}
            for row in board.rows:
                value = row.cells[column.key].value
                text = lines[row.name] if column.shown else cells[row.name]
                found = re.findall(f'<td role="cell" class="c-{column.key} .*?</td>', text)
                assert len(found) == 1
                assert column.shown or found == [cells[row.name]]
                place = re.search(r'data-v="(\d+)"', found[0])
                assert (place is None) == (value is None)
                if isinstance(value, float):
                    said = score(value).text if column.kind == "score" else cost_text(value)
                    assert f">{said}<" in found[0]
                if place is not None and value is not None:
                    places[value] = int(place[1])
            # Equal values have equal places, others the places of their order.
            ordered = sorted(places, key=lambda v: v.casefold() if isinstance(v, str) else v)
            assert [places[value] for value in ordered] == list(range(len(ordered)))


def test_files_of_columns_are_those_that_are_hidden_at_first(rows: BoardRows, site: Path) -> None:
    hidden = [column.key for column in COLUMNS if not column.shown]
    found = {path.name for path in site.glob("data/columns/*")}
    assert found == {f"{b.name}.{key}.json" for b in rows.benchmarks for key in hidden}


def test_figures_are_those_of_the_results(site_board: Board, site: Path) -> None:
    data = json.loads((site / "leaderboard.json").read_text())
    listed = {row["name"]: row for one in data["benchmarks"].values() for row in one["rows"]}
    for name in site_board.names():
        result = json.loads((site_board.submission(name) / "results.json").read_text())
        for column in SCORES:
            summary = result["summary"][column.key]
            assert listed[name][column.key]["mean"] == summary["mean"]
            assert listed[name][column.key]["ci"] == summary["ci"]
        assert listed[name]["without_twins"] == result["without_twins"]
        assert (
            listed[name]["manifest"]["predictions_sha256"]
            == (result["manifest"]["predictions_sha256"])
        )


def test_the_page_of_a_method_has_its_figures_without_twins(
    rows: BoardRows, site_board: Board, site: Path
) -> None:
    for name in site_board.names():
        result = json.loads((site_board.submission(name) / "results.json").read_text())
        page = (site / "methods" / f"{name}.html").read_text(encoding="utf-8")
        figure = result["without_twins"]["summary"]["arch_f1"]["mean"]
        assert f'without twins <data value="{figure}">{figure:.3f}</data>' in page
        assert ("set_2: DM_3, DM_4*, DM_5; no other GM is left" in page) == name.startswith("dm-")


def finite(data: Any) -> bool:
    if isinstance(data, dict):
        return all(finite(value) for value in data.values())
    if isinstance(data, list):
        return all(finite(value) for value in data)
    return not isinstance(data, float) or math.isfinite(data)


def test_data_are_finite_unique_and_without_orphans(rows: BoardRows, site: Path) -> None:
    names = [row.name for board in rows.benchmarks for row in board.rows]
    assert len(names) == len(set(names))
    for path in site.rglob("*.json"):
        assert finite(json.loads(path.read_text()))
    measured = {row.name for board in rows.benchmarks for row in board.measured}
    assert {path.stem for path in site.glob("methods/*.html")} == measured
    assert {path.stem for path in site.glob("data/methods/*.json")} == measured
    assert {path.stem for path in site.glob("data/*.json")} == {b.name for b in rows.benchmarks}


def test_csv_holds_every_row(rows: BoardRows, site: Path) -> None:
    text = (site / "leaderboard.csv").read_text(encoding="utf-8")
    found = list(csv.DictReader(io.StringIO(text)))
    expected = [row for board in rows.benchmarks for row in board.rows]
    assert [one["name"] for one in found] == [row.name for row in expected]
    for one, row in zip(found, expected, strict=True):
        assert one["method"] == row.title
        for column in SCORES:
            value = row.cells[column.key].value
            assert one[column.key] == ("" if value is None else str(value))
    # Nothing that a spreadsheet would take for a formula.
    for line in csv.reader(io.StringIO(text)):
        for cell in line:
            assert not cell.startswith(("=", "+", "@", "\t")), cell
            assert not cell.startswith("-") or float(cell) < 0


def test_hostile_words_are_words(site: Path) -> None:
    for name, page in pages(site):
        reader = Reader(page)
        assert "<script>" not in page
        assert "img" not in reader.tags, name
        assert reader.tags.count("script") == (name == "index.html")
        assert not [key for key, _ in reader.attributes if key.startswith("on")]
        if name == "hostile.html":
            assert HOSTILE in reader.text
            assert "49" not in HOSTILE


def test_links_and_sources(site: Path) -> None:
    """Nothing is loaded from elsewhere; what can be followed is an address of a card."""
    for name, page in pages(site):
        attributes = Reader(page).attributes
        loaded = [value or "" for key, value in attributes if key == "src"]
        assert all(not value.startswith(("http", "//", "data")) for value in loaded)
        for key, value in attributes:
            if key == "href" and (value or "").startswith(("http", "//", "javascript")):
                assert name not in ("index.html",)
                assert (value or "").startswith("https://example.org")
        assert "content=\"default-src 'none'" in page
    style = (site / "style.css").read_text()
    assert "url(" not in style
    assert "@import" not in style


def test_reported_rows_stand_apart(rows: BoardRows, site: Path) -> None:
    board = rows.benchmarks[0]
    assert {row.origin for row in board.reported} == {"reported"}
    for row in board.reported:
        assert all(cell.rank is None and cell.ci is None for cell in row.cells.values())
    ranked = [row.cells["l1"].rank for row in board.measured]
    assert max(rank.worst for rank in ranked if rank) == len(board.measured)
    page = (site / "index.html").read_text(encoding="utf-8")
    reported = page[page.index('class="reported">') :]
    assert "Tables 4 and 5" in reported
    # In the order that the heading claims: by L1.
    assert [row.title for row in board.reported] == ["FEN-PN", "Random ground truth"]
    assert "data-r=" not in reported[: reported.index("</tbody>")]


def test_order_of_rows(rows: BoardRows) -> None:
    measured = rows.benchmarks[0].measured
    values = [row.cells["skill"].value for row in measured]
    assert values == sorted(values, key=lambda value: float(value or 0), reverse=True)
    by_weights = in_order(measured, "params", descending=True)
    found = [row.cells["params"].value for row in by_weights]
    known = [value for value in found if value is not None]
    assert found == [*sorted(known, key=float, reverse=True), *[None] * (len(found) - len(known))]


def test_build_replaces_its_own_pages_alone(
    site_board: Board, rows: BoardRows, cache: Path, tmp_path: Path
) -> None:
    out = tmp_path / "site"
    made = build_site(site_board, out, cache=cache, jobs=1)
    assert made.benchmarks == {"tiny": (10, 2), "tiny-dm": (2, 0)}
    before = digest(out)
    (out / "stale.html").write_text("old")
    build_site(site_board, out, cache=cache, jobs=1)
    assert digest(out) == before
    foreign = tmp_path / "mine"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("years of work")
    with pytest.raises(BoardError, match="something that no build made"):
        build_site(site_board, foreign, cache=cache, jobs=1)
    assert (foreign / "thesis.tex").read_text() == "years of work"
    with pytest.raises(BoardError, match=r"thesis\.tex is a file, and pages need a folder"):
        build_site(site_board, foreign / "thesis.tex", cache=cache, jobs=1)


def test_a_folder_that_is_led_to_or_that_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, link = Board(tmp_path / "none"), tmp_path / "link"
    (tmp_path / "served").mkdir()
    link.symlink_to(tmp_path / "served")
    assert build_site(board, link, jobs=1).folder == link
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "served"]
    monkeypatch.chdir(tmp_path / "served" / "modules")
    for out in (".", ".."):
        with pytest.raises(BoardError, match="is where you are"):
            build_site(board, Path(out), jobs=1)


def test_thresholds_are_those_of_the_metrics(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    said, *_ = re.findall("practical use, as the paper puts it: (.*?)[.] A rank", page)
    useful = [one for one in METRICS if one.useful is not None]
    assert len(said.split(", ")) == len(useful) == 3
    for words, metric in zip(said.split(", "), useful, strict=True):
        way = "below" if metric.better == "lower" else "above"
        assert words == f"{metric.title} {way} {metric.useful}"


def test_no_page_is_made_of_a_false_figure(board: Board, tmp_path: Path) -> None:
    for name in board.names():
        path = board.submission(name) / "results.json"
        path.write_text(path.read_text().replace('"n_gms": 48', '"n_gms": 49'))
    with pytest.raises(BoardError, match="is sound, so no page was made of it"):
        build_site(board, tmp_path / "site", jobs=1)
    assert not (tmp_path / "site").exists()


def test_an_empty_board_has_a_page(tmp_path: Path) -> None:
    made = build_site(Board(tmp_path / "none"), tmp_path / "site", jobs=1)
    assert made.benchmarks == {}
    assert "There is no submission yet" in (tmp_path / "site" / "index.html").read_text()
    listed = (tmp_path / "site" / "leaderboard.csv").read_text()
    assert listed.startswith("benchmark,version,name,method,origin,seeds,skill,skill_lo,")
    assert listed.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.184", "nan"), ("0.184", "much"), ("l1,0.149", "l9,0.149"),
        ("benchmark,method", "method,benchmark"), ("loss_f1", "l1"), ("0.636,0.017", ""),
        ("2025-06-30", "June"), ("2025-06-30", "2025-06-31"), (",2023", ","), (",2023", ",20233"),
    ],
)  # fmt: skip
def test_damaged_facts_are_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "reported.csv"
    path.write_text(REPORTED)
    assert len(read_reported(path)) == 2
    path.write_text(REPORTED.replace(old, new))
    with pytest.raises(BoardError, match=r"reported.csv line \d"):
        read_reported(path)


def test_facts_from_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "reported.csv"
    path.write_text(REPORTED, encoding="utf-8-sig")
    assert len(read_reported(path)) == 2
    path.write_text(REPORTED.replace("both", "bóth"), encoding="cp1252")
    with pytest.raises(BoardError, match="Save it as CSV in UTF-8"):
        read_reported(path)


def test_committed_board() -> None:
    """The project's own board: its facts are the paper's, its cards are cards."""
    board = Board(Path(__file__).parents[2] / "leaderboard")
    reported = {one.method: one for one in read_reported(board.reported)}
    assert len(reported) == 5
    assert reported["full"].values["l1"] == 0.149
    assert reported["one_parser"].values["ransac_slope"] == -0.529
    assert reported["mean_mode"].sources == ["Table 4", "Table 5"]
    for name in board.names():
        assert read_card(board.submission(name) / "card.yaml").name == name
    assert {"mean_mode", "random_labels"} <= set(board.names())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (25.0, "25"), (2600.0, "2,600"), (10_000.0, "10 k"), (3_500_000.0, "3.5 M"),
        (305e6, "305 M"), (2e9, "2 G"), (0.02, "0.02"), (0.004, "0.004"), (2.5e-7, "2.5 × 10⁻⁷"),
        (0.01561, "0.0156"), (0.00144, "0.00144"), (0.96189, "0.962"), (0.9999, "1"),
    ],
)  # fmt: skip
def test_costs_read_well(value: float, text: str) -> None:
    assert cost_text(value) == text


def test_serving(site: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    shutil.copytree(site, tmp_path / "site")
    with serving(tmp_path / "site") as address:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        with urllib.request.urlopen(address + "modules/main.js") as answer:
            assert answer.headers["Content-Type"].startswith("text/javascript")
        for path in ("../secret", "%2e%2e/secret", "modules/", "nothing"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(address + path)
        port = int(address.rsplit(":", 1)[1].strip("/"))
        with pytest.raises(BoardError, match="another --port"), serving(tmp_path, port):
            pass


def test_a_method_is_cited_in_fields_that_nothing_of_it_can_end(rows: BoardRows) -> None:
    card = rows.benchmarks[0].measured[0].card
    assert card is not None
    entry = citation(card.model_copy(update={"title": "A {T}itle}", "authors": ("A", "B")}))
    assert entry.startswith(
        f"@misc{{{card.name},\n  title = {{A Title}},\n  author = {{A and B}},\n"
    )
    assert entry.count("{") == entry.count("}") == 6
    assert f"Submission {card.name}".replace("_", r"\_") in entry
    words = citation(card.model_copy(update={"title": "A_b & 5% \\of #1 $2"}))
    assert r"title = {A\_b \& 5\% of \#1 \$2}," in words


def test_a_shared_link_has_a_preview(site: Path, rows: BoardRows) -> None:
    def told(page: str) -> dict[str, str]:
        found = re.findall(r'<meta (?:name|property)="([\w:]+)" content="([^"]*)"', page)
        return {key: html.unescape(text) for key, text in found}

    meta = told((site / "index.html").read_text(encoding="utf-8"))
    leader = rows.benchmarks[0].measured[0].title
    assert meta["og:title"] == "Model parsing leaderboard"
    assert f"tiny: skill, {leader} leads with" in meta["og:description"] == meta["description"]
    assert meta["og:image"] == "preview.png"
    assert "og:url" not in meta
    with Image.open(site / "preview.png") as image:
        assert (image.format, image.size) == ("PNG", (1200, 630))
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 10
    elsewhere = render_site(rows, address="https://example.org/board")["index.html"].decode()
    assert told(elsewhere)["og:image"] == "https://example.org/board/preview.png"
    assert told(elsewhere)["og:url"] == "https://example.org/board/"


def test_an_address_that_is_none_is_refused(board: Board, tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="'example' is no web address"):
        build_site(board, tmp_path / "site", address="example")


def test_labels_that_are_unknown_for_every_test_gm(tmp_path: Path) -> None:
    tiny = tiny_benchmark()
    unknown = [NAMES.index(name) for name in ("filters", "loss_kl")]

    tested = {name for names in tiny.sets.values() for name in names}

    def without(gm: GM) -> GM:
        values = [UNKNOWN if n in unknown else one for n, one in enumerate(gm.values)]
        return replace(gm, values=tuple(values)) if gm.name in tested else gm

    partly = replace(tiny, name="partly", gms=tuple(map(without, tiny.gms)))
    board = Board(tmp_path / "board")
    for seed in (1, 2):
        made = replace(random_predictions(tiny, seed), benchmark=partly)
        submit(made, facts(f"m{seed}"), board=board, benchmark=partly)
    pages = render_site(read_rows(board, jobs=1))
    assert "filters" in pages["methods/m1.html"].decode()
