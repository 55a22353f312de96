"""A folder of Parquet files as one table, as written by `gmbench parse --out`, Spark or Dask.

The bounds are those of a single file, whatever the number of parts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from gmbench.errors import first_line
from gmbench.predictions.bounds import Bounds, UnreadableError, collect
from gmbench.predictions.checks import MOST_SHOWN
from gmbench.predictions.file_signatures import TEMPLATE
from gmbench.predictions.parquet_table import read_parquet

PARTS = "parts"
"""Name of the folder of parts within the folder of a run."""

_PIECE = 1 << 20
_ONE_RUN = "keep the parts of one run in a folder, and no other file."


def parts_of(folder: Path) -> list[Path]:
    """Returns the parts in a folder, or in the folder `parts` of a run, sorted by name.

    Raises:
        UnreadableError: There are none.
    """
    place = folder / PARTS if (folder / PARTS).is_dir() else folder
    # Writers give incomplete parts names with these first characters; a pipe has no end.
    found = [
        path
        for path in place.glob("*.parquet")
        if not path.name.startswith((".", "_")) and path.is_file()
    ]
    if not found:
        raise UnreadableError(
            f"{place} is a folder without Parquet files.",
            "give the path of a CSV, CSV.gz or Parquet file, or the folder that `gmbench parse "
            f"--out` made; {TEMPLATE}",
        )
    return sorted(found)


def read_parts(folder: Path, bounds: Bounds) -> tuple[pa.Table, Callable[[int], str]]:
    """Reads all parts of a folder as one table.

    Args:
        folder: Folder of the parts, or of the run that made them.
        bounds: Limits on what is read from all of them together.

    Returns:
        The table, and a function that returns the location of one of its rows, for messages.

    Raises:
        UnreadableError: There are no parts, one cannot be read, their columns differ, or they are
            too large.
    """
    paths, rows, size = parts_of(folder), 0, 0
    tables: list[pa.Table] = []
    for path in paths:
        with path.open("rb") as file:
            data = collect(iter(lambda: file.read(_PIECE), b""), path, bounds, is_text=False)
        if not data.startswith(b"PAR1"):
            raise UnreadableError(f"{path} is not Parquet.", _ONE_RUN)
        table = read_parquet(data, path, bounds)
        rows, size = rows + table.num_rows, size + table.nbytes
        if rows > bounds.rows:
            raise bounds.too_many(folder, "rows", bounds.rows)
        if size > bounds.bytes:
            raise bounds.too_many(folder, "bytes", bounds.bytes)
        if tables and set(table.column_names) != set(tables[0].column_names):
            differing = sorted(set(table.column_names) ^ set(tables[0].column_names))
            shown = ", ".join(map(repr, differing[:MOST_SHOWN]))
            raise UnreadableError(
                f"{path} has other columns than {paths[0].name}: they differ in {shown}.", _ONE_RUN
            )
        tables.append(table)
    try:
        # A column that is empty in one part has a different type there.
        whole = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise UnreadableError(
            f"the parts of {folder} have columns of several types ({first_line(error)}).",
            _ONE_RUN,
        ) from error
    ends = list(accumulate(table.num_rows for table in tables))

    def place(row: int) -> str:
        part = bisect_right(ends, row)
        return f"{paths[part].name} row {row - (ends[part - 1] if part else 0) + 1}"

    return whole, place
