"""The page of a method: what it shows, and what it leads to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from gmbench.benchmark.benchmark import MINI116, load_benchmark
from gmbench.board.board import Board
from gmbench.board.rows import BoardRows, read_rows
from gmbench.board.site.building import site_files, write_file
from gmbench.board.site.floors import floors_of
from gmbench.board.site.method_page import baseline_files, commands
from gmbench.board.site.shown_gms import STRIP_SIZE
from gmbench.board.submission import submit
from gmbench.board.submission_card import read_card
from gmbench.predictions.predictions import read_predictions
from gmbench.predictions.reference import random_labels
from gmbench.schema import CONTINUOUS, NAMES
from tests.board.boards import facts
from tests.board.sites import opened

HERE = Path(__file__).parents[2] / "leaderboard"


@pytest.fixture(scope="module")
def ours(few_replicates: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a board with one baseline of this project, on the packaged images."""
    here = tmp_path_factory.mktemp("ours")
    board = Board(here / "leaderboard")
    without_address = {**facts("ours", recipe="random_labels", resubmitted=2), "url": None}
    del without_address["resubmitted"]
    benchmark = load_benchmark("mini116")
    for _ in range(2):
        submit(random_labels(benchmark), without_address, board=board, replace=True)
    site = here / "site"
    for name, content in site_files(read_rows(board, jobs=1)).items():
        write_file(content, site / name)
    return site


def links(page: Path) -> list[str]:
    return re.findall(r'(?:href|src)="([^"#][^"]*)"', page.read_text(encoding="utf-8"))


def test_every_part_of_a_report_is_there(site: Path) -> None:
    page = (site / "methods" / "method-1.html").read_text(encoding="utf-8")
    for one in CONTINUOUS:
        assert f'<figure data-parameter="{one.name}">' in page
    assert page.count('<table class="confusion') == 16
    assert re.findall(r'data-kind="(\w+)"', page) == ["GAN", "VAE", "AR", "AA", "NF"]
    assert re.findall(r'data-gap="(\w+)"', page) == list(NAMES)


def test_gaps_and_kinds_are_those_of_the_results(rows: BoardRows, site: Path) -> None:
    board = rows.benchmarks[0]
    floors = floors_of(board.benchmark)
    for row in board.measured:
        assert row.result is not None
        page = (site / "methods" / f"{row.name}.html").read_text(encoding="utf-8")
        for name, found in row.result["parameters"].items():
            key = "l1" if found["type"] == "continuous" else "f1"
            line = re.search(f'<tr data-gap="{name}">.*', page)
            assert line is not None
            floor, value, *_ends = re.findall(r'value="([^"]+)"', line[0])
            assert float(floor) == pytest.approx(floors.parameters[name])
            assert float(value) == pytest.approx(found[key] - floors.parameters[name])
        line = re.search('<tr data-kind="NF">.*', page)
        assert line is not None
        errors = [gm["l1"] for gm in row.result["gms"].values() if gm["kind"] == "NF"]
        assert float(re.findall(r'value="([^"]+)"', line[0])[0]) == pytest.approx(np.mean(errors))


def test_the_best_and_worst_gms_are_shown(rows: BoardRows, site: Path) -> None:
    for row in rows.benchmarks[0].measured:
        assert row.result is not None
        page = (site / "methods" / f"{row.name}.html").read_text(encoding="utf-8")
        shown = re.findall('data-example="([^"]+)"', page)
        errors = {key: gm["l1"] for key, gm in row.result["gms"].items()}
        order = sorted(errors, key=lambda key: (errors[key], key))
        assert shown == [*order[:3], *order[:-4:-1]]
        # The images of red116 are their authors'.
        assert "<img" not in page
        assert "Their images belong to those who made them" in page


def test_images_of_mini116_alone_are_shown(ours: Path) -> None:
    from PIL import Image

    page = ours / "methods" / "ours.html"
    pictures = [ours / "methods" / link for link in links(page) if link.endswith(".png")]
    assert len(pictures) == 6
    for picture in pictures:
        with Image.open(picture) as image:
            assert image.size == STRIP_SIZE
    gms = {path.stem for path in MINI116.glob("data/*/*.parquet")}
    assert {path.stem for path in (ours / "images").iterdir()} <= gms


def test_every_link_leads_to_a_file(ours: Path, site: Path) -> None:
    for page in [*ours.glob("methods/*.html"), *site.glob("methods/*.html")]:
        for link in links(page):
            if not link.startswith(("http", "data:")):
                assert (page.parent / urlsplit(link).path).resolve().is_file(), link


