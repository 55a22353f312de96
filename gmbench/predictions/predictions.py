"""Predictions that passed every check, and the way there."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import PredictionError
from gmbench.files import write_whole
from gmbench.predictions.checks import Checklist
from gmbench.predictions.columns import Values, read_values
from gmbench.predictions.images import find_images, image_index
from gmbench.predictions.reading import COLUMNS, read_table, table_from_frame
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Predictions:
    """Predictions of images of a benchmark's test sets, in the order of its image index.

    Attributes:
        benchmark: What was predicted.
        source: Where they came from, for people.
        sets: Index of each row's set, shape (rows,).
        gms: Row of each row's GM in `benchmark.gms`, shape (rows,).
        image_ids: Shape (rows,).
        values: The 25 predicted values of each row.
    """

    benchmark: Benchmark
    source: str
    sets: NDArray[np.int16]
    gms: NDArray[np.int16]
    image_ids: tuple[str, ...]
    values: Values

    def __len__(self) -> int:
        return len(self.image_ids)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of what is predicted, whatever the file's format and the order of its rows."""
        digest = hashlib.sha256("\n".join(self.image_ids).encode())
        for array in (
            self.sets.astype("<i2"),
            self.values.continuous.astype("<f8"),
            self.values.discrete.astype("i1"),
            self.values.losses.astype("<f8"),
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def take(self, rows: NDArray[np.int64]) -> Predictions:
        """Returns some of the rows, in the order given."""
        return Predictions(
            benchmark=self.benchmark,
            source=self.source,
            sets=self.sets[rows],
            gms=self.gms[rows],
            image_ids=tuple(self.image_ids[row] for row in rows.tolist()),
            values=Values(
                self.values.continuous[rows], self.values.discrete[rows], self.values.losses[rows]
            ),
        )

    def to_arrow(self) -> pa.Table:
        """Returns the predictions as an Arrow table in the file format of predictions."""
        columns: dict[str, object] = {"image_id": pa.array(self.image_ids, pa.string())}
        if self.benchmark.sets_overlap:
            names = np.array(list(self.benchmark.sets))
            columns["set"] = pa.array(names[self.sets].tolist(), pa.string())
        for position, parameter in enumerate(CONTINUOUS):
            columns[parameter.name] = pa.array(self.values.continuous[:, position])
        for position, parameter in enumerate(DISCRETE):
            names = np.array(self.benchmark.classes[parameter.name])
            chosen = names[self.values.discrete[:, position]].tolist()
            columns[parameter.name] = pa.array(chosen, pa.string())
        for position, parameter in enumerate(LOSSES):
            columns[parameter.name] = pa.array(self.values.losses[:, position])
        return pa.table(columns)

    def to_pandas(self) -> pd.DataFrame:
        """Returns the predictions as a DataFrame in the file format of predictions."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame


@dataclass(frozen=True)
class Validation:
    """What became of a prediction file.

    Attributes:
        checklist: The checks made.
        predictions: The predictions; None where a check failed.
    """

    checklist: Checklist
    predictions: Predictions | None


def validate_predictions(
    source: str | Path | pd.DataFrame,
    benchmark: str | Path | Benchmark | None = None,
    *,
    partial: bool = False,
    min_images: int | None = None,
) -> Validation:
    """Checks a prediction file, or DataFrame, all checks at once.

    Args:
        source: CSV, CSV.gz or Parquet file, or a DataFrame of the same columns.
        benchmark: What was predicted; by default it is told from the GM names.
        partial: Whether a set may lack GMs or images.
        min_images: Images of each GM that must be there; by default all.

    Raises:
        UnknownNameError: There is no such benchmark.
    """
    checklist = Checklist(str(source) if isinstance(source, str | Path) else "predictions")
    if isinstance(source, str | Path):
        raw = read_table(Path(source), checklist)
    else:
        raw = table_from_frame(source, checklist)
    if raw is None:
        return Validation(checklist, None)
    found = find_images(raw, benchmark, checklist, partial=partial, min_images=min_images)
    if found is None:
        return Validation(checklist, None)
    known, index, order = found
    values = read_values(raw, known, checklist)
    if values is None or not checklist.ok:
        return Validation(checklist, None)
    rows = np.argsort(order)
    entries = order[rows]
    return Validation(
        checklist,
        Predictions(
            benchmark=known,
            source=checklist.source,
            sets=index.sets[entries],
            gms=index.gms[entries],
            image_ids=tuple(index.image_ids[entry] for entry in entries.tolist()),
            values=Values(values.continuous[rows], values.discrete[rows], values.losses[rows]),
        ),
    )


def read_predictions(
    source: str | Path | pd.DataFrame,
    benchmark: str | Path | Benchmark | None = None,
    *,
    partial: bool = False,
    min_images: int | None = None,
) -> Predictions:
    """Reads a prediction file; arguments as in `validate_predictions`.

    Raises:
        PredictionError: A check failed; the message holds those that did.
        UnknownNameError: There is no such benchmark.
    """
    validation = validate_predictions(source, benchmark, partial=partial, min_images=min_images)
    if validation.predictions is None:
        listed = validation.checklist.text(all_checks=False)
        raise PredictionError(f"{validation.checklist.source} cannot be scored.\n{listed}")
    return validation.predictions


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Writes a prediction file; its ending says which kind: .parquet, .csv or .csv.gz.

    Raises:
        PredictionError: The ending is another.
        WriteError: The system refused.
    """
    table, buffer = predictions.to_arrow(), io.BytesIO()
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, buffer)
    elif path.name.endswith((".csv", ".csv.gz")):
        import pyarrow.csv as pv

        pv.write_csv(table, buffer, pv.WriteOptions(quoting_style="needed"))
    else:
        raise PredictionError(f"{path} has an unknown ending: take .parquet, .csv or .csv.gz.")
    content = buffer.getvalue()
    # Without a time stamp, so that equal predictions make equal files.
    write_whole(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def template(benchmark: Benchmark, set_name: str | None = None) -> str:
    """Returns a CSV file with every `image_id` of a benchmark and all values to be filled in.

    Args:
        benchmark: The benchmark.
        set_name: One set; by default all.

    Raises:
        UnknownNameError: The benchmark has no such set.
    """
    if set_name is not None:
        benchmark.test_gms(set_name)
    names = list(benchmark.sets)
    index = image_index(benchmark)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ("image_id", "set") if benchmark.sets_overlap else ("image_id",)
    writer.writerow((*head, *COLUMNS[1:]))
    blank = ("",) * (len(COLUMNS) - 1)
    for image_id, number in zip(index.image_ids, index.sets.tolist(), strict=True):
        if set_name in (None, names[number]):
            key = (image_id, names[number]) if benchmark.sets_overlap else (image_id,)
            writer.writerow((*key, *blank))
    return text.getvalue()
