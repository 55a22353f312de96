"""Writing of prediction files: Parquet, CSV and gzipped CSV."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from gmbench.files import check_ending, write_whole
from gmbench.predictions.predictions import Predictions

ENDINGS = (".parquet", ".csv", ".csv.gz")
"""Endings of the names of prediction files."""


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Writes a prediction file in the format given by its ending.

    Args:
        predictions: The predictions to write.
        path: The file; replaced if it exists.

    Raises:
        WriteError: The ending is none of `ENDINGS`, or the file cannot be written.
    """
    check_ending(path, *ENDINGS)
    table, buffer = predictions.to_arrow(), io.BytesIO()
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, buffer)
    else:
        import pyarrow.csv as pv

        pv.write_csv(table, buffer, pv.WriteOptions(quoting_style="needed"))
    _write_packed(path, buffer.getvalue())


def write_template(text: str, path: Path) -> None:
    """Writes the text returned by `template`.

    Raises:
        WriteError: The ending is neither .csv nor .csv.gz, or the file cannot be written.
    """
    check_ending(path, ".csv", ".csv.gz")
    _write_packed(path, text.encode())


def _write_packed(path: Path, content: bytes) -> None:
    # No timestamp, so that equal predictions yield equal files.
    write_whole(path, gzip.compress(content, mtime=0) if path.suffix.lower() == ".gz" else content)
