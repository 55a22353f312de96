"""The published generative models (GMs) and their labels, with a note for every doubtful cell.

The tables are in `gmbench/tables/`: `red116.csv` (116 GMs), `diffusion7.csv` (the paper's seven
diffusion models), `diffusion24.csv` (those of the follow-up) and `notes.csv`. Labels come in two
releases: `2023`, the arrays that the paper's authors published, which the benchmark uses; and
`2024`, the listing of the follow-up, which differs in 27 cells of 19 GMs.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gmbench.errors import UnknownNameError
from gmbench.schema import NAMES

TABLES = Path(__file__).parent.parent / "tables"

UNKNOWN = math.nan
"""The value of an unknown label; an empty cell in tables."""

LABEL_RELEASES: tuple[str, ...] = ("2023", "2024")


@dataclass(frozen=True, slots=True)
class GM:
    """A generative model and what is known about it.

    Attributes:
        name: Canonical name, such as `STYLEGAN_2`.
        kind: `GAN`, `VAE`, `AR` (auto-regressive), `AA` (adversarial attack), `NF` (normalizing
            flow) or `DM` (diffusion model).
        content: What its images show, such as `faces`.
        values: The 25 label values in the schema's order: counts in natural units, class
            indices, 0 or 1; `UNKNOWN` where unknown.
        resolution: Image size as published, such as `64x64`; empty where unknown.
        year: Year of publication; None where unknown.
        content_confidence: `high`, `medium` or `low`.
    """

    name: str
    kind: str
    content: str
    values: tuple[float, ...]
    resolution: str = ""
    year: int | None = None
    content_confidence: str = "high"

    def row(self, width: int = len(NAMES)) -> tuple[float | None, ...]:
        """Returns the first `width` values, None where unknown: equal rows then compare equal."""
        return tuple(None if math.isnan(value) else value for value in self.values[:width])


@dataclass(frozen=True, slots=True)
class Note:
    """What is doubtful about one cell of the labels, or (GM `*`) about one whole column.

    Attributes:
        gm: Name of the GM, or `*` for all.
        parameter: Name of the parameter, or `kind` or `content`.
        value_2024: The value in the 2024 listing where that differs; None otherwise.
        note: One sentence for people.
    """

    gm: str
    parameter: str
    value_2024: float | None
    note: str


def red116(labels: str = "2023") -> tuple[GM, ...]:
    """Returns the 116 GMs of the paper in alphabetical order.

    Raises:
        UnknownNameError: `labels` is neither `2023` nor `2024`.
    """
    if labels not in LABEL_RELEASES:
        raise UnknownNameError("Label release", labels, LABEL_RELEASES, "Take 2023 or 2024.")
    gms = _read_gms(TABLES / "red116.csv")
    if labels == "2023":
        return gms
    changed = {(n.gm, n.parameter): n.value_2024 for n in notes() if n.value_2024 is not None}
    return tuple(
        GM(
            name=gm.name,
            kind=gm.kind,
            content=gm.content,
            values=tuple(
                changed.get((gm.name, name), value)
                for name, value in zip(NAMES, gm.values, strict=True)
            ),
            resolution=gm.resolution,
            year=gm.year,
            content_confidence=gm.content_confidence,
        )
        for gm in gms
    )


def diffusion7() -> tuple[GM, ...]:
    """Returns the paper's seven diffusion models, `DM_1` to `DM_7`."""
    return _read_gms(TABLES / "diffusion7.csv")


def diffusion24() -> tuple[GM, ...]:
    """Returns the 24 diffusion models of the follow-up, whose numbers of filters are unknown."""
    return _read_gms(TABLES / "diffusion24.csv")


def is_published(gm: GM) -> bool:
    """Returns whether a GM is a published one: name, kind and labels match, in either release."""
    return (gm.name, gm.kind, gm.row()) in _published()


@cache
def _published() -> frozenset[tuple[str, str, tuple[float | None, ...]]]:
    gms = (*red116("2023"), *red116("2024"), *diffusion7(), *diffusion24())
    return frozenset((gm.name, gm.kind, gm.row()) for gm in gms)


@cache
def notes() -> tuple[Note, ...]:
    """Returns the notes on doubtful cells, in the order of `tables/notes.csv`."""
    with (TABLES / "notes.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Note(
                gm=row["gm"],
                parameter=row["parameter"],
                value_2024=float(row["value_2024"]) if row["value_2024"] else None,
                note=row["note"],
            )
            for row in csv.DictReader(file)
        )


@cache
def _read_gms(path: Path) -> tuple[GM, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(gm_from_row(row) for row in csv.DictReader(file))


def gm_from_row(row: dict[str, str]) -> GM:
    """Makes a GM from one row of a label table.

    Args:
        row: Cells by column name; `resolution`, `year` and `content_confidence` may be missing. An
            empty label is unknown.

    Raises:
        KeyError: A required column is missing.
        ValueError: A label is not a number.
    """
    return GM(
        name=row["gm"],
        kind=row["kind"],
        content=row["content"],
        values=tuple(_label(row[name]) for name in NAMES),
        resolution=row.get("resolution") or "",
        year=int(row["year"]) if row.get("year") else None,
        content_confidence=row.get("content_confidence") or "high",
    )


def _label(cell: str) -> float:
    if cell == "":  # None, in a row that is cut short, is no label.
        return UNKNOWN
    value = float(cell)
    if math.isnan(value):
        raise ValueError(f"{cell!r} is no label")
    return value


def row_from_gm(gm: GM) -> dict[str, str]:
    """Returns the row of a label table that `gm_from_row` reads back as the same GM."""
    return {
        "gm": gm.name,
        "kind": gm.kind,
        "content": gm.content,
        "resolution": gm.resolution,
        "year": "" if gm.year is None else str(gm.year),
        "content_confidence": gm.content_confidence,
        **{
            name: "" if math.isnan(value) else f"{value:.15g}"
            for name, value in zip(NAMES, gm.values, strict=True)
        },
    }


def names(gms: Iterable[GM]) -> tuple[str, ...]:
    """Returns the names of some GMs, in the same order."""
    return tuple(gm.name for gm in gms)
