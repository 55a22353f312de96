"""Which columns of a table are predictions, and which may be left out."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gmbench.errors import nearest_names
from gmbench.predictions.checks import Checklist
from gmbench.predictions.file_signatures import TEMPLATE
from gmbench.predictions.probabilities import SEPARATOR, parameter_of, schema_columns
from gmbench.predictions.raw_table import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    RawTable,
    is_text_type,
    plain_cells,
    row_number,
)
from gmbench.predictions.reasons import without_reasons
from gmbench.schema import LOSSES
from gmbench.wording import plural

# What pandas calls an index without a name: in Parquet, and when it reads CSV back.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
_UNNAMED = re.compile(r"(Unnamed: \d+)?")

_LOSSES = {parameter.name for parameter in LOSSES}


def select_columns(
    table: pa.Table,
    checklist: Checklist,
    *,
    is_text: bool,
    place: Callable[[int], str] = row_number,
) -> RawTable | None:
    """Checks the header and keeps the known columns.

    Args:
        table: All columns.
        checklist: Receives the checks of columns and rows.
        is_text: Whether every cell is text.
        place: Returns the location of a row, for messages.

    Returns:
        The known columns, or None if one is missing or repeated, if there is no row, or if a row
        gives a reason for predicting nothing.
    """
    table = _without_empty_columns(table, checklist) if is_text else table
    table = without_reasons(_without_index(table, checklist), checklist, place)
    if table is None:
        return None
    names = [str(name) for name in table.column_names]
    repeated = sorted({name for name in names if names.count(name) > 1})
    probabilities = list(dict.fromkeys(name for name in names if parameter_of(name)))
    told = {parameter_of(name) for name in probabilities} - {*names}
    missing = [name for name in COLUMNS if name not in names and name not in told]
    extra = [name for name in names if name not in (*COLUMNS, *OPTIONAL_COLUMNS, *probabilities)]
    if missing:
        checklist.failed(
            "columns_present",
            f"{len(missing)} of {len(COLUMNS)} columns {'is' if len(missing) == 1 else 'are'} "
            "missing.",
            f"add {'it' if len(missing) == 1 else 'them'}; {TEMPLATE}",
            [f"column {name}" for name in missing],
            fatal=True,
        )
    else:
        there = "columns are there" + (", or class probabilities" if told else "")
        checklist.passed("columns_present", f"all {len(COLUMNS)} {there}")
    if extra:
        checklist.failed(
            "columns_known",
            f"{plural(len(extra), 'column is', 'columns are')} not known.",
            "leave out what is no prediction, and give the rest its right name.",
            [f"column {name!r}{_hint(name, missing, names[0])}" for name in extra],
        )
    else:
        checklist.passed("columns_known", "no other column is there")
    if repeated:
        checklist.failed(
            "columns_unique",
            f"{plural(len(repeated), 'column stands', 'columns stand')} there more than once.",
            "keep one of each.",
            [f"column {name}: {names.count(name)} times" for name in repeated],
            fatal=True,
        )
    else:
        checklist.passed("columns_unique", "no column is repeated")
    if missing or repeated:
        return None
    known = [name for name in (*OPTIONAL_COLUMNS, *COLUMNS, *probabilities) if name in names]
    raw = RawTable(
        columns={name: plain_cells(table.column(names.index(name))) for name in known},
        n_rows=table.num_rows,
        is_text=is_text,
        place=place,
    )
    if raw.n_rows == 0:
        checklist.failed(
            "rows",
            "there is a header but no row.",
            f"write one row an image; {TEMPLATE}",
            fatal=True,
        )
        return None
    return raw


def _without_empty_columns(table: pa.Table, checklist: Checklist) -> pa.Table:
    """Leaves out the empty last columns that a separator at the end of every line makes."""
    kept = table.num_columns
    while kept > 1 and table.column_names[kept - 1] == "" and _is_empty(table.column(kept - 1)):
        kept -= 1
    n_empty = table.num_columns - kept
    if n_empty:
        checklist.noted(
            "empty_columns",
            f"every line ends with {plural(n_empty, 'separator')} too many: left out",
        )
    return table.select(range(kept))


def _is_empty(cells: pa.ChunkedArray) -> bool:
    return pc.any(pc.not_equal(pc.utf8_trim_whitespace(cells), "")).as_py() is not True


def _without_index(table: pa.Table, checklist: Checklist) -> pa.Table:
    """Leaves out the index of a DataFrame if it was written as a column."""
    names = [str(name) for name in table.column_names]
    index = [place for place, name in enumerate(names) if _PANDAS_INDEX.fullmatch(name)]
    if not index and names and _UNNAMED.fullmatch(names[0]) and _counts_rows(table.column(0)):
        index = [0]
    if not index:
        return table
    listed = ", ".join(repr(names[place]) for place in index)
    columns = "columns" if len(index) > 1 else "column"
    checklist.noted("index_column", f"{columns} {listed}: a DataFrame's index, left out")
    return table.select([place for place in range(table.num_columns) if place not in index])


def _counts_rows(cells: pa.ChunkedArray) -> bool:
    """Returns whether a column holds 0 to n - 1, each once, in any order (of a shuffled frame)."""
    if not (is_text_type(cells.type) or pa.types.is_integer(cells.type)):
        return False
    try:
        numbers = pc.cast(plain_cells(cells), pa.int64()).drop_null().to_numpy()
    except pa.ArrowInvalid:
        return False
    return np.array_equal(np.sort(numbers), np.arange(len(cells)))


def _hint(name: str, missing: list[str], first: str) -> str:
    """Suggests what an unknown column may be: a missing one misspelt, an index, a slip."""
    if _UNNAMED.fullmatch(name):
        if name == first:
            return ": the index of a DataFrame? It counts no rows. Write the file with index=False."
        return ": is there a separator too many in each line?"
    if name.partition(SEPARATOR)[0] in _LOSSES:
        return ": the score of a loss is its probability, and needs no other column."
    nearest = nearest_names(name, schema_columns() if SEPARATOR in name else missing, most=1)
    return f": is it {nearest[0]}?" if nearest else ""
