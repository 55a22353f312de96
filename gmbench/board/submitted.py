"""Submissions already on the board, read for a comparison and not scored."""

from __future__ import annotations

import json

from gmbench.benchmark.benchmark import Benchmark
from gmbench.board.board import CARD, PREDICTIONS, RESULTS, Board, files_of, find_benchmark
from gmbench.board.submission_card import Card, read_card
from gmbench.board.submittable import read_submitted
from gmbench.board.traces import Trace, trace_of
from gmbench.errors import GmbenchError
from gmbench.predictions.checks import Checklist
from gmbench.predictions.predictions import Predictions


def submitted_card(board: Board, name: str) -> Card | None:
    """Returns the card of a submission; None if it has no sound one, which `verify` reports."""
    try:
        files, _ = files_of(board.submission(name))
        return read_card(files[CARD]) if CARD in files else None
    except GmbenchError:
        return None


def submitted_predictions(board: Board, name: str) -> Predictions | None:
    """Returns what a submission predicts; None if it is not sound, which `verify` reports."""
    card = submitted_card(board, name)
    if card is None:
        return None
    try:
        files, _ = files_of(board.submission(name))
        benchmark = find_benchmark(board, card.benchmark, card.version, card.sets)
        if PREDICTIONS not in files:
            return None
        return read_submitted(files[PREDICTIONS], benchmark, Checklist(name))
    except GmbenchError:
        return None


def submitted_trace(board: Board, name: str) -> tuple[Benchmark, Trace] | None:
    """Returns the benchmark and the trace of a submission; None if it is not sound."""
    predictions = submitted_predictions(board, name)
    return None if predictions is None else (predictions.benchmark, trace_of(predictions))


def claimed_hash(board: Board, name: str) -> str:
    """Returns the hash that a submission's result gives for its predictions; empty without one.

    This is quick, and enough to find an equal one immediately; `verify` trusts no result.
    """
    try:
        files, _ = files_of(board.submission(name))
        data = json.loads(files[RESULTS].read_bytes())
        return str(data["manifest"]["predictions_sha256"])
    except (GmbenchError, KeyError, TypeError, ValueError, RecursionError, OSError):
        return ""
