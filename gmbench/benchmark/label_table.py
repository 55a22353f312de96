"""Reads a user's own table of labels and reports precisely what is wrong with it."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gmbench.benchmark.catalog import GM, UNKNOWN, red116, row_from_gm
from gmbench.benchmark.soundness import FILE_NAME, PARTS
from gmbench.errors import BenchmarkError, nearest_names, plain_form
from gmbench.schema import KINDS, NAMES, PARAMETERS, Parameter, ParameterType

NEEDED: tuple[str, ...] = ("gm", "kind", *NAMES)
"""Required columns of a table."""

FURTHER: tuple[str, ...] = (
    "content",
    "resolution",
    "year",
    "content_confidence",
    "test_set",
    "test_sets",
    "n_images",
)
"""Optional columns; those of test sets and images are not read."""

_SHOWN = 10
"""Maximum number of faults that an error lists."""


def read_label_table(path: Path) -> tuple[GM, ...]:
    """Reads a CSV file of labels, one GM per row: counts, classes by name or index, losses 0 or 1.

    An empty cell is an unknown label, which enters no metric. At least one count, one class and one
    loss of each GM must be known.

    Args:
        path: The file; its columns may be in any order.

    Returns:
        The GMs in the file's order; `content` is `other` where the column or the cell is missing.

    Raises:
        BenchmarkError: A column is unknown, missing or duplicated, or a cell is invalid. All faults
            are collected; the first ten are listed with line and column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise BenchmarkError(f"{path} cannot be read as a table of labels: {reason}.") from error
    stripped = [[cell.strip() for cell in row] for row in rows]
    (_, header), *body = [(n, row) for n, row in enumerate(stripped, 1) if any(row)] or [(1, [])]
    faults = _column_faults(header)
    if not faults and not body:
        faults = ["It has no row. Give one a GM."]
    _refuse(path, faults)
    gms: list[GM] = []
    seen: dict[str, tuple[str, int]] = {}
    for line, cells in body:
        if len(cells) != len(header):
            faults.append(f"line {line}: {len(cells)} cells under {len(header)} columns.")
            continue
        row = dict(zip(header, cells, strict=True))
        name = row["gm"]
        other, first = seen.setdefault(plain_form(name), (name, line))
        if not name or (name == other and first != line):
            which = f"{name} stands in line {first} too" if name else "no name"
            faults.append(f"line {line}, column gm: {which}. Give every GM a name of its own.")
        elif name != other:
            faults.append(
                f"line {line}, column gm: {name} and {other} of line {first} differ by letter case "
                "or separators alone, which folders of images are not told apart by. Rename one."
            )
        elif not FILE_NAME.fullmatch(name):
            faults.append(
                f"line {line}, column gm: {name!r} can be no file's. Give letters, digits, _ - ."
            )
        wrong = _row_faults(row)
        faults += [f"line {line} ({name}), column {column}: {why}" for column, why in wrong]
        if not wrong:
            gms.append(_gm(row))
    _refuse(path, faults)
    return tuple(gms)


def example_table() -> str:
    """Returns a table of labels with one row, that of red116's DCGAN, for `read_label_table`."""
    gm = next(gm for gm in red116() if gm.name == "DCGAN")
    row = row_from_gm(replace(gm, name="MY_DCGAN"))
    for parameter in PARAMETERS:
        if parameter.classes:
            row[parameter.name] = parameter.classes[int(row[parameter.name])]
    columns = ("gm", "kind", "content", *NAMES)
    return f"{','.join(columns)}\n{','.join(row[column] for column in columns)}\n"


def _refuse(path: Path, faults: Sequence[str]) -> None:
    if faults:
        more = len(faults) - _SHOWN
        lines = [*faults[:_SHOWN], *([f"... and {more} more"] if more > 0 else [])]
        raise BenchmarkError("\n".join([f"{path} is no table of labels.", *lines]))


def _column_faults(header: Sequence[str]) -> list[str]:
    known = (*NEEDED, *FURTHER)
    faults = []
    for column in header:
        if column not in known:
            near = nearest_names(column, known)
            hint = f" Did you mean {' or '.join(near)}?" if near else " Remove it."
            faults.append(f"column {column!r} is not known.{hint}")
    faults += [
        f"column {name!r} stands there twice."
        for name in sorted(set(header))
        if name in known and header.count(name) > 1
    ]
    missing = [name for name in NEEDED if name not in header]
    if missing:
        faults.append(f"columns are missing: {', '.join(missing)}.")
    return faults


def _row_faults(row: Mapping[str, str]) -> list[tuple[str, str]]:
    """Returns the invalid columns of a row, each with what is wrong."""
    faults = []
    if row["kind"] not in KINDS:
        faults.append(("kind", f"{row['kind']!r} is no kind. There are: {', '.join(KINDS)}."))
    if row.get("year") and not re.fullmatch(r"\d{1,4}", row["year"]):
        faults.append(("year", f"{row['year']!r} is no year."))
    for parameter in PARAMETERS:
        _, why = _value(parameter, row[parameter.name])
        if why:
            faults.append((parameter.name, why))
    for what, part in PARTS.items():
        if not any(row[name] for name in NAMES[part]):
            faults.append((NAMES[part][0], f"no {what} is known. Fill one in at least."))
    return faults


def _value(parameter: Parameter, cell: str) -> tuple[float, str]:
    """Returns the value of a cell and what is wrong with it, which is empty where nothing is."""
    if not cell:
        return UNKNOWN, ""
    if cell in parameter.classes:
        return float(parameter.classes.index(cell)), ""
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    whole = value.is_integer()
    if parameter.type is ParameterType.CONTINUOUS:
        wrong = not whole or value < 0
        return value, f"{cell!r} is no count: give a whole number of 0 or more." if wrong else ""
    if parameter.type is ParameterType.LOSS:
        wrong = value not in (0, 1)
        return value, f"{cell!r} is neither 0 nor 1." if wrong else ""
    if whole and 0 <= value < len(parameter.classes):
        return value, ""
    near = nearest_names(cell, parameter.classes)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return value, f"{cell!r} is no class.{hint} There are: {parameter.values}."


def _gm(row: Mapping[str, str]) -> GM:
    return GM(
        name=row["gm"],
        kind=row["kind"],
        content=row.get("content") or "other",
        values=tuple(_value(parameter, row[parameter.name])[0] for parameter in PARAMETERS),
        resolution=row.get("resolution") or "",
        year=int(row["year"]) if row.get("year") else None,
        content_confidence=row.get("content_confidence") or "high",
    )
