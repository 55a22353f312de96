"""Figures that papers report: facts from a table, never computed here."""

from __future__ import annotations

import csv
import datetime
import math
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from gmbench.board.board import BoardError
from gmbench.evaluation.metrics import BY_NAME

FIELDS = ("benchmark", "method", "title", "about", "source", "metric", "value", "std_sets", "date")


@dataclass
class Reported:
    """One method as a paper reports it.

    Attributes:
        benchmark: Name of the benchmark.
        method: Key of the method.
        title: Its display name.
        about: What it is, in a few words.
        sources: Where the figures appear, such as `Table 4`.
        date: When it was published: a year, a month (`2023-12`) or a day.
        values: Mean over the sets, by metric.
        std: Standard deviation over the sets, by metric.
    """

    benchmark: str
    method: str
    title: str
    about: str
    date: str
    sources: list[str] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    std: dict[str, float] = field(default_factory=dict)


def read_reported(path: Path) -> list[Reported]:
    """Reads the table of reported figures; a board without the table has no such figures.

    Raises:
        BoardError: The table is damaged; the message says where.
    """
    if not path.is_file():
        return []
    try:
        return _read(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BoardError(f"{path} cannot be read ({error}). Save it as CSV in UTF-8.") from error


def _read(path: Path) -> list[Reported]:
    found: dict[tuple[str, str], Reported] = {}
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    # A spreadsheet writes a byte-order mark.
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != FIELDS:
            raise BoardError(f"{path} line 1 must be: {','.join(FIELDS)}.")
        for line, row in enumerate(reader, start=2):
            key = (row["benchmark"], row["method"])
            metric = row["metric"]
            try:
                value = float(row["value"])
                std = float(row["std_sets"]) if row["std_sets"] else math.nan
                first_day(row["date"])
                if not math.isfinite(value) or metric not in BY_NAME or metric in seen[key]:
                    raise ValueError
            except (ValueError, TypeError):
                raise BoardError(
                    f"{path} line {line} is damaged: it needs a known metric that {row['method']} "
                    "does not have yet, a number and a date such as 2023, 2023-12 or 2023-12-31."
                ) from None
            seen[key].add(metric)
            one = found.setdefault(key, Reported(*key, row["title"], row["about"], row["date"]))
            if row["source"] not in one.sources:
                one.sources.append(row["source"])
            one.values[metric] = value
            if math.isfinite(std):
                one.std[metric] = std
    return list(found.values())


def first_day(date: str) -> datetime.date:
    """Returns the first day of a year, a month or a day.

    Raises:
        ValueError: The date is none of these.
    """
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", date):
        raise ValueError(date)
    return datetime.date.fromisoformat(date + "-01-01"[len(date) - 4 :])
