"""Ranks as ranges: no order is claimed where intervals overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gmbench.evaluation.intervals import Interval


@dataclass(frozen=True, slots=True)
class Rank:
    """From the best to the worst place that a method can have."""

    best: int
    worst: int

    def __str__(self) -> str:
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


def rank_ranges(
    values: Sequence[float | None], intervals: Sequence[Interval | None], *, lower_is_better: bool
) -> list[Rank | None]:
    """Ranks methods by one metric.

    A method is surely better than another where its whole interval is. It ranks behind all that
    are surely better and before all that are surely worse. Of a value without an interval nothing
    is sure.

    Args:
        values: The metric of each method; None where it is not defined.
        intervals: Its interval.
        lower_is_better: Which way is better.

    Returns:
        The range of each method; None where its value is not defined.
    """
    ends: list[Interval | None] = []
    for value, interval in zip(values, intervals, strict=True):
        if value is None:
            ends.append(None)
            continue
        low, high = interval or (-math.inf, math.inf)
        ends.append((low, high) if lower_is_better else (-high, -low))
    known = [pair for pair in ends if pair is not None]
    ranks: list[Rank | None] = []
    for pair in ends:
        if pair is None:
            ranks.append(None)
            continue
        better = sum(high < pair[0] for _, high in known)
        worse = sum(low > pair[1] for low, _ in known)
        ranks.append(Rank(1 + better, len(known) - worse))
    return ranks
