"""From the bytes of a prediction file to a table of columns.

There is a check for each thing that can be wrong with the file itself: its kind, compression,
encoding, separators, rows and header. CSV cells stay text here; `gmbench.predictions.columns`
makes numbers of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from gmbench.errors import nearest_names
from gmbench.predictions.checks import Checklist, plural
from gmbench.schema import NAMES

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 2_000_000_000
"""Largest file, and largest unpacked content, that is read; 48,000 rows of CSV have 6 MB."""

COLUMNS: tuple[str, ...] = ("image_id", *NAMES)
OPTIONAL_COLUMNS: tuple[str, ...] = ("set",)

_TEMPLATE = "`gmbench template` writes a valid file to start from."

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet"),
    (b"%PDF", "a PDF document"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x04", "a Python pickle"),
    (b"ARROW1", "an Arrow file"),
    (b"<!DOCTYPE", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"{", "JSON"),
    (b"[", "JSON"),
)


@dataclass
class RawTable:
    """The columns of a prediction file, not yet numbers.

    Attributes:
        columns: By name, the known ones alone. Text where the file is CSV.
        n_rows: Number of rows.
        is_text: Whether the cells are text that still has to be read.
        place: Returns where a row stands, for messages: `line 17` or `row 16`.
    """

    columns: dict[str, pa.Array]
    n_rows: int
    is_text: bool
    place: Callable[[int], str] = field(default=lambda row: f"row {row + 1}")


def read_table(path: Path, checklist: Checklist) -> RawTable | None:
    """Reads a CSV, CSV.gz or Parquet file; the kind is told from the bytes, not from the name.

    Args:
        path: The file.
        checklist: Receives one check for each thing looked at.

    Returns:
        The table, or None where the last check says why there is none.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            _not_readable(checklist, f"{path} has more than {MOST_BYTES / 1e9:.0f} GB.")
            return None
        data = path.read_bytes()
    except OSError as error:
        reason = "is not there" if isinstance(error, FileNotFoundError) else f"({error.strerror})"
        checklist.failed(
            "file",
            f"{path} {reason}." if reason[0] != "(" else f"{path} cannot be read {reason}.",
            "give the path of a CSV, CSV.gz or Parquet file.",
            fatal=True,
        )
        return None
    if data[:4] == b"PAR1":
        return _read_parquet(data, path, checklist)
    unpacked = _unpack(data, path, checklist) if data[:2] == b"\x1f\x8b" else data
    return None if unpacked is None else _read_csv(unpacked, path, checklist)


def table_from_frame(frame: pd.DataFrame, checklist: Checklist) -> RawTable | None:
    """Takes a pandas DataFrame in place of a file; an `image_id` index counts as a column."""
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
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        mixed = [f"column {name}" for name in frame.columns if not _has_one_type(frame[name])]
        checklist.failed(
            "file",
            f"{plural(len(mixed), 'column mixes', 'columns mix')} types.",
            "give each column one type, such as float.",
            mixed,
            fatal=True,
        )
        return None
    checklist.passed("file", f"{checklist.source}: DataFrame, {plural(table.num_rows, 'row')}")
    return _select_columns(table, checklist, is_text=False)


