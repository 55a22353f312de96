"""Entries of a live round: their files, and what can be checked before labels are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.board.board import CARD, LARGEST, PREDICTIONS, Board, BoardError, is_safe
from gmbench.board.rounds import read_round, round_folder
from gmbench.board.safe_yaml import read_yaml
from gmbench.board.submission_card import PREDICTED, card_from
from gmbench.board.submittable import of_new_submission, packing_fault
from gmbench.errors import GmbenchError
from gmbench.predictions.checks import Checklist
from gmbench.predictions.predictions import validate_predictions

MOST_ENTRIES = 500


def entry_names(board: Board, name: str) -> list[str]:
    """Returns the names of a round's entries, in order.

    Raises:
        BoardError: There is no such round, or there are too many.
    """
    read_round(board, name)
    folder = round_folder(board, name) / "entries"
    names = sorted(path.name for path in folder.glob("*") if path.name[0] != ".")
    if len(names) > MOST_ENTRIES:
        raise BoardError(f"{folder} has {len(names):,} entries; at most {MOST_ENTRIES} are read.")
    return names


def entry_file(entry: Path) -> Path:
    """Returns the prediction file of an entry, which is sound enough to be opened.

    Raises:
        BoardError: There is none, more than one, a link, or it is too large.
    """
    files = [entry / name for name in (PREDICTIONS, "predictions.csv") if (entry / name).exists()]
    links = any(path.is_symlink() for path in (entry.parent, entry, entry / CARD, *files))
    if len(files) != 1 or links:
        raise BoardError(f"{entry.name} needs {CARD} and one predictions.parquet or .csv.")
    if files[0].stat().st_size > LARGEST[PREDICTIONS]:
        raise BoardError(f"{files[0].name} has {files[0].stat().st_size:,} bytes: too many.")
    if fault := packing_fault(files[0]):
        raise BoardError(f"{files[0].name} {fault}.")
    return files[0]


def entry_facts(entry: Path) -> dict[str, Any]:
    """Returns the facts of an entry's card; its name is the folder's.

    Raises:
        CardError: The card cannot be read.
    """
    facts = read_yaml(entry / CARD)
    facts |= {"name": entry.name, "title": facts.get("title", entry.name)}
    return {key: value for key, value in facts.items() if key not in PREDICTED}


def check_entry(board: Board, name: str, who: str) -> Checklist:
    """Makes the checks of an entry that need no label.

    Args:
        board: The leaderboard.
        name: Name of the round.
        who: Name of the entry.

    Raises:
        BoardError: There is no such round.
    """
    n_images = read_round(board, name)["images"]
    entry = round_folder(board, name) / "entries" / who
    checklist = Checklist(who)
    try:
        if not is_safe(who):
            raise BoardError(f"{who!r} cannot be the name of an entry.")
        file = entry_file(entry)
        card = card_from({"benchmark": name, "version": "-", **entry_facts(entry)}, CARD)
    except GmbenchError as error:
        first, *more = str(error).split("\n")
        remedy = "`gmbench submit --help` tells what a card says."
        offenders = [line.removeprefix("- ") for line in more]
        checklist.failed("entry", first, remedy, offenders, fatal=True)
        return checklist
    checklist.passed("entry", card.title)
    found = validate_predictions(file, _stand_in(name, n_images), for_submission=True).checklist
    # The stand-in has one set: that it is whole says all.
    unsaid = ("benchmark", "sets_all")
    checklist.checks += [one for one in of_new_submission(found) if one.name not in unsaid]
    return checklist


def _stand_in(name: str, n_images: int) -> Benchmark:
    """Returns a benchmark whose one test GM has all images of a round.

    Its labels are those of mini116, another population: they tell how large counts are, and
    which classes there are.
    """
    known = load_benchmark("mini116")
    return replace(
        known,
        name=name,
        version="hidden",
        gms=(*known.gms, replace(known.gms[0], name=name)),
        sets={"hidden": (name,)},
        n_images=(*(0 for _ in known.gms), n_images),
    )
