"""From the bytes of a CSV file to a table whose cells are still text.

The separator is determined from the header. What is written by programs that follow RFC 4180, or by
Excel in countries with decimal commas, is read and noted.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pyarrow as pa

from gmbench.errors import first_line
from gmbench.predictions.bounds import Bounds
from gmbench.predictions.checks import MOST_SHOWN, Checklist
from gmbench.predictions.decimal_marks import refuse_commas_between_commas, settle_decimal_marks
from gmbench.predictions.file_signatures import not_readable, note_kind, other_kind
from gmbench.predictions.header import select_columns
from gmbench.predictions.plain_text import plain_text, wide_encoding
from gmbench.predictions.raw_table import RawTable, row_number
from gmbench.wording import plural

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_LONGEST_HEADER = 64_000
_MOST_COLUMNS = 64
_SEPARATED_LINE = re.compile(rb"[^\r\n]*?[,;\t]")


def read_csv(data: bytes, path: Path, checklist: Checklist, bounds: Bounds) -> RawTable | None:
    """Reads CSV.

    Args:
        data: The file's content, decompressed.
        path: The file's path, for messages.
        checklist: Receives one check for each aspect examined.
        bounds: Limits on what is read.

    Returns:
        The table, or None if there is none; the last check says why.

    Raises:
        UnreadableError: It has a longer header or more cells than any prediction file.
    """
    if not data[:4096].strip() and not data.strip():
        not_readable(checklist, f"{path} is empty.")
        return None
    is_wide = bool(wide_encoding(data))
    if kind := "" if is_wide else other_kind(data):
        not_readable(checklist, f"{path} is not CSV: it looks like {kind}.")
        return None
    if not is_wide and not _SEPARATED_LINE.match(data):
        not_readable(checklist, f"{path} is not CSV: its first line has no comma.")
        return None
    note_kind(f"{path}: CSV", path, (".csv", ".tsv", ".txt", ".gz"), checklist)
    text = plain_text(data, checklist)
    if text is None:
        return None
    header = text[: text.find(b"\n")] if b"\n" in text else text
    separator = max(_SEPARATORS, key=lambda one: header.count(one.encode()))
    if len(header) > _LONGEST_HEADER:
        raise bounds.too_many(path, "bytes of header", _LONGEST_HEADER)
    most_cells = bounds.rows * _MOST_COLUMNS
    if text.count(separator.encode()) > most_cells:
        raise bounds.too_many(path, "cells", most_cells)
    if separator == ",":
        checklist.passed("separator", "comma")
    else:
        checklist.noted("separator", _SEPARATORS[separator])
    return _read_separated(text, header, separator, path, checklist)


def _read_separated(
    text: bytes, header: bytes, separator: str, path: Path, checklist: Checklist
) -> RawTable | None:
    _, _, cells = next(_records(header, separator), (1, 1, [""]))
    names = [name.strip() for name in cells]
    quoted = b'"' in text
    try:
        table, bad_rows = _parse(text, separator, len(names), quoted=quoted)
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            *_, (first, last, _) = _records(text, separator)
            if last > first:
                checklist.failed(
                    "row_length",
                    f"line {first} has a quote that is not closed.",
                    "close it; inside of quoted text write a quote twice.",
                    fatal=True,
                )
                return None
            not_readable(checklist, f"{path} is not CSV ({first_line(error)}).")
            return None
        table = pa.table([pa.array([], pa.string())] * len(names), [*map(str, range(len(names)))])
        bad_rows = []
    place = _line_finder(text, separator, {row for row, _ in bad_rows})
    fell_apart = False
    if bad_rows:
        n_long = sum(cells > len(names) for _, cells in bad_rows)
        # A few long rows are slips; if most rows are long, commas split the numbers.
        fell_apart = separator == "," and n_long > table.num_rows
        if fell_apart:
            refuse_commas_between_commas(n_long, checklist)
        _report_lengths(text, separator, names, bad_rows, checklist)
    else:
        rows = plural(table.num_rows, "row")
        checklist.passed("row_length", f"{rows}, each of {len(names)} cells")
    raw = select_columns(table.rename_columns(names), checklist, is_text=True, place=place)
    if raw is not None and not fell_apart:
        settle_decimal_marks(raw, separator, checklist, quoted=quoted)
    return raw


def _parse(
    text: bytes, separator: str, n_columns: int, *, quoted: bool
) -> tuple[pa.Table, list[tuple[int, int]]]:
    """Returns the cells, all as text, and the number and length of each row left out.

    Raises:
        pyarrow.ArrowInvalid: The text is not CSV.
    """
    import pyarrow.csv as pv

    bad_rows: list[tuple[int, int]] = []

    def skip(row: pv.InvalidRow) -> str:
        bad_rows.append((row.number, row.actual_columns))
        return "skip"

    columns = [str(column) for column in range(n_columns)]

    def parse(*, line_ends_in_cells: bool) -> pa.Table:
        bad_rows.clear()
        return pv.read_csv(
            pa.BufferReader(text),
            # One thread, so that the number of a row with too few cells is known.
            read_options=pv.ReadOptions(column_names=columns, skip_rows=1, use_threads=False),
            parse_options=pv.ParseOptions(
                delimiter=separator,
                newlines_in_values=line_ends_in_cells,
                invalid_row_handler=skip,
            ),
            convert_options=pv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
            ),
        )

    # Arrow splits the text into blocks at line ends. A line end inside a cell makes two rows of a
    # wrong length out of one, or an error. Looking for these takes time, so it is done only where
    # there may be some.
    try:
        table = parse(line_ends_in_cells=False)
    except pa.ArrowInvalid:
        if not quoted:
            raise
        table = parse(line_ends_in_cells=True)
    else:
        if bad_rows and quoted:
            table = parse(line_ends_in_cells=True)
    return table, bad_rows


def _report_lengths(
    text: bytes,
    separator: str,
    names: list[str],
    bad_rows: list[tuple[int, int]],
    checklist: Checklist,
) -> None:
    """Reports the rows whose number of cells differs from the header's."""
    checklist.failed(
        "row_length",
        f"{plural(len(bad_rows), 'row does', 'rows do')} not have the header's {len(names)} cells.",
        f"write one cell for each column; quote text that holds a {_SEPARATORS[separator]}.",
        _describe_rows(text, separator, bad_rows[:MOST_SHOWN]),
        len(bad_rows),
    )


