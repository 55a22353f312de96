"""Submissions of one method trained from several seeds: one row, with its spread.

Each seed is a separate submission, verified like any other; its card names the first one
(`seed_of`). The row is the mean over the seeds, so that nobody gains by choosing the best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gmbench.board.scoring import Score
from gmbench.board.submission_card import Card
from gmbench.evaluation.comparison import Half
from gmbench.evaluation.intervals import Resampled


@dataclass(frozen=True, slots=True)
class Seed:
    """One seed of a method: its submission's card, result and, if known, prediction file."""

    card: Card
    result: dict[str, Any]
    file: Path | None


def seed_fault(card: Card, first: Card | None) -> str:
    """Returns why a submission is not another seed of the one its card names; empty if it is.

    Args:
        card: A card with `seed_of`.
        first: The card of the submission that it names; None if there is none.
    """
    if first is None or first.name == card.name:
        return f"{card.seed_of} is no other submission of this board"
    if first.seed_of is not None:
        return f"{first.name} is a seed of {first.seed_of} itself; name that"
    same = {
        "benchmark": (card.predicted, first.predicted),
        "authors": (card.authors, first.authors),
        "training data": (card.training_data, first.training_data),
    }
    differ = [what for what, (mine, other) in same.items() if mine != other]
    return f"{first.name} has another {' and '.join(differ)}" if differ else ""


def first_of(card: Card) -> str:
    """Returns the name of the submission whose row a submission belongs to."""
    return card.seed_of or card.name


def averaged(scores: Sequence[Score]) -> Score:
    """Returns the score of a method's first seed, with the mean over all seeds for comparisons.

    Args:
        scores: Scores of the seeds, the first seed first; a single one is returned unchanged.
    """
    first = scores[0]
    if len(scores) == 1:
        return first
    parts = {
        name: [_mean([one.half.parts[name][number] for one in scores]) for number in range(len(of))]
        for name, of in first.half.parts.items()
    }
    hashes = [one.result["manifest"]["predictions_sha256"] for one in scores]
    manifest = {**first.result["manifest"], "seeds": hashes}
    return replace(first, half=Half(parts), result={**first.result, "manifest": manifest})


def _mean(parts: Sequence[Resampled]) -> Resampled:
    """Returns the mean over seeds of a figure of one set, replicate by replicate."""
    return replace(
        parts[0],
        value=np.mean([one.value for one in parts], axis=0),
        replicates=np.mean([one.replicates for one in parts], axis=0),
        left_out=np.mean([one.left_out for one in parts], axis=0),
    )


def grouped(cards: Mapping[str, Card]) -> dict[str, list[str]]:
    """Returns the names of each row's seeds, the first seed first, by the name of the first.

    Args:
        cards: The cards of sound submissions, by name. Seeds whose first is missing are in no
            group.
    """
    groups = {name: [name] for name, card in cards.items() if card.seed_of is None}
    for name in sorted(cards):
        if cards[name].seed_of in groups:
            groups[str(cards[name].seed_of)].append(name)
    return groups
