"""Pairs of methods: what the board and its page show is what `gmbench compare` computes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmbench.board import pairs
from gmbench.board.board import Board
from gmbench.board.pair_memory import recall_pairs, remember_pairs
from gmbench.board.pairs import board_pairs
from gmbench.board.rows import BenchmarkBoard, BoardRows
from gmbench.board.scoring import Score
from gmbench.board.verification import verify
from gmbench.evaluation.comparison import COMPARED, Comparison, compare
from gmbench.evaluation.permutations import PERMUTATIONS
from gmbench.evaluation.significance import holm
from gmbench.files import WriteError
from gmbench.predictions.predictions import read_predictions
from tests.board.sites import opened

PAIRS = (("method-1", "method-2"), ("method-3", "constant"), ("dm-1", "dm-2"))


@pytest.fixture(scope="module")
def scores(site_board: Board, rows: BoardRows, cache: Path) -> dict[str, Score]:
    """What was computed of each method."""
    found = verify(site_board, jobs=1, cache=cache).submissions
    return {one.name: one.score for one in found if one.score is not None}


def board_of(rows: BoardRows, name: str) -> BenchmarkBoard:
    (found,) = (one for one in rows.benchmarks if name in {row.name for row in one.rows})
    return found


def compared(site_board: Board, rows: BoardRows, first: str, second: str) -> Comparison:
    known = board_of(rows, first).benchmark
    read = [
        read_predictions(site_board.submission(name) / "predictions.parquet", known)
        for name in (first, second)
    ]
    return compare(*read, names=(first, second), replicates=40, permutations=200)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_pairs_are_those_of_the_command(
    site_board: Board, rows: BoardRows, first: str, second: str
) -> None:
    board = board_of(rows, first)
    turned = (first, second) not in board.pairs
    pair = (second, first) if turned else (first, second)
    expected = compared(site_board, rows, *pair).differences
    assert [one.metric for one in board.pairs[pair]] == [metric.name for metric in COMPARED]
    for found, wanted in zip(board.pairs[pair], expected, strict=True):
        assert (found.first, found.second, found.metric) == (*pair, wanted.metric)
        assert found.difference == pytest.approx(wanted.difference, abs=1e-12)
        assert found.p_value == wanted.p_value
        assert (found.ci is None) == (wanted.ci is None)
        assert found.ci == pytest.approx(wanted.ci, abs=1e-9)


def test_the_pairs_of_a_metric_are_one_family(rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    assert len(board.pairs) == 45
    for number in range(len(COMPARED)):
        family = [pair[number] for pair in board.pairs.values()]
        assert [one.p_holm for one in family] == holm([one.p_value or 0.0 for one in family])
        for one in family:
            assert (one.better != "") == (one.p_holm is not None and one.p_holm < 0.05)


def test_pairs_are_remembered(
    scores: dict[str, Score], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = {f"method-{number}": scores[f"method-{number}"] for number in range(3)}
    first = board_pairs(scores, cache=tmp_path, jobs=1)
    told: list[tuple[str, int, int | None]] = []

    def progress(what: str, done: int, total: int | None) -> None:
        told.append((what, done, total))

    assert board_pairs(scores, cache=tmp_path, jobs=1, progress=progress) == first
    assert told == []
    (memory,) = tmp_path.iterdir()
    whole = memory.read_bytes()
    memory.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert board_pairs(scores, cache=tmp_path, jobs=1) == first
    memory.write_bytes(b"damaged" * 1000)
    two = {name: scores[name] for name in list(scores)[:2]}
    board_pairs(two, cache=tmp_path, jobs=1)
    assert board_pairs(scores, cache=tmp_path, jobs=1, progress=progress) == first
    assert told == [("pairs", 2, 2)]
    monkeypatch.setattr(pairs, "PERMUTATIONS", 300)
    assert board_pairs(scores, cache=tmp_path, jobs=1, progress=progress) != first
    assert told[1:] == [("pairs", 3, 3)]


def test_pairs_that_cannot_be_kept_are_told_in_one_line(tmp_path: Path) -> None:
    place = tmp_path / "no-folder"
    place.write_text("")
    assert recall_pairs(place, ["key"]) == {}
    with pytest.raises(WriteError, match=r"pairs\.sqlite cannot be written .*GMBENCH_HOME"):
        remember_pairs(place, {"key": np.zeros((1, 4))})
    assert place.is_file()


def test_processes_compare_the_same(
    scores: dict[str, Score], monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = {name: scores[name] for name in ("dm-1", "dm-2")}
    monkeypatch.setattr(pairs, "_FEW", 0)
    # Other processes make as many exchanges as a real board has.
    monkeypatch.setattr(pairs, "PERMUTATIONS", PERMUTATIONS)
    assert board_pairs(scores, jobs=2) == board_pairs(scores, jobs=1)


@pytest.mark.slow
@pytest.mark.usefixtures("one_browser")
@pytest.mark.parametrize("first_picked", ["method-1", "method-2"])
def test_the_page_shows_the_pair(site: Path, rows: BoardRows, first_picked: str) -> None:
    board = rows.benchmarks[0]
    names = [first_picked, "method-2" if first_picked == "method-1" else "method-1"]
    (pair,) = (one for key, one in board.pairs.items() if set(key) == set(names))
    sign = 1 if pair[0].first == first_picked else -1
    with opened(site, f"?pick={','.join(names)}&compare=1") as (browser, _):
        page = browser.page
        page.locator("dialog table").first.wait_for()
        shown: dict[str, list[str]] = page.evaluate(
            """() => {
              const rows = [...document.querySelectorAll("dialog tbody tr")];
              const text = (cell) => cell.querySelector("data")?.value ?? cell.textContent;
              return Object.fromEntries(rows.map((row) =>
                [row.dataset.metric, [...row.cells].map(text)]));
            }"""
        )
    for one in pair:
        _, first, second, difference, _, interval, p_holm, better = shown[one.metric]
        assert one.difference is not None
        assert float(difference) == sign * one.difference
        assert float(first) - float(second) == pytest.approx(float(difference))
        assert float(p_holm) == one.p_holm
        ends = [float(end.replace("−", "-")) for end in interval.split(" to ")]
        assert ends == pytest.approx(sorted(sign * end for end in one.ci or ()), abs=5e-4)
        titles = {row.name: row.title for row in board.measured}
        assert better == (titles[one.better] if one.better else "–")


def test_data_of_the_page(site: Path, rows: BoardRows) -> None:
    board = rows.benchmarks[0]
    found: dict[tuple[str, str], Any] = {}
    for row in board.measured:
        data = json.loads((site / "data" / "methods" / f"{row.name}.json").read_text())
        found |= {(row.name, other): lines for other, lines in data["pairs"].items()}
        assert row.result is not None
        assert data["l1"] == [gm["l1"] for gm in row.result["gms"].values()]
    assert found.keys() == board.pairs.keys()
    for pair, lines in found.items():
        for line, one in zip(lines, board.pairs[pair], strict=True):
            ends = one.ci or (None, None)
            assert line == [one.difference, *ends, one.p_value, one.p_holm, one.better]
