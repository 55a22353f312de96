"""Prediction files as they are written: Parquet, CSV and gzipped CSV."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from gmbench.files import check_ending, write_whole
from gmbench.predictions.predictions import Predictions

ENDINGS = (".parquet", ".csv", ".csv.gz")
"""What the name of a prediction file ends with."""


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Writes a prediction file; its ending says which kind.

    Args:
        predictions: What is written.
        path: The file; one that is there is replaced.

    Raises:
        WriteError: The ending is none of `ENDINGS`, or the system refused.
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
    """Writes what `template` made.

    Raises:
        WriteError: The ending is neither .csv nor .csv.gz, or the system refused.
    """
    check_ending(path, ".csv", ".csv.gz")
    _write_packed(path, text.encode())


def _write_packed(path: Path, content: bytes) -> None:
    # Without a time stamp, so that equal predictions make equal files.
    write_whole(path, gzip.compress(content, mtime=0) if path.suffix.lower() == ".gz" else content)
