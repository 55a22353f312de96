"""The commands that are made to go wrong: what each begins with, and what it leaves."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gmbench.board.board import Board
from gmbench.cli import output
from gmbench.data import dataset_folder, verification
from gmbench.errors import GmbenchError
from gmbench.predictions.writing import write_predictions
from gmbench.reproduction import reproduce
from gmbench.training import shard_cache
from gmbench.zoo import engines
from tests.board.boards import REPLICATES, submit_random, tiny_benchmark
from tests.data.fake_images import make_images, small_benchmark
from tests.evaluation.populations import random_predictions
from tests.processes import one_after_the_other
from tests.training.families import CHANGES, build_families, family_benchmark

_CHANGED = tuple(f"--change={name}={json.dumps(value)}" for name, value in CHANGES.items())
_ON_FAMILIES = ("--data", "families/dataset", "--device", "cpu")
_CARD = (
    "--title", "Second", "--authors", "A. Author", "--url", "https://example.org",
    "--training-data", "benchmark", "--date", "2026-01-02",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A command.

    Attributes:
        command: Its arguments; of `call NAME` a function of this module.
        made: What it leaves, files and folders; a pattern each.
        prepare: Puts what it begins with into a folder.
        known: Files below `made` that differ from run to run, and are not looked at.
        each_alone: Whether each file may be there or not; else all are the old or all the new.
    """

    command: tuple[str, ...]
    made: tuple[str, ...]
    prepare: Callable[[Path], object]
    known: tuple[str, ...] = ()
    each_alone: bool = False

    def state(self, place: Path) -> dict[str, str]:
        """Everything that the command leaves, with the hash of its bytes.

        What begins with a dot, locks and work folders are nobody's to read.
        """
        files = sorted({f for pattern in self.made for f in place.glob(pattern) if f.is_file()})
        return {
            str(file.relative_to(place)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
            if file.name not in self.known
            and file.suffix not in (".lock", ".part")
            and not any(part.startswith(".") for part in file.relative_to(place).parts)
        }


def _families(place: Path) -> None:
    (place / "families").mkdir()
    build_families(place / "families", family_benchmark(n_images=2))
    shutil.rmtree(place / "families" / "images")


def _with_model(place: Path) -> None:
    _families(place)
    with suppress(SystemExit):  # As every command ends.
        run(("train", "full", *_ON_FAMILIES, *_CHANGED), place)
    shutil.rmtree(place / "home")
    (place / "p.csv").write_text("what was there before\n")


def _images(place: Path) -> None:
    make_images(place / "images", small_benchmark())


def _zoo_before(place: Path) -> None:
    from gmbench.zoo.build import build_zoo
    from tests.zoo.fake_kind import fake_plan

    with one_after_the_other(engines):
        build_zoo(fake_plan(n_gms=4, seed=1), place / "zoo", jobs=1)


def _board(place: Path) -> None:
    from gmbench.board.site import build_site

    board = Board(place / "leaderboard")
    for number in range(2):
        submit_random(board, place, f"method-{number}", number)
    build_site(board, jobs=1)
    write_predictions(random_predictions(tiny_benchmark(), 9), place / "second.parquet")


def _board_with_third(place: Path) -> None:
    _board(place)
    submit_random(Board(place / "leaderboard"), place, "method-2", 2)


def build_small(place: Path) -> None:
    """`gmbench data build` of six GMs, which no name stands for."""
    from gmbench.data.build import build_dataset

    build_dataset(small_benchmark(), place / "images", place / "out", jobs=1)


def build_zoo(place: Path) -> None:
    """`gmbench zoo build` of fake GMs, over a zoo that is there."""
    from gmbench.zoo.build import build_zoo as build
    from tests.zoo.fake_kind import fake_plan

    build(fake_plan(n_gms=4), place / "zoo", jobs=1, overwrite=True)


JOBS: dict[str, Job] = {
    "zoo": Job(("call", "build_zoo"), ("zoo/**/*",), _zoo_before),
    "train": Job(
        ("train", "full", *_ON_FAMILIES, *_CHANGED),
        ("runs/**/model/*",), _families,
    ),
    "predict": Job(
        ("predict", "runs/families/full/MODEL/seed_0/set_1/model", "-o", "p.csv", "--overwrite",
         *_ON_FAMILIES),
        ("p.csv",), _with_model,
    ),
    "cache": Job(
        ("predict", "runs/families/full/MODEL/seed_0/set_1/model", "-o", "p.csv", "--overwrite",
         *_ON_FAMILIES),
        ("home/pixels/**/*",), _with_model, each_alone=True,
    ),
    "submit": Job(
        ("submit", "second.parquet", "-b", "tiny", "--name", "second", *_CARD),
        ("leaderboard/submissions/**/*",), _board,
    ),
    "board": Job(
        ("leaderboard", "build", "--jobs", "1"),
        ("leaderboard/site/**/*",), _board_with_third,
    ),
    "reproduce": Job(
        ("reproduce", "table8", *_ON_FAMILIES, *_CHANGED, "--jobs", "1", "--out", "made"),
        ("made/README.md",), _families,
    ),
    "data build": Job(("call", "build_small"), ("out/**/*",), _images, (".build.json",)),
}  # fmt: skip


def run(command: tuple[str, ...], place: Path | None = None) -> None:
    """Runs a command where this process is, or in a folder, with a cache of its own."""
    import os

    import torch

    from gmbench.board import scoring
    from gmbench.cli import main

    here = place or Path.cwd()
    os.chdir(here)
    os.environ.setdefault("GMBENCH_HOME", str(here / "home"))
    torch.set_num_threads(1)
    vars(scoring)["REPLICATES"] = REPLICATES
    spreading = (dataset_folder, verification, shard_cache, reproduce, engines)
    with one_after_the_other(*spreading):
        if command[0] == "prepare":
            JOBS[command[1]].prepare(here)
            return
        if command[0] == "call":
            _call(command[1], here)
            return
        sys.argv = ["gmbench", *(_found(here, one) for one in command)]
        main()


def _call(name: str, here: Path) -> None:
    """Calls a function of this module as the command line calls one of gmbench's."""
    try:
        with output.counting(goes_on=True):
            globals()[name](here)
    except GmbenchError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)


def _found(here: Path, argument: str) -> str:
    """Fills in the name of the folder that holds a training of other settings."""
    if "/MODEL/" not in argument:
        return argument
    start, _, end = argument.partition("MODEL")
    (place,) = here.glob(f"{start}*{end}")
    return str(place.relative_to(here))
