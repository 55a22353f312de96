"""From the bytes of a Parquet file to a table, without using more memory than is allowed.

A few kilobytes of Parquet can stand for terabytes: one long text of a dictionary in a million rows,
or a page of zeros. So the size that the file declares is checked first; then each column is read by
itself, so few rows at a time that they fit whatever they contain.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gmbench.predictions.bounds import Bounds, UnreadableError
from gmbench.predictions.parquet_pages import unpacked_size
from gmbench.predictions.raw_table import is_text_type

_MOST_COLUMNS = 1_000
_LARGEST_FOOTER = 2**24
_ANY_LENGTH = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
"""Types whose values may be as long as a column's whole content."""

_MOST_ROWS = 2**16
"""Most rows read at a time, as for values of eight bytes."""


def read_parquet(data: bytes, path: Path, bounds: Bounds) -> pa.Table:
    """Reads all columns.

    Args:
        data: The file.
        path: The file's path, for messages.
        bounds: Limits on what is read.

    Raises:
        UnreadableError: The file is damaged or too large, a column name occurs twice, or a column
            holds lists or tables.
    """
    if data.endswith(b"PAR1") and int.from_bytes(data[-8:-4], "little") > _LARGEST_FOOTER:
        raise bounds.too_many(path, "bytes of metadata", _LARGEST_FOOTER)
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            _check_announced(file.metadata, data, path, bounds)
            _check_names(file, path)
            table = _read(file, path, bounds)
        table.validate(full=True)  # Only this finds text that is not UTF-8.
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n")[0]
        raise UnreadableError(f"{path} begins like Parquet but is damaged ({reason}).") from error
    return table


def _check_announced(facts: pq.FileMetaData, data: bytes, path: Path, bounds: Bounds) -> None:
    """Refuses what is too large by its own account: the file's metadata or its page headers."""
    groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
    for what, count, most in (
        ("columns", facts.num_columns, _MOST_COLUMNS),
        ("rows", facts.num_rows, bounds.rows),
        ("bytes", sum(group.total_byte_size for group in groups), bounds.bytes),
    ):
        if count > most:
            raise bounds.too_many(path, what, most)
    room = bounds.bytes
    for group in groups:
        for column in map(group.column, range(group.num_columns)):
            start = min(column.dictionary_page_offset or sys.maxsize, column.data_page_offset)
            room -= unpacked_size(data, start, start + column.total_compressed_size, room)
            if room < 0:
                raise bounds.too_many(path, "bytes", bounds.bytes)


def _check_names(file: pq.ParquetFile, path: Path) -> None:
    names = file.schema_arrow.names
    for number, name in enumerate(names):
        if name in names[:number]:
            raise UnreadableError(f"{path} has the column {name} twice.", "keep one of each.")
        if file.schema.column(number).path != name:  # The parts of a list or table have names.
            raise UnreadableError(
                f"{path}: column {name} is {file.schema_arrow.field(number).type}.",
                "keep columns of numbers and text alone.",
            )


def _read(file: pq.ParquetFile, path: Path, bounds: Bounds) -> pa.Table:
    room, columns = bounds.bytes, []
    for number, field in enumerate(file.schema_arrow):
        batches = []
        at_once = _rows_at_once(file.metadata, number, bounds)
        for batch in file.iter_batches(at_once, columns=[field.name]):
            room -= _content(batch.column(0))
            if room < 0:
                raise bounds.too_many(path, "bytes", bounds.bytes)
            batches.append(batch.column(0))
        columns.append(pa.chunked_array(batches, field.type))
    return pa.Table.from_arrays(columns, file.schema_arrow.names)


def _rows_at_once(facts: pq.FileMetaData, column: int, bounds: Bounds) -> int:
    """Returns how many rows of a column to read at a time so that they fit in any case."""
    chunks = [facts.row_group(number).column(column) for number in range(facts.num_row_groups)]
    if not any(chunk.physical_type in _ANY_LENGTH for chunk in chunks):
        return _MOST_ROWS
    longest = int(max(chunk.total_uncompressed_size for chunk in chunks))
    return min(_MOST_ROWS, max(1, bounds.bytes // max(1, longest)))


def _content(cells: pa.Array) -> int:
    """Returns the bytes of a column, counting a dictionary's texts once for each row."""
    if not (pa.types.is_dictionary(cells.type) and is_text_type(cells.type)):
        return int(cells.nbytes)
    lengths = pc.binary_length(pc.cast(cells.dictionary, pa.large_string()))
    return int(cells.nbytes) + int(pc.sum(pc.take(lengths, cells.indices)).as_py() or 0)