def _has_one_type(column: pd.Series) -> bool:
    try:
        pa.Array.from_pandas(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return False
    return True


def _not_readable(checklist: Checklist, message: str) -> None:
    checklist.failed(
        "file", message, f"write predictions as CSV or Parquet; {_TEMPLATE}", fatal=True
    )


def _unpack(data: bytes, path: Path, checklist: Checklist) -> bytes | None:
    """Unpacks gzip, whole and within the size limit, or says what is wrong."""
    again = "compress the CSV again, or give it as it is."
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(data, MOST_BYTES)
    except zlib.error as error:
        checklist.failed("file", f"{path}: the gzip data are damaged ({error}).", again, fatal=True)
        return None
    if unpacker.unconsumed_tail:
        _not_readable(checklist, f"{path} unpacks to more than {MOST_BYTES / 1e9:.0f} GB.")
        return None
    if not unpacker.eof:
        checklist.failed(
            "file",
            f"{path}: the gzip data are cut short after {plural(len(unpacked), 'byte')}.",
            again,
            fatal=True,
        )
        return None
    return unpacked


def _read_parquet(data: bytes, path: Path, checklist: Checklist) -> RawTable | None:
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n")[0]
        _not_readable(checklist, f"{path} begins like Parquet but is damaged ({reason}).")
        return None
    checklist.passed("file", f"{path}: Parquet, {plural(table.num_rows, 'row')}")
    return _select_columns(table, checklist, is_text=False)


def _read_csv(data: bytes, path: Path, checklist: Checklist) -> RawTable | None:
    import pyarrow.csv as pv

    if not data.strip():
        _not_readable(checklist, f"{path} is empty.")
        return None
    looks_like = next((what for sign, what in _SIGNATURES if data.startswith(sign)), "")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        looks_like = "UTF-16 text"
    if looks_like or b"\0" in data[:4096]:
        _not_readable(checklist, f"{path} is not CSV: it looks like {looks_like or 'binary data'}.")
        return None

    data, bom = data.removeprefix(b"\xef\xbb\xbf"), data.startswith(b"\xef\xbb\xbf")
    n_returns = data.count(b"\r")
    if n_returns:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    header = data[: data.find(b"\n")] if b"\n" in data else data
    separator = max((b",", b";", b"\t"), key=header.count).decode()
    if separator.encode() not in header:
        _not_readable(checklist, f"{path} is not CSV: its first line has no comma.")
        return None

    checklist.passed("file", f"{path}: CSV")
    if not _check_text(data, bom, n_returns, separator, checklist):
        return None
    bad_rows: list[tuple[int, int]] = []

    def skip(row: pv.InvalidRow) -> str:
        bad_rows.append((row.number, row.actual_columns))
        return "skip"

    names = [name.strip().strip('"') for name in header.decode().split(separator)]
    columns = [str(column) for column in range(len(names))]
    try:
        table = pv.read_csv(
            pa.BufferReader(data),
            # One thread, so that a row with too few cells knows its number.
            read_options=pv.ReadOptions(column_names=columns, skip_rows=1, use_threads=False),
            parse_options=pv.ParseOptions(delimiter=separator, invalid_row_handler=skip),
            convert_options=pv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            _not_readable(checklist, f"{path} is not CSV ({str(error).splitlines()[0]}).")
            return None
        table = pa.table({column: pa.array([], pa.string()) for column in columns})
    table = table.rename_columns(names)
    place = _line_finder(data, {row for row, _ in bad_rows})
    if bad_rows:
        lines = _lines_with_text(data)
        checklist.failed(
            "row_length",
            f"{plural(len(bad_rows), 'row does', 'rows do')} not have the header's "
            f"{len(names)} cells.",
            "write one cell for each column; quote text that holds a comma.",
            [f"line {lines[row - 1]}: {plural(cells, 'cell')}" for row, cells in bad_rows],
        )
    else:
        rows = plural(table.num_rows, "row")
        checklist.passed("row_length", f"{rows}, each of {len(names)} cells")
    return _select_columns(table, checklist, is_text=True, place=place)


def _check_text(
    data: bytes, bom: bool, n_returns: int, separator: str, checklist: Checklist
) -> bool:
    """Checks encoding, line ends and separator; returns whether the text can be read at all."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        checklist.failed(
            "encoding",
            f"the text is not UTF-8: line {line} has the byte 0x{data[error.start]:02x}.",
            "save it as UTF-8, as `frame.to_csv(path, index=False)` does.",
            fatal=True,
        )
        return False
    if bom:
        checklist.failed(
            "encoding",
            "line 1 begins with a byte-order mark.",
            "save it as UTF-8 without one (encoding='utf-8', not 'utf-8-sig').",
        )
    else:
        checklist.passed("encoding", "UTF-8")
    if n_returns:
        checklist.failed(
            "line_ends",
            f"{plural(n_returns, 'line ends', 'lines end')} with a carriage return (CRLF).",
            "end lines with LF alone (lineterminator='\\n', or the command dos2unix).",
        )
    else:
        checklist.passed("line_ends", "LF")
    if separator != ",":
        spelled = "semicolons" if separator == ";" else "tabs"
        checklist.failed(
            "separator",
            f"all lines separate their cells with {spelled}.",
            "separate with commas, and write decimals with a point (sep=',', decimal='.').",
        )
    else:
        checklist.passed("separator", "comma")
    return True


def _lines_with_text(data: bytes) -> list[int]:
    """Returns the numbers of the lines that are not empty; the header's comes first."""
    return [number for number, line in enumerate(data.split(b"\n"), start=1) if line]


def _line_finder(data: bytes, bad_rows: set[int]) -> Callable[[int], str]:
    """Returns what says on which line of the text a row of the table stands.

    Args:
        data: The text; its empty lines are no rows.
        bad_rows: Rows of a wrong length, which the table lacks, counted from the header's 1.
    """

    @cache
    def lines() -> list[int]:
        numbered = enumerate(_lines_with_text(data), start=1)
        return [line for row, line in numbered if row > 1 and row not in bad_rows]

    return lambda row: f"line {lines()[row]}"


def _select_columns(
    table: pa.Table,
    checklist: Checklist,
    *,
    is_text: bool,
    place: Callable[[int], str] | None = None,
) -> RawTable | None:
    """Checks the header and keeps the known columns."""
    names = [str(name) for name in table.column_names]
    repeated = sorted({name for name in names if names.count(name) > 1})
    missing = [name for name in COLUMNS if name not in names]
    extra = [name for name in names if name not in COLUMNS + OPTIONAL_COLUMNS]
    if missing:
        checklist.failed(
            "columns_present",
            f"{len(missing)} of {len(COLUMNS)} columns {'is' if len(missing) == 1 else 'are'} "
            "missing.",
            f"add {'it' if len(missing) == 1 else 'them'}; {_TEMPLATE}",
            [f"column {name}" for name in missing],
            fatal=True,
        )
    else:
        checklist.passed("columns_present", f"all {len(COLUMNS)} columns are there")
    if extra:
        checklist.failed(
            "columns_known",
            f"{plural(len(extra), 'column is', 'columns are')} not known.",
            "leave out what is no prediction, and give the rest its right name.",
            [f"column {name!r}{_hint(name, missing)}" for name in extra],
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
    known = [name for name in (*OPTIONAL_COLUMNS, *COLUMNS) if name in names]
    raw = RawTable(
        columns={name: table.column(names.index(name)).combine_chunks() for name in known},
        n_rows=table.num_rows,
        is_text=is_text,
    )
    if place is not None:
        raw.place = place
    if raw.n_rows == 0:
        checklist.failed(
            "rows",
            "there is a header but no row.",
            f"write one row an image; {_TEMPLATE}",
            fatal=True,
        )
        return None
    return raw


def _hint(name: str, missing: list[str]) -> str:
    """Says what an unknown column may be: a missing one misspelt, or an index."""
    if not name or name.startswith("Unnamed"):
        return ": the index of a DataFrame? Write it with index=False."
    nearest = nearest_names(name, missing, most=1)
    return f": is it {nearest[0]}?" if nearest else ""
