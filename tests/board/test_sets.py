"""Submissions over other sets than a benchmark's own: a table of their own, from card to page."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.benchmark import benchmark as benchmark_module
from gmbench.benchmark.benchmark import Benchmark, benchmark_files, load_benchmark
from gmbench.benchmark.cross_validation import with_sets
from gmbench.board.board import Board, BoardError
from gmbench.board.pull_request import open_pull_request
from gmbench.board.rows import read_rows
from gmbench.board.site.building import render_site
from gmbench.board.submission import Submission, submit
from gmbench.board.submission_card import read_card
from gmbench.board.table import leaderboard
from gmbench.board.verification import verify
from gmbench.errors import BenchmarkError, HubError
from gmbench.predictions.writing import write_predictions
from tests.board.boards import benchmark_folder, digest, facts, submit_random, tiny_benchmark
from tests.commands import data, gmbench
from tests.evaluation.populations import random_predictions

CARD = ("--name", "mine", "--authors", "A. Author", "--url", "https://example.org",
        "--training-data", "benchmark", "--date", "2026-01-02")  # fmt: skip


def folds(benchmark: Benchmark | None = None) -> Benchmark:
    return with_sets(benchmark or tiny_benchmark(), "cv10")


def submit_folds(board: Board, name: str, seed: int = 1, **more: str) -> Submission:
    return submit(random_predictions(folds(), seed), facts(name, **more), board=board)


@pytest.fixture(scope="module")
def pristine(few_replicates: None, tmp_path_factory: pytest.TempPathFactory) -> Board:
    """One submission over the benchmark's own sets, two over ten folds; one title stands twice."""
    here = tmp_path_factory.mktemp("folds")
    board = Board(here / "leaderboard")
    submit_random(board, here, "own", 1, title="Same")
    submit_folds(board, "folds", 1, title="Same")
    submit_folds(board, "folds-2", 2)
    return board


@pytest.fixture
def board(pristine: Board, tmp_path: Path) -> Board:
    return Board(Path(shutil.copytree(pristine.folder, tmp_path / "leaderboard")))


def test_what_is_written(pristine: Board) -> None:
    card = read_card(pristine.submission("folds") / "card.yaml")
    assert (card.benchmark, card.sets, card.predicted) == ("tiny", "cv10", "tiny-cv10")
    assert read_card(pristine.submission("own") / "card.yaml").sets is None
    assert {path.name for path in pristine.benchmarks.iterdir()} == {"tiny", "tiny-cv10"}
    result = json.loads((pristine.submission("folds") / "results.json").read_text())
    assert (result["benchmark"], len(result["sets"]), result["n_gms"]) == ("tiny-cv10", 10, 116)
    assert verify(pristine, jobs=1).ok


def test_tables_do_not_mix(pristine: Board) -> None:
    rows = read_rows(pristine, jobs=1)
    found = {one.name: [row.name for row in one.measured] for one in rows.benchmarks}
    assert found.keys() == {"tiny", "tiny-cv10"}
    assert (found["tiny"], set(found["tiny-cv10"])) == (["own"], {"folds", "folds-2"})
    assert [len(one.pairs) for one in rows.benchmarks] == [0, 1]
    files = render_site(rows)
    page = files["index.html"].decode()
    assert 'id="b-tiny-cv10"' in page
    assert "10 test sets of 10 to 14 unseen GMs, 348 test images: every GM is tested once" in page
    assert len(json.loads(files["data/tiny-cv10.json"])["gms"]) == 116
    assert set(leaderboard("tiny-cv10", pristine.folder)["name"]) == {"folds", "folds-2"}
    assert set(leaderboard("tiny", pristine.folder)["name"]) == {"own"}


def test_a_named_benchmark_comes_first_with_its_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark_module, "IMAGES_PER_GM", 2)
    red116 = load_benchmark("red116")
    board = Board(tmp_path)
    submit(random_predictions(folds(), 1), facts("tiny"), board=board)
    submit(random_predictions(folds(red116), 1), facts("folds"), board=board)
    submit(random_predictions(red116, 1), facts("own"), board=board)
    assert [path.name for path in board.benchmarks.iterdir()] == ["tiny-cv10"]
    names = [one.name for one in read_rows(board, jobs=1).benchmarks]
    assert names == ["red116", "red116-cv10", "tiny-cv10"]


def test_a_name_alone_does_not_make_other_sets(tmp_path: Path) -> None:
    board = Board(tmp_path)
    own = replace(tiny_benchmark(), name="tiny-cv10")
    made = submit(random_predictions(own, 1), facts("own"), board=board)
    assert (made.card.benchmark, made.card.sets) == ("tiny-cv10", None)
    assert verify(board, jobs=1).ok
    with pytest.raises(BenchmarkError, match="Give one of the two benchmarks another name"):
        submit_folds(board, "folds")
    with pytest.raises(BoardError, match="is the name of a known benchmark"):
        submit(
            random_predictions(replace(own, name="red116-dm", version="2023.1"), 1),
            facts("x"),
            board=board,
        )


