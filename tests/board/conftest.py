from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gmbench.board import pairs, scoring
from gmbench.board.board import Board
from gmbench.board.rows import BoardRows, read_rows
from gmbench.board.site.building import site_files, write_file
from gmbench.board.verification import verify
from tests.board.boards import REPLICATES, submit_random
from tests.board.live_rounds import build, hidden
from tests.board.sites import make_board
from tests.browser import one_browser

__all__ = ["build", "hidden", "one_browser"]


@pytest.fixture(scope="session")
def few_replicates() -> Iterator[None]:
    """Fewer replicates and exchanges than a real board has: tests look at what is done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "REPLICATES", REPLICATES)
        patch.setattr(pairs, "PERMUTATIONS", 200)
        yield


@pytest.fixture(autouse=True)
def _quick(few_replicates: None) -> None:
    pass


@pytest.fixture(scope="session")
def pristine_board(few_replicates: None, tmp_path_factory: pytest.TempPathFactory) -> Board:
    """A board of three submissions that tests only read."""
    here = tmp_path_factory.mktemp("pristine")
    board = Board(here / "leaderboard")
    submit_random(board, here, "alpha", 1, params=1_000_000, training_hours=2.5)
    submit_random(board, here, "beta", 2, training_data="extra", params=20_000)
    submit_random(board, here, "gamma", 3, training_data="labels", seconds_per_image=0.01)
    return board


@pytest.fixture(scope="session")
def scored(pristine_board: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scores of that board, so that tests score only what they spoil."""
    cache = tmp_path_factory.mktemp("scored")
    assert verify(pristine_board, jobs=1, cache=cache).ok
    return cache


@pytest.fixture
def board(tmp_path: Path, pristine_board: Board) -> Board:
    """A copy of the board for a test to spoil."""
    return Board(Path(shutil.copytree(pristine_board.folder, tmp_path / "leaderboard")))


@pytest.fixture(scope="session")
def site_board(few_replicates: None, tmp_path_factory: pytest.TempPathFactory) -> Board:
    """A board with everything that a page can have to show."""
    return make_board(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores and pairs of that board, made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def rows(site_board: Board, cache: Path) -> BoardRows:
    """Its rows."""
    return read_rows(site_board, jobs=1, cache=cache)


@pytest.fixture(scope="session")
def site(rows: BoardRows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its pages."""
    folder = tmp_path_factory.mktemp("pages")
    for name, content in site_files(rows).items():
        write_file(content, folder / name)
    return folder
