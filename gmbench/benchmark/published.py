"""What the paper reports: the cells of its Tables 4 to 12."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from gmbench.benchmark.catalog import TABLES


@dataclass(frozen=True, slots=True)
class PaperCell:
    """One figure of the paper.

    Attributes:
        value: The figure.
        std_sets: Standard deviation over the sets; None where the paper gives none.
        std_images: The same over the images.
    """

    value: float
    std_sets: float | None
    std_images: float | None


@cache
def paper_cells(table: str) -> dict[tuple[str, str], PaperCell]:
    """Returns the cells of a table of the paper, by row and metric (tables/paper_results.csv).

    Args:
        table: Its number, such as `4`. Table 7 also has the rows of Tables 4 and 5 that it repeats.
    """
    with (TABLES / "paper_results.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["row"], row["metric"]): PaperCell(
                float(row["value"]), _number(row["std_sets"]), _number(row["std_images"])
            )
            for row in csv.DictReader(file)
            if row["table"] == table
        }


def paper_row(
    cells: Mapping[tuple[str, str], PaperCell], row: str, metrics: Iterable[str]
) -> dict[str, PaperCell]:
    """Returns those of the given metrics that the paper reports for a row."""
    return {metric: cells[row, metric] for metric in metrics if (row, metric) in cells}


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
