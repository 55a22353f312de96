"""Live rounds to test with: a hidden population of made-up images, and its entries."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from gmbench.benchmark.benchmark import read_benchmark
from gmbench.board.board import Board
from gmbench.board.round_secret import Seeds
from gmbench.board.rounds import Builder, drawn_order, new_round
from gmbench.board.sealing import close_round, open_entry, seal_entry
from gmbench.data.build import build_dataset
from gmbench.predictions.predictions import Predictions
from tests.board.boards import facts
from tests.data.fake_images import make_images, small_benchmark
from tests.evaluation.populations import random_predictions

SECRET = "0123456789abcdef" * 4


@pytest.fixture(scope="session")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset of a hidden population; building one takes the tests' time once."""
    benchmark = replace(small_benchmark(), name="round-1")
    here = tmp_path_factory.mktemp("hidden")
    images = make_images(here / "images", benchmark)
    return build_dataset(benchmark, images, here / "dataset", jobs=1).folder


@pytest.fixture
def build(hidden: Path) -> Builder:
    def build(seeds: Seeds, out: Path) -> None:
        shutil.copytree(hidden, out, dirs_exist_ok=True)

    return build


def begin(here: Path, build: Builder) -> Board:
    board = Board(here / "leaderboard")
    (here / "secret").write_text(SECRET)
    new_round(board, "round-1", here / "secret", here / "hidden", build, note="until May")
    return board


def entry(board: Board, here: Path, who: str, seed: int, ending: str = "parquet") -> Predictions:
    """Enters predictions of the published images, as a participant who knows no GM would."""
    made = random_predictions(replace(small_benchmark(), name="round-1"), seed)
    once = made.take(np.unique(np.array(made.image_ids), return_index=True)[1])
    order = secret_order(here)
    names = {true: f"round-1/{number:06d}" for number, true in enumerate(order)}
    frame = once.to_pandas().drop(columns="set")
    frame["image_id"] = [names[one] for one in frame["image_id"]]
    file = here / f"{who}.{ending}"
    if ending == "csv":
        # As a spreadsheet of a country with decimal commas keeps it.
        frame.to_csv(file, index=False, sep=";", decimal=",", lineterminator="\r\n")
    else:
        frame.to_parquet(file, index=False)
    sealed = seal_entry(board, "round-1", who, file, here / f"{who}.nonce")
    card = {key: value for key, value in facts(who).items() if key != "name"}
    (sealed.parent / "card.yaml").write_text(yaml.safe_dump(card))
    return once


def opened(board: Board, here: Path, *names: str) -> None:
    """Closes the round and opens entries."""
    close_round(board, "round-1")
    for who in names:
        (file,) = (one for one in here.glob(f"{who}.*") if one.suffix != ".nonce")
        open_entry(board, "round-1", who, file, here / f"{who}.nonce")


def secret_order(here: Path) -> list[str]:
    return drawn_order(read_benchmark(here / "hidden"), SECRET.encode())