def _describe_rows(text: bytes, separator: str, rows: list[tuple[int, int]]) -> list[str]:
    """Describes where some rows are, and how many cells they have."""
    spans = [(first, last) for first, last, _ in _records(text, separator)]
    described = []
    for row, n_cells in rows:
        # The two parsers may count differently where quotes do not follow RFC 4180.
        first, last = spans[row - 1] if row <= len(spans) else (0, 0)
        where = f"line {first}" if first else row_number(row - 2)
        if last > first:
            where = f"lines {first} to {last}"
        hint = "; is a quote not closed?" if last > first else ""
        described.append(f"{where}: {plural(n_cells, 'cell')}{hint}")
    return described


def _records(text: bytes, separator: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yields the first and last line of each row, starting with the header, and its cells."""
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=separator)
    last = 0
    try:
        for cells in reader:
            first, last = last + 1, reader.line_num
            if cells:
                yield first, last, cells
    except csv.Error:
        # The cell is too long: a quote is not closed, so the rest is one row.
        yield last + 1, text.count(b"\n") + 1, []


def _line_finder(text: bytes, separator: str, bad_rows: set[int]) -> Callable[[int], str]:
    """Returns a function that gives the line of the text on which a row of the table is.

    Args:
        text: The text; its empty lines are not rows, and a row with quoted line ends spans several.
        separator: The separator between cells.
        bad_rows: Rows of a wrong length, which the table lacks; the header is row 1.
    """

    @cache
    def lines() -> list[int]:
        numbered = enumerate(_records(text, separator), start=1)
        return [line for row, (line, _, _) in numbered if row > 1 and row not in bad_rows]

    def place(row: int) -> str:
        known = lines()
        return f"line {known[row]}" if row < len(known) else row_number(row)

    return place
