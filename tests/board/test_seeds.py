"""Several seeds of one method: one row, with its spread."""

from __future__ import annotations

import datetime
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmbench.board.among import Known, compare
from gmbench.board.board import Board, BoardError
from gmbench.board.rows import BoardRows, read_rows, submitted_rows
from gmbench.board.site.building import render_site
from gmbench.board.site.floors import floors_of
from gmbench.board.site.json_data import method_data
from gmbench.board.site.method_files import copied_files
from gmbench.board.site.methods_table import table_view
from gmbench.board.site.parameter_map import parameter_maps
from gmbench.board.submission_card import card_text, read_card
from gmbench.board.table import table
from gmbench.board.verification import verify
from gmbench.evaluation.comparison import COMPARED
from gmbench.predictions.writing import write_predictions
from tests.board.boards import submit_random, tiny_benchmark
from tests.evaluation.populations import random_predictions

SEEDS = ("first", "second", "third")


@pytest.fixture(scope="module")
def pristine(few_replicates: None, tmp_path_factory: pytest.TempPathFactory) -> Board:
    """A method of three seeds, and another of one."""
    here = tmp_path_factory.mktemp("seeds")
    board = Board(here / "leaderboard")
    submit_random(board, here, "first", 1, title="Many")
    for number, name in enumerate(SEEDS[1:], start=2):
        submit_random(board, here, name, number, title="Many", seed_of="first")
    submit_random(board, here, "other", 9)
    return board


@pytest.fixture(scope="module")
def seed_rows(pristine: Board) -> BoardRows:
    return read_rows(pristine, jobs=1)


@pytest.fixture
def board(tmp_path: Path, pristine: Board) -> Board:
    """A copy of that board for a test to spoil."""
    return Board(Path(shutil.copytree(pristine.folder, tmp_path / "leaderboard")))


def results(board: Board) -> list[dict[str, float]]:
    summaries = [
        json.loads((board.submission(name) / "results.json").read_text())["summary"]
        for name in (*SEEDS, "other")
    ]
    return [{key: one["mean"] for key, one in summary.items()} for summary in summaries]


def test_a_row_is_the_mean_over_its_seeds(pristine: Board, seed_rows: BoardRows) -> None:
    (of_board,) = seed_rows.benchmarks
    assert {row.name for row in of_board.measured} == {"first", "other"}
    row = next(row for row in of_board.measured if row.name == "first")
    assert [one.card.name for one in row.seeds] == list(SEEDS)
    *seeds, other = results(pristine)
    for metric in COMPARED:
        values, cell = [seed[metric.name] for seed in seeds], row.cells[metric.name]
        assert cell.value == pytest.approx(np.mean(values))
        assert cell.spread == pytest.approx(np.std(values, ddof=1))
        assert cell.ci is not None
        assert cell.ci[0] <= np.mean(values) <= cell.ci[1]
    # What is tested is that mean, not the seed that did best.
    (((first, _), pair),) = of_board.pairs.items()
    sign = 1 if first == "first" else -1
    for metric, found in zip(COMPARED, pair, strict=True):
        expected = np.mean([seed[metric.name] for seed in seeds]) - other[metric.name]
        assert found.difference == pytest.approx(sign * expected)


def test_replacements_of_any_seed_are_counted(board: Board) -> None:
    path = board.submission("second") / "card.yaml"
    path.write_text(path.read_text() + "resubmitted: 2\n")
    (of_board,) = submitted_rows(board)
    assert {row.name: row.resubmitted for row in of_board.measured} == {"first": 2, "other": 0}


def test_the_pages_show_the_spread(seed_rows: BoardRows) -> None:
    files = render_site(seed_rows)
    copies = copied_files(seed_rows.benchmarks[0])
    data = json.loads(files["leaderboard.json"])
    row = next(one for one in data["benchmarks"]["tiny"]["rows"] if one["name"] == "first")
    assert row["seeds"] == list(SEEDS)
    index, page = (files[name].decode() for name in ("index.html", "methods/first.html"))
    assert f"{row['l1']['mean']:.3f} ± {row['l1']['seed_std']:.3f}" in index
    assert "A. Author, 3 seeds" in index
    for name in SEEDS:
        assert f'<tr data-seed="{name}">' in page
        assert f"predictions/{name}.parquet" in copies
    assert "methods/second.html" not in files
    assert 'id="seeds"' not in files["methods/other.html"].decode()


def test_seeds_that_agree_have_a_spread_of_0(seed_rows: BoardRows) -> None:
    board = seed_rows.benchmarks[0]
    row = next(row for row in board.measured if row.name == "first")
    cells = {**row.cells, "l1": replace(row.cells["l1"], spread=0.0)}
    board = replace(board, measured=(replace(row, cells=cells),))
    (view,) = table_view(board, floors_of(board.benchmark)).measured
    (shown,) = (one for one in view.cells if one.column.key == "l1")
    assert shown.text.endswith(" ± 0.000")


