"""Ranks as ranges: no order is claimed where a paired test on the same GMs finds none.

All methods of a board are scored on the same GMs, so most of what makes one figure uncertain makes
the other uncertain in the same way. Whether two intervals overlap therefore says little; the
paired test of the two (`gmbench.board.pairs`) says what can be said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rank:
    """The range from the best to the worst place that a method can have.

    Attributes:
        best: The best place.
        worst: The worst.
        tier: Number of its tier, starting at 1.
    """

    best: int
    worst: int
    tier: int = 1

    def __str__(self) -> str:
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


def paired_ranks(
    values: Mapping[str, float | None],
    apart: Collection[frozenset[str]],
    *,
    lower_is_better: bool,
) -> dict[str, Rank | None]:
    """Ranks methods by one metric.

    A method's range goes from the best to the worst place, by value, among itself and all methods
    from which it is not told apart. A tier begins with the best method not yet in a tier and
    includes those behind it, up to but not including the first that is told apart from it.

    Args:
        values: The metric of each method, by its name; None if undefined.
        apart: The pairs of methods that a test tells apart.
        lower_is_better: Whether lower values are better.

    Returns:
        The range of each method; None if its value is undefined.
    """
    known = {name: value for name, value in values.items() if value is not None}
    order = sorted(known, key=lambda name: known[name], reverse=not lower_is_better)
    place = {name: number for number, name in enumerate(order, start=1)}
    ranks: dict[str, Rank | None] = dict.fromkeys(values)
    first, tier = "", 0
    for name in order:
        if not first or frozenset((first, name)) in apart:
            first, tier = name, tier + 1
        alike = [place[other] for other in order if frozenset((name, other)) not in apart]
        ranks[name] = Rank(min(alike), max(alike), tier)
    return ranks
