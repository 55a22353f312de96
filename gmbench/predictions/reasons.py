"""The column `reason` in the output of `gmbench parse --out`: why an image could not be parsed."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from gmbench.predictions.checks import MOST_SHOWN, Checklist
from gmbench.predictions.raw_table import is_text_type, plain_cells
from gmbench.wording import plural

REASON = "reason"
"""Empty in the rows of images that could be parsed; in other rows, all predicted values are."""


def without_reasons(
    table: pa.Table, checklist: Checklist, place: Callable[[int], str]
) -> pa.Table | None:
    """Leaves the column out if it is empty in every row.

    Args:
        table: All columns.
        checklist: Receives a note if the column was left out, or a failure if rows have a reason.
        place: Returns the location of a row, for messages.

    Returns:
        The table without the column, or None if an image could not be parsed.
    """
    where = [number for number, name in enumerate(table.column_names) if name == REASON]
    if len(where) != 1:  # Repeated columns are reported together with all others.
        return table
    cells = plain_cells(table.column(where[0]))
    rows = pc.indices_nonzero(_is_told(cells)).to_pylist()
    if not rows:
        checklist.noted("reason_column", f"column {REASON!r} is empty in every row: left out")
        return table.remove_column(where[0])
    checklist.failed(
        "reason_column",
        f"{plural(len(rows), 'image')} of {table.num_rows:,} could not be parsed.",
        "mend or replace these images and parse them again with another --out; or leave their "
        "rows out and score what there is with --partial.",
        [_line(table, cells, row, place) for row in rows[:MOST_SHOWN]],
        len(rows),
        fatal=True,
    )
    return None


def _is_told(cells: pa.Array) -> pa.Array:
    """Returns which cells are not empty."""
    kind = cells.type
    if is_text_type(kind):
        if pa.types.is_dictionary(kind):
            cells = cells.dictionary_decode()
        told = pc.not_equal(pc.utf8_trim_whitespace(cells), "")
    elif pa.types.is_floating(kind):
        told = pc.invert(pc.is_nan(cells))  # What pandas makes of an empty column.
    else:
        told = cells.is_valid()
    return pc.fill_null(told, False)


def _line(table: pa.Table, cells: pa.Array, row: int, place: Callable[[int], str]) -> str:
    named = "image_id" in table.column_names
    image = f" ({table.column('image_id')[row].as_py()})" if named else ""
    return f"{place(row)}{image}: {cells[row].as_py()}"
