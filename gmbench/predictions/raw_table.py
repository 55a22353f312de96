"""The columns of a prediction file before they are converted to numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from gmbench.schema import NAMES

COLUMNS: tuple[str, ...] = ("image_id", *NAMES)
OPTIONAL_COLUMNS: tuple[str, ...] = ("set",)
KEYS = ("image_id", "set")
"""The columns that say what a row is about; the others hold the predictions."""


def row_number(row: int) -> str:
    """Returns the location of a row in a table without lines: `row 17` for row index 16."""
    return f"row {row + 1}"


@dataclass
class RawTable:
    """The columns of a prediction file, not yet converted to numbers.

    Attributes:
        columns: The known columns, by name. Text if the file is CSV.
        n_rows: Number of rows.
        is_text: Whether the cells are text that still has to be read.
        place: Returns the location of a row, for messages: `line 17` or `row 16`.
    """

    columns: dict[str, pa.Array]
    n_rows: int
    is_text: bool
    place: Callable[[int], str] = field(default=row_number)


def plain_cells(column: pa.ChunkedArray) -> pa.Array:
    """Returns a column in one piece, and in one of the few types that the checks know.

    The same text may be string, large_string, string_view or a dictionary of one of them, depending
    on whether it comes from pandas, polars, DuckDB or Arrow: it becomes string or a dictionary of
    strings. A dictionary of anything else is decoded.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        value_kind = kind.value_type
        if is_text_type(value_kind) and not pa.types.is_string_view(value_kind):
            return column.combine_chunks()
        column = pa.chunked_array([one.dictionary_decode() for one in column.chunks], value_kind)
        kind = value_kind
    if is_text_type(kind) and not pa.types.is_string(kind):
        column = pc.cast(column, pa.string())
    return column.combine_chunks()


def is_text_type(kind: pa.DataType) -> bool:
    """Returns whether a column of this type holds text."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
