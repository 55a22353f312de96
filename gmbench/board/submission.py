"""Submitting: writes predictions and their card to the board as one folder, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.cross_validation import base_and_sets
from gmbench.board.board import (
    CARD,
    PREDICTIONS,
    RESULTS,
    Board,
    BoardError,
    benchmark_texts,
)
from gmbench.board.folders import folders_in_place
from gmbench.board.free_names import require_free
from gmbench.board.reported import read_reported
from gmbench.board.rounds import require_revealed
from gmbench.board.safe_yaml import CardError
from gmbench.board.scoring import score
from gmbench.board.seeds import first_of, seed_fault
from gmbench.board.submission_card import COUNTED, PREDICTED, Card, card_from, card_text
from gmbench.board.submittable import read_submitted
from gmbench.board.submitted import claimed_hash, submitted_card
from gmbench.board.title_form import title_form
from gmbench.errors import PredictionError
from gmbench.files import json_text, write_durably
from gmbench.predictions.checks import Checklist
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.writing import write_predictions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission made by `gmbench submit`.

    Attributes:
        card: Its card.
        folder: Its folder.
        files: All files written, including those of a benchmark new to the board.
        result: The result, as `gmbench evaluate --json` prints it.
    """

    card: Card
    folder: Path
    files: tuple[Path, ...]
    result: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Returns the submission as plain data."""
        return {
            "name": self.card.name,
            "folder": str(self.folder),
            "files": [str(path) for path in self.files],
            "benchmark": self.result["benchmark"],
            "version": self.result["version"],
            "protocol": self.result["protocol"],
            "summary": self.result["summary"],
            "manifest": self.result["manifest"],
        }


def submit(
    predictions: str | Path | pd.DataFrame | Predictions,
    facts: Mapping[str, Any],
    *,
    board: str | Path | Board = "leaderboard",
    benchmark: str | Path | Benchmark | None = None,
    replace: bool = False,
    then: Callable[[Submission], None] | None = None,
) -> Submission:
    """Checks and scores predictions, and writes them to the board with their card.

    Args:
        predictions: CSV, CSV.gz or Parquet file, DataFrame, or predictions already read; they
            must cover every test set of a benchmark.
        facts: The card's keys and values, except `benchmark`, `version` and `sets`, which follow
            from what was predicted, and `resubmitted`, which is counted.
        board: The leaderboard, or its folder.
        benchmark: What was predicted; by default inferred from the GM names. With other sets, such
            as `cv10`, the submission appears in a separate table.
        replace: Whether an existing submission of that name may be replaced.
        then: Called once all files are in place; if it raises, all changes are undone.

    Raises:
        CardError: The facts do not form a valid card.
        PredictionError: A check failed, or the predictions are the labels.
        BoardError: The name or title is taken, another submission has the same predictions,
            `seed_of` names no first seed, other seeds of it would be none of the new card, or the
            board has another benchmark or a round of that name.
        UnknownNameError: There is no such benchmark.
        WriteError: A file cannot be written.

    Examples:
        >>> from datetime import date
        >>> import gmbench
        >>> predictions = gmbench.run_baseline("mean_mode")
        >>> facts = {
        ...     "name": "mine", "title": "Mine", "authors": ["A. Author"],
        ...     "date": date(2026, 1, 2), "url": "https://example.org",
        ...     "training_data": "benchmark",
        ... }
        >>> made = gmbench.submit(predictions, facts, board="my-board")
        >>> sorted(path.name for path in made.folder.iterdir())
        ['card.yaml', 'predictions.parquet', 'results.json']
    """
    board = board if isinstance(board, Board) else Board(Path(board))
    # Errors that can be found without reading the predictions are reported first.
    told = [key for key in PREDICTED if key in facts]
    if told:
        raise CardError(
            f"The card gives {' and '.join(told)}, which the predictions tell. Leave that out, and "
            "name with benchmark= what was predicted."
        )
    if COUNTED in facts:
        raise CardError(f"The card gives {COUNTED}, which is counted here. Leave that out.")
    card_from({"benchmark": "any", "version": "any", **facts}, "The card")
    require_free(board, str(facts["name"]), replace=replace)
    read = _read(predictions, benchmark)
    known = read.benchmark
    name, sets = base_and_sets(known)
    require_revealed(board, name)
    old = submitted_card(board, str(facts["name"]))
    counted = {} if old is None else {COUNTED: old.resubmitted + 1}
    card = card_from(
        {**facts, "benchmark": name, "version": known.version, "sets": sets, **counted}, "The card"
    )
    _require_seed(board, card)
    if old is not None:
        _require_kept_seeds(board, card)
    _require_own_title(board, card)
    texts = benchmark_texts(board, known)
    _require_own_predictions(board, card.name, read)
    result = score(read).result
    # The file's name on the submitter's disk means nothing to others.
    result["manifest"]["predictions"] = PREDICTIONS
    folder = board.submission(card.name)
    contents: dict[Path, dict[str, Callable[[Path], object]]] = {}
    for path, text in texts.items():
        contents.setdefault(path.parent, {})[path.name] = partial(_write, text)
    contents[folder] = {
        CARD: partial(_write, card_text(card)),
        PREDICTIONS: partial(write_predictions, read),
        RESULTS: partial(_write, json_text(result)),
    }
    files = tuple(place / name for place, names in contents.items() for name in names)
    made = Submission(card, folder, files, result)
    with folders_in_place(contents):
        if then is not None:
            then(made)
    return made


def _write(text: str, path: Path) -> None:
    write_durably(path, text)


def _read(
    predictions: str | Path | pd.DataFrame | Predictions, benchmark: str | Path | Benchmark | None
) -> Predictions:
    if isinstance(predictions, str | Path):
        said = str(predictions)
    else:
        said = predictions.source if isinstance(predictions, Predictions) else "The table"
    checklist = Checklist(said)
    read = read_submitted(predictions, benchmark, checklist)
    if read is None:
        listed = checklist.text(all_checks=False)
        raise PredictionError(f"{said} cannot be submitted.\n{listed}")
    return read


def _require_seed(board: Board, card: Card) -> None:
    """Refuses a card that is not another seed of the submission that it names."""
    if card.seed_of is not None:
        fault = seed_fault(card, submitted_card(board, card.seed_of))
        if fault:
            raise BoardError(
                f"{card.name} is no other seed of {card.seed_of}: {fault}. Give --seed-of the "
                "method's first submission, with the same authors and training data."
            )


def _require_kept_seeds(board: Board, card: Card) -> None:
    """Refuses a card in place of a method's first seed of which the others would be no seeds."""
    for name in board.names():
        other = submitted_card(board, name)
        if other is None or other.seed_of != card.name:
            continue
        if fault := seed_fault(other, card):
            raise BoardError(
                f"{name} is another seed of {card.name} and would be one no longer: {fault}. Keep "
                "benchmark, authors and training data, or submit under another --name."
            )


def _require_own_title(board: Board, card: Card) -> None:
    """Refuses a title that looks like another one on the same benchmark or like a paper's row."""
    form = title_form(card.title)
    for name in board.names():
        other = submitted_card(board, name)
        if other is None or name == card.name or other.predicted != card.predicted:
            continue
        if first_of(other) != first_of(card) and title_form(other.title) == form:
            raise BoardError(
                f"{name} is on the board of {card.predicted} with the title {other.title!r}. "
                "Give yours another --title."
            )
    for one in read_reported(board.reported):
        if one.benchmark == card.predicted and title_form(one.title) == form:
            raise BoardError(
                f"{one.title!r} is what a paper reports on {card.predicted}. Give your submission "
                "another --title, such as one that says who measured it."
            )


def _require_own_predictions(board: Board, name: str, predictions: Predictions) -> None:
    """Refuses predictions that another submission already has."""
    for other in board.names():
        if other != name and claimed_hash(board, other) == predictions.sha256:
            raise BoardError(
                f"{other} is on the board with the same predictions, row by row. Submit those of a "
                "method of your own, or --replace yours under its old name."
            )
