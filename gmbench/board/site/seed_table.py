"""The seeds of a method side by side, for its page."""

from __future__ import annotations

from dataclasses import dataclass

from gmbench.board.columns import COLUMN
from gmbench.board.rows import Row
from gmbench.pages.drawing.numbers import Figure, score

SHOWN: tuple[str, ...] = ("skill", "l1", "arch_f1", "loss_f1")
"""Metrics for which each seed's figure is shown."""


@dataclass(frozen=True, slots=True)
class SeedTable:
    """A method's figures seed by seed.

    Attributes:
        titles: Headings of the metrics.
        rows: Name of each seed's submission with its figures.
        mean: The means over the seeds, as on the board.
        spread: Their standard deviations.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Figure, ...]], ...]
    mean: tuple[Figure, ...]
    spread: tuple[Figure, ...]


def seed_table(row: Row) -> SeedTable | None:
    """Returns the seeds of a method; None if it has only one."""
    if len(row.seeds) < 2:
        return None
    means = (row.cells[key].value for key in SHOWN)
    return SeedTable(
        titles=tuple(COLUMN[key].title for key in SHOWN),
        rows=tuple(
            (one.card.name, tuple(score(one.result["summary"][key]["mean"]) for key in SHOWN))
            for one in row.seeds
        ),
        mean=tuple(score(mean if isinstance(mean, float) else None) for mean in means),
        spread=tuple(score(row.cells[key].spread) for key in SHOWN),
    )
