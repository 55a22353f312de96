"""The page of a reproduction: figures as they are written, Markdown, HTML in a browser."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from gmbench.benchmark.published import PaperCell
from gmbench.reproduction.page import HTML, JSON, MARKDOWN, rendered, section, write_page
from gmbench.reproduction.result import (
    Cell,
    FigureResult,
    Line,
    Order,
    Reproduction,
    TableResult,
)
from gmbench.reproduction.tables import TITLES
from gmbench.training.recipes import find_recipe
from tests.browser import chromium_page

ROOT = Path(__file__).parents[2]
METRICS = ("l1", "p_value", "arch_f1")
TABLE = TableResult(
    "table4",
    "Architecture <parsing>",
    METRICS,
    (
        Line(
            "Ours",
            {"l1": PaperCell(0.149, 0.019, None), "arch_f1": PaperCell(0.718, None, None)},
            {"l1": Cell(0.1111, (0.0929, 0.1294)), "p_value": Cell(0.0001), "arch_f1": Cell(0.5)},
        ),
        Line("Floor", {}, {"l1": Cell(None)}),
        Line("Nothing", {"l1": PaperCell(0.2, None, None)}, {}),
    ),
    (
        Order("Ours", "Floor", "l1", -0.02, -0.0051, (-0.02, 0.01), 0.4, "not told apart"),
        Order("Ours", "Floor", "arch_f1", 0.1, None, None, None, "not tested"),
        Order("Ours", "Nothing", "arch_f1", 0.1, 0.2, (0.1, 0.3), 0.001, "holds"),
    ),
    "Other data.",
)
LACKING = TableResult("table9", "Diffusion", METRICS, (), (), "Other data.", "No images & no GMs.")
FIGURES = (
    FigureResult("fig3", "The labels", "figures/fig3.png", "All GMs."),
    FigureResult("fig12", "The attack", "", "", "No images."),
)
FOUND = Reproduction(
    "mini",
    "1",
    "small",
    0,
    {"gmbench": "0.1.0", "numpy": "2.0"},
    ("2 cores",),
    (TABLE, LACKING),
    FIGURES,
)


def test_a_section_as_it_is_written() -> None:
    made = section(TABLE, "mini")
    assert made.headings == ("L1 ↓", "p against ours", "arch F1 ↑")
    written = [(row.title, row.whose, *map(str, row.cells)) for row in made.rows]
    assert written == [
        ("Ours", "paper", "0.149 ± 0.019", "-", "0.718"),
        ("", "mini", "0.111 (0.093 to 0.129)", "<0.001", "0.500"),
        ("Floor", "mini", "-", "-", "-"),
        ("Nothing", "paper", "0.200", "-", "-"),
    ]
    assert made.orders[0] == (
        "Ours − Floor", "L1 ↓", "-0.020", "-0.005 (-0.020 to +0.010)", "0.400", "not told apart",
    )  # fmt: skip
    assert made.summary == (
        "Of 3 differences that the paper shows, 1 holds, 1 is not told apart, 1 is not tested."
    )
    short = section(TABLE, "mini", spread=False)
    assert [str(cell) for cell in short.rows[1].cells] == ["0.111", "<0.001", "0.500"]


def test_files_of_a_page(tmp_path: Path) -> None:
    assert write_page(FOUND, tmp_path) == tmp_path / HTML
    lines = (tmp_path / MARKDOWN).read_text().splitlines()
    assert "| Ours | paper | 0.149 ± 0.019 | - | 0.718 |" in lines
    assert "| Table 4. Architecture <parsing> | 3 | 1 | 1 | 1 |" in lines
    assert "| all | 3 | 1 | 1 | 1 |" in lines
    assert "gmbench reproduce table4 table9 fig3 fig12 --data mini" in lines
    assert "Not made: No images & no GMs." in lines
    assert "![The labels](figures/fig3.png)" in lines
    assert "Not drawn: No images." in lines
    # A table in Markdown has as many cells in each row as in its heading.
    for heading, rule in pairwise(lines):
        if rule.startswith("|---"):
            body = lines[lines.index(rule, lines.index(heading)) + 1 :]
            rows = body[: next(n for n, line in enumerate(body) if not line.startswith("|"))]
            assert rows
            assert {row.count("|") for row in (heading, rule, *rows)} == {rule.count("|")}
    assert json.loads((tmp_path / JSON).read_text())["tables"][1]["missing"] == LACKING.missing
    html = (tmp_path / HTML).read_text()
    assert "Architecture &lt;parsing&gt;" in html
    assert "No images &amp; no GMs." in html


def test_the_page_in_a_browser(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    Image.new("RGB", (900, 300)).save(tmp_path / "figures" / "fig3.png")
    with chromium_page(width=390) as browser:
        browser.open(write_page(FOUND, tmp_path))
        assert browser.page.locator("section").count() == 5
        counts = browser.page.locator(".overview tbody tr").all_inner_texts()
        assert [row.split("\t")[1:] for row in counts] == [["3", "1", "1", "1"]] * 2
        image = browser.page.get_by_alt_text("The labels")
        image.scroll_into_view_if_needed()
        browser.page.wait_for_function(
            "image => image.naturalWidth == 900", arg=image.element_handle()
        )
        assert browser.overflow() == 0
        assert browser.axe() == []
        hidden = browser.page.get_by_text("-0.005 (-0.020 to +0.010)")
        assert not hidden.is_visible()
        browser.page.get_by_text("Of 3 differences").click()
        assert hidden.is_visible()
        assert browser.errors == []


def test_the_command_is_the_one_that_made_it() -> None:
    command = "gmbench reproduce table4 table9 fig3 fig12 --data mini"
    assert f"{command}\n" in rendered(FOUND)
    changes = {"epochs": 5, "schedule": "constant", "view": {"size": 32}}
    other = replace(FOUND, preset="paper", seed=3, changes=changes)
    said = (
        "--preset paper --change epochs=5 --change schedule=constant --change 'view={\"size\": 32}'"
    )
    assert f"{command} {said} --seed 3\n" in rendered(other)
    assert 'preset `paper` with `epochs=5, schedule=constant, view={"size": 32}`,' in rendered(
        other
    )
    assert "preset paper with epochs=5" in rendered(other, "reproduction.html.j2")
    assert Reproduction.from_dict(json.loads(json.dumps(other.to_dict()))) == other


def test_read_back_from_json() -> None:
    assert Reproduction.from_dict(json.loads(json.dumps(FOUND.to_dict()))) == FOUND


def test_the_page_in_docs_is_that_of_its_result_and_of_the_baselines() -> None:
    folder = ROOT / "docs" / "reproduction"
    found = Reproduction.from_dict(json.loads((folder / JSON).read_text()))
    assert rendered(found) == (folder / MARKDOWN).read_text()
    assert all((folder / one.file).is_file() for one in found.figures)
    compared = 0
    # Table 9 is of the sets of diffusion models.
    for table in (one for one in found.tables if one.name != "table9"):
        for name, title in TITLES.items():
            ours = next((line.ours for line in table.lines if line.title == title), {})
            results = ROOT / "baselines" / name / "results" / f"{found.benchmark}.json"
            summary = json.loads(results.read_text())["summary"]
            for metric in set(ours) - {"p_value"}:
                value, known = ours[metric].value, summary[metric]
                if find_recipe(name).needs == "labels":
                    assert value == pytest.approx(known["mean"], rel=1e-12)
                elif known["ci"] is not None:
                    # Networks that were trained on another machine, from the same seed.
                    assert known["ci"][0] < value < known["ci"][1], (table.name, name, metric)
                compared += 1
    assert compared > 50


def test_the_readme_counts_as_the_page_does() -> None:
    found = json.loads((ROOT / "docs" / "reproduction" / JSON).read_text())
    counts = Counter(order["verdict"] for table in found["tables"] for order in table["orders"])
    said = (
        f"of the {counts.total()} differences that the paper shows, {counts['holds']} hold, "
        f"{counts['not told apart']} cannot be told apart, one cannot be tested, and none is "
        "reversed."
    )
    assert (counts["not tested"], counts["reversed"]) == (1, 0)
    assert said in " ".join((ROOT / "README.md").read_text().split())