def test_the_predictions_can_be_downloaded(rows: BoardRows, site: Path) -> None:
    board = rows.benchmarks[0]
    for row in board.measured:
        assert f"../predictions/{row.name}.parquet" in links(site / f"methods/{row.name}.html")
        assert row.result is not None
        read = read_predictions(site / "predictions" / f"{row.name}.parquet", board.benchmark)
        assert read.sha256 == row.result["manifest"]["predictions_sha256"]


def test_own_baselines_lead_to_their_folder_and_to_nobody_elses_paper(ours: Path) -> None:
    found = links(ours / "methods" / "ours.html")
    assert "../baselines/random_labels/README.md" in found
    assert "../baselines/random_labels/recipe.yaml" in found
    assert not [link for link in found if link.startswith("http")]
    page = (ours / "methods" / "ours.html").read_text(encoding="utf-8")
    assert "howpublished = {gmbench, baselines/random\\_labels}" in page
    for card in map(read_card, HERE.glob("submissions/*/card.yaml")):
        assert card.recipe is not None, card.name
        assert card.url is None, card.name


def test_a_baseline_of_nothing_but_a_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "random_labels" / "recipe.yaml"
    recipe.parent.mkdir()
    recipe.write_text("")
    monkeypatch.setattr("gmbench.board.site.method_page.baselines_directory", lambda: tmp_path)
    card = read_card(HERE / "submissions/random_labels/card.yaml")
    assert baseline_files(card) == {"baselines/random_labels/recipe.yaml": recipe}


def test_costs_and_training_data_are_as_stated(site: Path, ours: Path) -> None:
    page = (site / "methods" / "method-1.html").read_text(encoding="utf-8")
    for said in ("1,000, as stated", "2.5 hours, as stated", "other images or GMs as well, as sta"):
        assert said in page
    assert "replaced" not in page
    assert "as ours, replaced once" in (ours / "methods" / "ours.html").read_text(encoding="utf-8")


def test_commands_that_make_the_figures_again() -> None:
    def of(name: str) -> list[str]:
        return [
            command for _, command in commands(read_card(HERE / f"submissions/{name}/card.yaml"))
        ]

    assert of("mini116_cv10_best") == [
        "gmbench evaluate mini116_cv10_best.parquet --sets cv10 --out report",
        "gmbench data build --out gm-parsing",
        "gmbench leaderboard rerun mini116_cv10_best --data gm-parsing",
    ]
    assert of("mean_mode") == [
        "gmbench evaluate mean_mode.parquet --out report",
        "gmbench leaderboard rerun mean_mode",
    ]
    card = read_card(HERE / "submissions/mini116_full/card.yaml")
    folds = card.model_copy(update={"benchmark": "red116", "sets": "cv10", "recipe": None})
    evaluate = "gmbench evaluate mini116_full.parquet -b red116 --sets cv10 --out report"
    assert [command for _, command in commands(folds)] == [evaluate]
    custom = card.model_copy(update={"benchmark": "my-zoo", "recipe_commit": "0123abc"})
    assert [command for _, command in commands(custom)] == [
        "gmbench leaderboard verify mini116_full",
        "git checkout 0123abc",
        "gmbench leaderboard rerun mini116_full --data gm-parsing",
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
def test_links_and_images_hold_in_the_sheet_too(ours: Path) -> None:
    with opened(ours, "?method=ours") as (browser, address):
        page = browser.page
        page.locator("dialog img").first.wait_for()
        links = page.locator("dialog .links a").evaluate_all("all => all.map((one) => one.href)")
        assert f"{address}predictions/ours.parquet" in links
        assert f"{address}methods/ours.html" in links
        picture = page.locator("dialog img").first
        picture.scroll_into_view_if_needed()
        width = picture.evaluate("async (one) => { await one.decode(); return one.naturalWidth; }")
        assert width == STRIP_SIZE[0]
        assert browser.axe() == []


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_is_accessible_and_fits_a_phone(ours: Path, dark: bool) -> None:
    with opened(ours, "methods/ours.html", dark=dark, width=390) as (browser, _):
        assert browser.faults() + browser.axe() == []
        assert browser.overflow() <= 0
    assert json.loads((ours / "leaderboard.json").read_text())["benchmarks"].keys() == {"mini116"}
