"""A submission's recipe trained again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gmbench.board.board import Board, BoardError
from gmbench.board.rerunning import rerun
from gmbench.errors import UnknownNameError
from gmbench.predictions.reference import mean_mode
from tests.board.boards import submit_random, tiny_benchmark
from tests.commands import gmbench


@pytest.fixture(scope="module")
def with_recipes(few_replicates: None, tmp_path_factory: pytest.TempPathFactory) -> Board:
    """One submission that its recipe makes, one that it does not, and one without any."""
    here = tmp_path_factory.mktemp("recipes")
    board = Board(here / "leaderboard")
    constant = mean_mode(tiny_benchmark())
    submit_random(board, here, "true", 0, predictions=constant, recipe="mean_mode")
    commit = "0123abc"
    submit_random(board, here, "false", 1, recipe="mean_mode", recipe_commit=commit)
    submit_random(board, here, "silent", 2)
    submit_random(board, here, "unknown", 3, recipe="mean_mod")
    return board


def test_a_recipe_makes_its_predictions_again(with_recipes: Board) -> None:
    made = rerun(with_recipes, "true")
    assert (made.ok, made.same, made.alike, made.recipe) == (True, True, 1.0, "mean_mode")
    assert all(one.submitted == pytest.approx(one.rerun) for one in made.metrics)


def test_a_recipe_that_makes_others(with_recipes: Board) -> None:
    made = rerun(with_recipes, "false")
    assert (made.ok, made.same, made.commit) == (False, False, "0123abc")
    assert made.alike < 0.5
    assert not made.to_dict()["ok"]


def test_refusals(with_recipes: Board) -> None:
    with pytest.raises(BoardError, match="names no recipe"):
        rerun(with_recipes, "silent")
    with pytest.raises(UnknownNameError, match="mean_mode"):
        rerun(with_recipes, "unknown")
    with pytest.raises(UnknownNameError):
        rerun(with_recipes, "nobody")


def test_command(with_recipes: Board, tmp_path: Path) -> None:
    place = ("--board", str(with_recipes.folder))
    done = gmbench("leaderboard", "rerun", "true", *place, cwd=tmp_path)
    assert "trained again gives the same predictions" in done.stdout
    done = gmbench("leaderboard", "rerun", "false", *place, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "failed  l1" in done.stdout
    assert "commit 0123abc" in done.stderr