def test_the_map_and_comparisons_are_of_the_mean_too(seed_rows: BoardRows) -> None:
    board = seed_rows.benchmarks[0]
    floors = floors_of(board.benchmark)
    place = [row.name for row in board.measured].index("first")
    row = board.measured[place]
    by_parameter, _, by_gm = parameter_maps(board, floors)

    def gain(values: list[float], floor: float) -> str:
        return f"{100 * (1 - np.mean(values) / floor):z.0f}".replace("-", "−")

    for number, key in enumerate(floors.gms):
        each = [seed.result["gms"][key]["l1"] for seed in row.seeds]
        assert method_data(row, {})["l1"][number] == pytest.approx(np.mean(each))
        (line,) = (one for one in by_gm.rows if one.title == key)
        assert line.gains[3 + place].text == gain(each, floors.gms[key]["l1"])
    layers = [seed.result["parameters"]["layers"]["l1"] for seed in row.seeds]
    floor = floors.parameters["layers"]
    assert floor is not None
    assert by_parameter.rows[place].gains[0].text == gain(layers, floor)


def test_seeds_may_be_alike_and_share_a_title(board: Board, tmp_path: Path) -> None:
    near = random_predictions(tiny_benchmark(), 1)
    near.values.continuous[:9] *= 1.5
    submit_random(board, tmp_path, "near", 1, near, title="Many", seed_of="first")
    made = verify(board, jobs=1)
    assert made.ok
    assert not made.flagged
    with pytest.raises(BoardError, match="with the title 'Many'"):
        submit_random(board, tmp_path, "stranger", 8, title="Many")


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"seed_of": "nobody"}, "nobody is no other submission of this board"),
        ({"seed_of": "me"}, "me is no other submission of this board"),
        ({"seed_of": "second"}, "second is a seed of first itself; name that"),
        ({"seed_of": "first", "authors": ["A. Stranger"]}, "first has another authors"),
        ({"seed_of": "first", "training_data": "extra"}, "first has another training data"),
    ],
)
def test_nobody_joins_the_row_of_another(
    board: Board, tmp_path: Path, card: dict[str, Any], said: str
) -> None:
    with pytest.raises(BoardError, match=said):
        submit_random(board, tmp_path, "me", 7, **card)
    assert not board.submission("me").exists()
    # By hand instead.
    submit_random(board, tmp_path, "me", 7)
    path = board.submission("me") / "card.yaml"
    path.write_text(card_text(read_card(path).model_copy(update=card)))
    made = verify(board, ["me"], jobs=1)
    (found,) = made.among.failures
    assert found.name == "seeds"
    assert found.offenders == (f"me: {said}",)
    rows = read_rows(board, jobs=1)
    assert rows.left_out == {"me": ("seeds",)}
    assert {row.name for row in rows.benchmarks[0].measured} == {"first", "other"}


@pytest.mark.parametrize("asked", ["thief", "early"])
def test_a_seed_of_an_earlier_date_takes_no_title_for_its_method(
    pristine: Board, asked: str
) -> None:
    cards = [read_card(pristine.submission(name) / "card.yaml") for name in pristine.names()]
    day = datetime.date(2026, 1, 4)
    thief = cards[0].model_copy(update={"name": "thief", "date": day})
    update = {"name": "early", "seed_of": "thief", "date": day - datetime.timedelta(days=1)}
    known = [Known(card.name, card) for card in (*cards, thief, thief.model_copy(update=update))]
    among, later = compare(pristine, known, [asked], flag=False)
    (found,) = among.failures
    assert found.offenders == ("early and first: one title on tiny",)
    assert later == {"early": ("names_unique",), "thief": ("names_unique",)}


def test_seeds_of_what_is_not_sound_are_left_out(board: Board) -> None:
    (board.submission("first") / "predictions.parquet").write_bytes(b"PAR1")
    left_out = read_rows(board, jobs=1).left_out
    assert left_out["second"] == left_out["third"] == ("seeds",)
    assert "file" in left_out["first"]


def test_the_command(board: Board, tmp_path: Path) -> None:
    from tests.board.boards import benchmark_folder
    from tests.commands import gmbench

    write_predictions(random_predictions(tiny_benchmark(), 12), tmp_path / "fourth.parquet")
    done = gmbench(
        "submit", "fourth.parquet", "--name", "fourth", "--title", "Many",
        "--authors", "A. Author", "--url", "https://example.org", "--training-data", "benchmark",
        "--seed-of", "first", "--board", str(board.folder),
        "--benchmark", str(benchmark_folder(tmp_path / "tiny")), cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0
    assert read_card(board.submission("fourth") / "card.yaml").seed_of == "first"


def test_a_mean_over_seeds_is_one_in_every_column(board: Board) -> None:
    rows = submitted_rows(board)
    found = table(rows).set_index("name")
    (row,) = (row for one in rows for row in one.rows if row.name == "first")
    assert len(row.seeds) == 3
    apart = [seed.result["without_twins"]["summary"]["l1"]["mean"] for seed in row.seeds]
    assert len(set(apart)) == 3
    assert found["l1_without_twins"]["first"] == pytest.approx(np.mean(apart))
    assert found["p_value"].isna()["first"]
    assert not found["p_value"].isna()["other"]
