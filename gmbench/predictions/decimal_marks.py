"""Decimal commas: read if another character separates cells, refused where that would be a guess.

`0,5` is a half if semicolons or tabs separate cells. Between commas it is two cells, or one in
quotes that no other program agrees on; and `3,500` may be 3500 in a file from another country.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from gmbench.predictions.checks import MOST_SHOWN, Checklist
from gmbench.predictions.raw_table import KEYS, RawTable
from gmbench.wording import plural

_DECIMAL_COMMA = r"^(\s*[+-]?\d*),(\d+([eE][+-]?\d+)?\s*)$"
_THOUSANDS = r"^\s*[+-]?[1-9]\d{0,2}(,\d{3})+\s*$"
_POINT = r"^\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*$"


def settle_decimal_marks(
    raw: RawTable, separator: str, checklist: Checklist, *, quoted: bool
) -> None:
    """Replaces every decimal comma with a point, and checks whether that is right.

    Args:
        raw: The table, of text; changed in place. Cells that are not numbers stay as they are.
        separator: The separator between cells.
        checklist: Receives the check `decimal_marks`.
        quoted: Whether the text has quotes; without them no cell contains the separator.
    """
    cells = {name: column for name, column in raw.columns.items() if name not in KEYS}
    found: dict[str, pa.Array] = {}
    if quoted or separator != ",":
        found = {
            name: _matches(column, _DECIMAL_COMMA)
            for name, column in cells.items()
            if _has_comma(column)
        }
        found = {name: one for name, one in found.items() if pc.any(one).as_py()}
    if not found:
        checklist.passed("decimal_marks", "points")
        return
    for name in found:
        raw.columns[name] = pc.replace_substring_regex(cells[name], _DECIMAL_COMMA, r"\1.\2")
    n_commas = sum(pc.sum(one).as_py() for one in found.values())
    has = plural(n_commas, "number has", "numbers have")
    if separator == ",":
        message = f"{has} a decimal comma in a file whose separator is a comma."
    elif any(pc.any(_matches(column, _POINT)).as_py() for column in cells.values()):
        message = f"{has} a decimal comma, others in the same file have a point."
    elif n_commas == sum(
        pc.sum(_matches(pc.filter(cells[name], one), _THOUSANDS)).as_py()
        for name, one in found.items()
    ):
        message = f"{has} a comma that may separate thousands, or be a decimal comma."
    else:
        checklist.noted("decimal_marks", f"{has} a decimal comma")
        return
    checklist.failed(
        "decimal_marks",
        message,
        "write every decimal with a point, 0.5, and thousands without a mark, 3500.",
        _examples(raw, cells, found),
        n_commas,
    )


def refuse_commas_between_commas(n_rows: int, checklist: Checklist) -> None:
    """Reports that decimal commas split the numbers of a file whose separator is the comma.

    Args:
        n_rows: Number of rows with more cells than the header.
        checklist: Receives the check `decimal_marks`.
    """
    checklist.failed(
        "decimal_marks",
        f"{plural(n_rows, 'row has', 'rows have')} more cells than the header: do commas stand for "
        "decimals as well as between cells?",
        "write decimals with a point, 0.5 (decimal='.'), or separate cells with semicolons.",
    )


def _has_comma(cells: pa.Array) -> bool:
    """Searches all text of a column at once: searching cell by cell takes forty times as long."""
    characters = cells.buffers()[2]
    return characters is not None and b"," in characters.to_pybytes()


def _matches(cells: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(cells, pattern)


def _examples(raw: RawTable, cells: dict[str, pa.Array], found: dict[str, pa.Array]) -> list[str]:
    """Describes the first numbers with a comma, row by row."""
    names = list(cells)
    first = sorted(
        (row, names.index(name))
        for name, one in found.items()
        for row in pc.indices_nonzero(one)[:MOST_SHOWN].to_pylist()
    )
    image_ids = raw.columns["image_id"]
    return [
        f"{raw.place(row)} ({image_ids[row].as_py()}): {name} is {cells[name][row].as_py()!r}"
        for row, name in ((row, names[column]) for row, column in first[:MOST_SHOWN])
    ]
