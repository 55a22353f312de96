"""Figures that papers report: facts from a table, never computed here."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from gmbench.board.board import BoardError
from gmbench.evaluation.metrics import BY_NAME

FIELDS = ("benchmark", "method", "title", "about", "source", "metric", "value", "std_sets")


@dataclass
class Reported:
    """One method as a paper reports it.

    Attributes:
        benchmark: Name of the benchmark.
        method: Key of the method.
        title: Its name for people.
        about: What it is, in a few words.
        sources: Where the figures stand, such as `Table 4`.
        values: Mean over the sets, by metric.
        std: Standard deviation over the sets, by metric.
    """

    benchmark: str
    method: str
    title: str
    about: str
    sources: list[str] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    std: dict[str, float] = field(default_factory=dict)


def read_reported(path: Path) -> list[Reported]:
    """Reads the table of reported figures; a board without one has none.

    Raises:
        BoardError: The table is damaged; says where.
    """
    if not path.is_file():
        return []
    found: dict[tuple[str, str], Reported] = {}
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != FIELDS:
            raise BoardError(f"{path} line 1 must be: {','.join(FIELDS)}.")
        for line, row in enumerate(reader, start=2):
            key = (row["benchmark"], row["method"])
            metric = row["metric"]
            try:
                value = float(row["value"])
                std = float(row["std_sets"]) if row["std_sets"] else math.nan
                if not math.isfinite(value) or metric not in BY_NAME or metric in seen[key]:
                    raise ValueError
            except (ValueError, TypeError):
                raise BoardError(
                    f"{path} line {line} is damaged: it needs a known metric that {row['method']} "
                    "does not have yet, and a number."
                ) from None
            seen[key].add(metric)
            one = found.setdefault(key, Reported(*key, row["title"], row["about"]))
            if row["source"] not in one.sources:
                one.sources.append(row["source"])
            one.values[metric] = value
            if math.isfinite(std):
                one.std[metric] = std
    return list(found.values())