def test_the_papers_further_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets that share GMs among them, so that a file says for each row which set it is of."""
    monkeypatch.setattr(benchmark_module, "IMAGES_PER_GM", 2)
    board = Board(tmp_path)
    for name, base, sets in (("a", "red116", "content"), ("b", "tiny", "coordinated_attack")):
        benchmark = with_sets(replace(load_benchmark("red116"), name=base), sets)
        made = submit(random_predictions(benchmark, 1), facts(name), board=board)
        assert (made.card.benchmark, made.card.sets) == (base, sets)
    with_own_sets = load_benchmark("red116-dm")
    made = submit(random_predictions(with_own_sets, 1), facts("c"), board=board)
    assert (made.card.benchmark, made.card.sets) == ("red116-dm", None)
    assert verify(board, jobs=1).ok
    assert [path.name for path in board.benchmarks.iterdir()] == ["tiny-coordinated_attack"]
    names = [one.name for one in read_rows(board, jobs=1).benchmarks]
    assert names == ["red116-content", "red116-dm", "tiny-coordinated_attack"]


def test_folds_follow_from_the_labels_in_any_order(tmp_path: Path) -> None:
    tiny = tiny_benchmark()
    turned = replace(tiny, gms=tiny.gms[::-1], n_images=tiny.n_images[::-1])
    board = Board(tmp_path)
    submit(random_predictions(folds(turned), 1), facts("mine"), board=board)
    assert verify(board, jobs=1).ok
    submit(random_predictions(folds(turned), 2), facts("other"), board=board)
    assert verify(board, jobs=1).ok


def spoil(case: str, board: Board) -> None:
    card = board.submission("folds") / "card.yaml"
    text = card.read_text()
    if case.startswith("no sets"):
        card.write_text(text.replace("sets: cv10\n", ""))
    if case == "no sets, no such benchmark":
        shutil.rmtree(board.benchmarks / "tiny")
        shutil.rmtree(board.submission("own"))
    if case == "other sets":
        card.write_text(text.replace("cv10", "cv5"))
    if case == "sets in the name":
        card.write_text(text.replace("benchmark: tiny", "benchmark: tiny-cv10"))
    if case == "sets too much":
        own = board.submission("own") / "card.yaml"
        own.write_text(own.read_text() + "sets: cv10\n")
    if case == "labels gone":
        shutil.rmtree(board.benchmarks / "tiny-cv10")
    if case == "other folds":
        table = board.benchmarks / "tiny-cv10" / "gms.csv"
        table.write_text(table.read_text().replace("fold_02", "fold_01", 1))


@pytest.mark.parametrize(
    "case",
    [
        "no sets", "no sets, no such benchmark", "other sets", "sets in the name", "sets too much",
        "labels gone", "other folds",
    ],
)  # fmt: skip
def test_cards_that_say_other_sets(
    case: str, board: Board, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    spoil(case, board)
    made = verify(board, jobs=1)
    texts = [one.checklist.text(all_checks=False) for one in made.submissions if not one.ok]
    assert texts
    assert "\n".join(texts).replace(str(tmp_path), "HERE") == snapshot


def test_refusals(board: Board) -> None:
    before = digest(board.folder)
    own = replace(tiny_benchmark(), name="tiny-cv10")
    newer = replace(folds(), version="2")
    for other in (own, newer):
        with pytest.raises(BoardError, match=r"holds tiny-cv10 1 .* of tiny-cv10"):
            submit(random_predictions(other, 1), facts("x"), board=board)
    with pytest.raises(BoardError, match="on the board of tiny-cv10 with the title 'Same'"):
        submit_folds(board, "x", 3, title="same")
    folder = board.submission("folds")
    card, result = (
        read_card(folder / "card.yaml"),
        json.loads((folder / "results.json").read_text()),
    )
    with pytest.raises(HubError, match="compares scores over its own sets"):
        open_pull_request("user/model", "org/data", card, result)
    assert digest(board.folder) == before


def test_commands(tmp_path: Path) -> None:
    benchmark_folder(tmp_path / "tiny")
    write_predictions(random_predictions(folds(), 1), tmp_path / "mine.parquet")
    lacking = gmbench("submit", "mine.parquet", "-b", "tiny", *CARD, cwd=tmp_path, check=False)
    assert lacking.returncode == 1
    assert "is in no test set; --sets cv10 tests every GM" in lacking.stderr
    made = data("submit", "mine.parquet", "-b", "tiny", "--sets", "cv10", *CARD, cwd=tmp_path)
    assert made["benchmark"] == "tiny-cv10"
    assert gmbench("leaderboard", "verify", cwd=tmp_path).returncode == 0
    assert data("leaderboard", "build", cwd=tmp_path)["benchmarks"] == {"tiny-cv10": [1, 0]}


def test_labels_in_a_folder_are_read_as_they_are_written(tmp_path: Path) -> None:
    """The folder that a board keeps is a benchmark like another, but for the order in its folds."""
    for name, text in benchmark_files(folds()).items():
        (tmp_path / name).write_text(text)
    kept = load_benchmark(tmp_path)
    assert kept.name == "tiny-cv10"
    assert {name: set(test) for name, test in kept.sets.items()} == {
        name: set(test) for name, test in folds().sets.items()
    }
