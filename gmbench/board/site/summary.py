"""A board summarised in words: who leads, by how much over labels alone, and apart from whom."""

from __future__ import annotations

from gmbench.board.columns import COLUMN
from gmbench.board.pairs import winner
from gmbench.board.rows import BenchmarkBoard, in_order
from gmbench.board.site.floors import Floors
from gmbench.evaluation.comparison import COMPARED
from gmbench.pages.drawing.numbers import score

SPOKEN_OF: tuple[str, ...] = ("skill", "l1", "arch_f1", "loss_f1")
"""Metrics that have a sentence."""


def summary_of(board: BenchmarkBoard, floors: Floors) -> tuple[tuple[str, str], ...]:
    """Returns the title of each metric and the sentence about it."""
    return tuple((COLUMN[key].title, _sentence(board, key, floors)) for key in SPOKEN_OF)


def _sentence(board: BenchmarkBoard, key: str, floors: Floors) -> str:
    column, floor = COLUMN[key], floors.summary[key]
    first, *others = in_order(board.measured, key, descending=column.better == "higher")
    value = first.cells[key].value
    if not isinstance(value, float) or floor is None:
        return "Nobody has a value."
    side = "below" if column.better == "lower" else "above"
    gain = floor - value if column.better == "lower" else value - floor
    lead = f"{first.title} leads with {score(value).text}"
    if gain > 0.0005:
        lead += f", {score(gain).text} {side} what labels alone reach"
    else:
        lead += ", no better than labels alone"
    number = [metric.name for metric in COMPARED].index(key)
    alike = [one.title for one in others if not winner(board.pairs, first.name, one.name, number)]
    if not others:
        return f"{lead}."
    if not alike:
        return f"{lead}, ahead of all others."
    rest = alike[0] if len(alike) == 1 else f"{len(alike)} others"
    return f"{lead}; not told apart from {rest}."
