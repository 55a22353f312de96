"""From a prediction file, or a DataFrame in its place, to a table of columns.

There is a check for each thing that can be wrong with the file itself: its kind, compression,
encoding, separators, rows and header. CSV cells stay text here; `gmbench.predictions.columns`
converts them to numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from gmbench.predictions.bounds import Bounds, UnreadableError, collect
from gmbench.predictions.checks import Checklist
from gmbench.predictions.csv_table import read_csv
from gmbench.predictions.file_signatures import note_kind
from gmbench.predictions.header import select_columns
from gmbench.predictions.parquet_table import read_parquet
from gmbench.predictions.parts import read_parts
from gmbench.predictions.raw_table import RawTable
from gmbench.predictions.unpacking import SIGN, unpacked
from gmbench.wording import plural

if TYPE_CHECKING:
    import pandas as pd

_PIECE = 1 << 20
"""Bytes read at a time."""

_NO_COLUMN = (pa.ArrowException, OverflowError, TypeError)
"""What Arrow raises for a pandas column that it has no type for, such as a sparse one."""


def read_table(path: Path, checklist: Checklist, bounds: Bounds) -> RawTable | None:
    """Reads a CSV, CSV.gz or Parquet file; its kind is inferred from its bytes, not its name.

    Args:
        path: The file, or a folder of Parquet files that form one table.
        checklist: Receives one check for each aspect examined.
        bounds: Limits on what is read.

    Returns:
        The table, or None if there is none; the last check says why.
    """
    try:
        if path.is_dir():
            return _read_folder(path, checklist, bounds)
        with path.open("rb") as file:
            return _read_open(file, path, checklist, bounds)
    except UnreadableError as error:
        checklist.failed("file", str(error), error.remedy, fatal=True)
    except OSError as error:
        reason = "is not there" if isinstance(error, FileNotFoundError) else f"({error.strerror})"
        checklist.failed(
            "file",
            f"{path} {reason}." if reason[0] != "(" else f"{path} cannot be read {reason}.",
            "give the path of a CSV, CSV.gz or Parquet file, or of a folder of Parquet files.",
            fatal=True,
        )
    return None


def _read_folder(path: Path, checklist: Checklist, bounds: Bounds) -> RawTable | None:
    table, place = read_parts(path, bounds)
    checklist.passed("file", f"{path}: folder of Parquet files, {plural(table.num_rows, 'row')}")
    return select_columns(table, checklist, is_text=False, place=place)


def _read_open(file: BinaryIO, path: Path, checklist: Checklist, bounds: Bounds) -> RawTable | None:
    start = file.read(4)  # No seek back: the file may be a pipe.
    is_parquet = start == b"PAR1"
    if start.startswith(SIGN):
        pieces: Iterator[bytes] = unpacked(file, path, start)
    else:
        pieces = chain([start], iter(lambda: file.read(_PIECE), b""))
    data = collect(pieces, path, bounds, is_text=not is_parquet)
    if not is_parquet:
        return read_csv(data, path, checklist, bounds)
    table = read_parquet(data, path, bounds)
    found = f"{path}: Parquet, {plural(table.num_rows, 'row')}"
    note_kind(found, path, (".parquet", ".pq"), checklist)
    return select_columns(table, checklist, is_text=False)


def table_from_frame(frame: pd.DataFrame, checklist: Checklist) -> RawTable | None:
    """Makes a table from a pandas DataFrame; an `image_id` index counts as a column."""
    if not hasattr(frame, "columns") or not hasattr(frame, "index"):
        checklist.failed(
            "file",
            f"{checklist.source}: an object of type {type(frame).__name__} is none.",
            "give a path, a DataFrame or Predictions.",
            fatal=True,
        )
        return None
    if not frame.columns.is_unique:
        repeated = frame.columns[frame.columns.duplicated()]
        checklist.failed(
            "columns_unique",
            f"{plural(len(set(repeated)), 'column is', 'columns are')} there more than once.",
            "keep one of each.",
            [f"column {name}" for name in dict.fromkeys(repeated)],
            fatal=True,
        )
        return None
    if frame.index.name == "image_id" and "image_id" not in frame.columns:
        frame = frame.reset_index()
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except _NO_COLUMN:
        mixed = [f"column {name}" for name in frame.columns if not _has_one_type(frame[name])]
        checklist.failed(
            "file",
            f"{plural(len(mixed), 'column mixes', 'columns mix')} types, or cannot be read.",
            "give each column one type, such as float.",
            mixed,
            fatal=True,
        )
        return None
    checklist.passed("file", f"{checklist.source}: DataFrame, {plural(table.num_rows, 'row')}")
    return select_columns(table, checklist, is_text=False)


def _has_one_type(column: pd.Series) -> bool:
    try:
        pa.Table.from_pandas(column.to_frame(), preserve_index=False)
    except _NO_COLUMN:
        return False
    return True
