"""Entries of a live round: their files, and the checks possible before labels are known."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.board.board import CARD, LARGEST, PREDICTIONS, Board, BoardError
from gmbench.board.free_names import require_free
from gmbench.board.rounds import CLOSED, REVEALED, read_round, round_folder
from gmbench.board.safe_yaml import MOST_BYTES, parse_yaml, read_yaml
from gmbench.board.sealing import (
    NONCE,
    PREDICTION_FILES,
    SEALED,
    entry_folder,
    read_sealed,
    require_in_time,
    require_opened,
)
from gmbench.board.seeds import first_of
from gmbench.board.submission_card import COUNTED, PREDICTED, Card, card_from
from gmbench.board.submittable import check_size, of_submission
from gmbench.board.title_form import title_form
from gmbench.errors import GmbenchError
from gmbench.predictions.checks import Checklist
from gmbench.predictions.predictions import validate_predictions

MOST_ENTRIES = 500

_FILES = (CARD, SEALED, NONCE, *PREDICTION_FILES)


def entry_names(board: Board, name: str) -> list[str]:
    """Returns the sorted names of a round's entries.

    Raises:
        BoardError: There is no such round, or it has too many entries.
    """
    read_round(board, name)
    folder = round_folder(board, name) / "entries"
    names = sorted(path.name for path in folder.glob("*") if path.name[0] != ".")
    if len(names) > MOST_ENTRIES:
        raise BoardError(f"{folder} has {len(names):,} entries; at most {MOST_ENTRIES} are read.")
    return names


def prediction_files(entry: Path) -> list[Path]:
    """Returns the prediction files of an entry: none before it is opened."""
    return [entry / name for name in PREDICTION_FILES if (entry / name).exists()]


def has_links(entry: Path) -> bool:
    """Returns whether an entry links to files that are not its own."""
    return any(
        path.is_symlink() for path in (entry.parent, entry, *(entry / one for one in _FILES))
    )


def entry_file(entry: Path) -> Path:
    """Returns the prediction file of an entry if it is sound enough to be opened.

    Raises:
        BoardError: There is no prediction file or more than one, a link, or the file is too large.
    """
    files = prediction_files(entry)
    if len(files) != 1 or has_links(entry):
        raise BoardError(f"{entry.name} needs {CARD} and one predictions.parquet or .csv.")
    if files[0].stat().st_size > LARGEST[PREDICTIONS]:
        raise BoardError(f"{files[0].name} has {files[0].stat().st_size:,} bytes: too many.")
    return files[0]


def entry_facts(entry: Path) -> dict[str, Any]:
    """Returns the facts of an entry's card, with the folder's name as its name.

    Raises:
        CardError: The card cannot be read.
    """
    facts = read_yaml(entry / CARD)
    facts |= {"name": entry.name, "title": facts.get("title", entry.name)}
    return {key: value for key, value in facts.items() if key not in (*PREDICTED, COUNTED)}


def check_entry(board: Board, name: str, who: str) -> Checklist:
    """Runs the checks of an entry that need no labels.

    While the round accepts entries, an entry is a card and a hash. Once it is closed, the hash must
    be the one from the deadline, and a prediction file must be the one that was sealed.

    Args:
        board: The leaderboard.
        name: Name of the round.
        who: Name of the entry.

    Raises:
        BoardError: There is no such round.
    """
    folder = round_folder(board, name)
    read_round(board, name)
    closed = (folder / CLOSED).exists()
    checklist = Checklist(who)
    try:
        entry = entry_folder(board, name, who)
        if has_links(entry):
            raise BoardError(f"{who} is a link or holds one: its files must be its own.")
        card = card_from({"benchmark": name, "version": "-", **entry_facts(entry)}, CARD)
        if not (folder / REVEALED).exists():
            require_free(board, who, entry=entry)
        sealed = read_sealed(entry)
        files = prediction_files(entry)
        strange = sorted(path.name for path in entry.iterdir() if path.name not in _FILES)
        if strange:
            raise BoardError(f"{who} holds {strange[0]!r}, which does not belong there.")
        if closed:
            require_in_time(board, name, who, sealed)
            if not files and (entry / NONCE).exists():
                raise BoardError(f"{who} holds {NONCE}, but not the predictions that it opens.")
        elif files or (entry / NONCE).exists():
            raise BoardError(
                f"{who} is open before the deadline, and anyone can copy it. Keep {SEALED} and "
                f"{CARD} alone, and put nonce and predictions there once the round is closed."
            )
        if files:
            require_opened(board, name, who, entry_file(entry))
    except GmbenchError as error:
        first, *more = str(error).split("\n")
        remedy = "docs/leaderboard.md, Live rounds, tells what an entry holds."
        offenders = [line.removeprefix("- ") for line in more]
        checklist.failed("entry", first, remedy, offenders, fatal=True)
        return checklist
    same = [other for other in _sealed_like(folder, sealed) if other != who]
    if same and not closed:  # Later its owner is known: only one of them can be opened.
        checklist.failed(
            "sealed",
            f"{' and '.join(same)} has the same hash: one of them is a copy that nobody can open.",
            "seal your own file under your own name.",
        )
        return checklist
    titled = [] if closed else _titled_like(folder, card)
    if titled:
        checklist.failed(
            "entry",
            f"{' and '.join(titled)} has a title like it: one of the two could not be scored.",
            "give yours another `title`; seeds of one method name its first in `seed_of`.",
        )
        return checklist
    checklist.passed("entry", card.title)
    if files:
        checklist.checks += check_predictions(board, name, files[0]).checks
    else:
        checklist.passed("sealed", f"hash {sealed[:16]}; the predictions are not open yet")
    return checklist


def check_predictions(board: Board, name: str, file: Path) -> Checklist:
    """Runs the checks of a prediction file that need no labels, sealed or not.

    Raises:
        BoardError: There is no such round.
    """
    stand_in = _stand_in(name, read_round(board, name)["images"])
    made = Checklist(str(file))
    if not check_size(file, made):
        return made
    found = validate_predictions(file, stand_in, for_submission=True).checklist
    # The stand-in has a single set: the check that it is complete says all.
    unsaid = ("benchmark", "sets_all")
    made.checks += [one for one in of_submission(found) if one.name not in unsaid]
    return made


def _sealed_like(folder: Path, sealed: str) -> list[str]:
    """Returns the names of the entries with a given hash."""
    found = []
    for entry in sorted((folder / "entries").glob("*")):
        try:
            if read_sealed(entry) == sealed:
                found.append(entry.name)
        except BoardError:
            continue  # It has no sound hash; its own check reports it.
    return found


def _titled_like(folder: Path, card: Card) -> list[str]:
    """Returns the names of the entries of other methods whose titles look like that of a card."""
    found = []
    for entry in sorted((folder / "entries").glob("*")):
        file = entry / CARD
        try:
            text = file.read_text("utf-8") if file.stat().st_size <= MOST_BYTES else ""
            form, first = _title_and_first(entry.name, text)
        except (OSError, ValueError, GmbenchError):
            continue  # It has no sound card; its own check reports it.
        if form == title_form(card.title) and first != first_of(card):
            found.append(entry.name)
    return found


@lru_cache(maxsize=2 * MOST_ENTRIES)  # Each card is compared with those of all other entries.
def _title_and_first(who: str, card: str) -> tuple[str, str]:
    facts = parse_yaml(card, CARD)
    return title_form(str(facts.get("title", who))), str(facts.get("seed_of") or who)


def _stand_in(name: str, n_images: int) -> Benchmark:
    """Returns a benchmark whose only test GM has all images of a round.

    Its labels are those of mini116, another population: they show how large counts are and which
    classes exist.
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
