"""Predictions that passed every check, and how they are obtained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.errors import PredictionError
from gmbench.predictions.bounds import bounds_for
from gmbench.predictions.checks import Checklist
from gmbench.predictions.columns import FARTHEST, Values, read_values
from gmbench.predictions.images import check_sets_whole, find_images, image_index
from gmbench.predictions.negative_counts import check_counts
from gmbench.predictions.probabilities import as_arrays, columns_of, to_columns
from gmbench.predictions.raw_table import RawTable
from gmbench.predictions.reading import read_table, table_from_frame
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES, N_CONTINUOUS, NAMES

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Predictions:
    """Predictions for images of a benchmark's test sets, in the order of its image index.

    Attributes:
        benchmark: The benchmark that was predicted.
        source: Where they came from, for display.
        sets: Index of each row's set, shape (rows,).
        gms: Row of each row's GM in `benchmark.gms`, shape (rows,).
        image_ids: Shape (rows,).
        values: The 25 predicted values of each row, and class probabilities where given.
    """

    benchmark: Benchmark
    source: str
    sets: NDArray[np.int16]
    gms: NDArray[np.int32]
    image_ids: tuple[str, ...]
    values: Values

    @classmethod
    def of(
        cls,
        benchmark: str | Path | Benchmark,
        source: str,
        targets: ArrayLike,
        *,
        image_ids: Sequence[str] | None = None,
        set_name: str | None = None,
        normalised: bool = True,
        probabilities: Mapping[str, ArrayLike] | None = None,
    ) -> Predictions:
        """Makes predictions from arrays in the format of the column `target` of a dataset.

        They must pass the same checks as a prediction file.

        Args:
            benchmark: The benchmark that was predicted.
            source: Where the values come from, for display; such as the name of a method.
            targets: Shape (images, 25): the 9 counts, (v - min) / (max - min) of the benchmark;
                the 6 class indices; the 10 losses as 0 or 1, or as scores in [0, 1].
            image_ids: The image of each row, such as `AAE/000123`. By default all test images, set
                by set, GM by GM, in the order of their numbers, as `gmbench template` lists them.
            set_name: The set that the rows belong to; by default all. Needed with `image_ids` if
                the benchmark's sets share GMs.
            normalised: Whether the counts are normalised; otherwise they are in natural units.
            probabilities: By discrete parameter, the probabilities of its classes, shape (images,
                classes); the class in `targets` must be the most probable one.

        Raises:
            PredictionError: The shape is wrong, or a value or an image is invalid.
            UnknownNameError: There is no such benchmark, set or discrete parameter.

        Examples:
            >>> import gmbench
            >>> red116 = gmbench.load_benchmark("red116")
            >>> made = Predictions.of(red116, "no", [[0.0] * 25], image_ids=["AAE/000123"])
            >>> made.to_pandas()[["image_id", "layers", "normalization", "loss_l1"]]
                 image_id  layers normalization  loss_l1
            0  AAE/000123     1.0         batch      0.0
        """
        known = load_benchmark(benchmark)
        if set_name is not None:
            known.test_gms(set_name)
        sets = None
        if image_ids is None:
            index, names = image_index(known), list(known.sets)
            wanted = range(len(names)) if set_name is None else [names.index(set_name)]
            entries = np.flatnonzero(np.isin(index.sets, wanted)).tolist()
            ids = [index.image_ids[entry] for entry in entries]
            if known.sets_overlap:
                sets = [names[index.sets[entry]] for entry in entries]
        else:
            ids = list(image_ids)
            if set_name is not None:
                sets = [set_name] * len(ids)
        try:
            values = np.array(targets, dtype=np.float64)
            id_column = pa.array(ids, pa.string())
        except (TypeError, ValueError) as error:  # Arrow's errors are subclasses.
            raise PredictionError(
                f"{source}: targets are rows of 25 numbers, image_ids are text ({error})."
            ) from error
        if values.shape != (len(ids), len(NAMES)):
            raise PredictionError(
                f"{source}: the targets of {len(ids):,} images of {known.name} have the shape "
                f"{(len(ids), len(NAMES))}; given is {values.shape}."
            )
        if normalised:
            counts = values[:, :N_CONTINUOUS]
            if (np.abs(counts[np.isfinite(counts)]) > FARTHEST).any():
                raise PredictionError(
                    f"{source}: counts beyond {FARTHEST:,.0f} times their range are no normalised "
                    "ones. Give normalised=False with counts in natural units, such as 12 layers."
                )
            values[:, :N_CONTINUOUS] = known.denormalise(values[:, :N_CONTINUOUS])
        columns = {"image_id": id_column, **dict(zip(NAMES, map(pa.array, values.T), strict=True))}
        columns |= to_columns(known, as_arrays(probabilities or {}, known, len(ids), source))
        if sets is not None:
            columns["set"] = pa.array(sets, pa.string())
        raw = RawTable(columns, len(ids), is_text=False)
        return _require(_validate(raw, known, Checklist(source), partial=True))

    def __len__(self) -> int:
        return len(self.image_ids)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of what is predicted, regardless of the file's format and row order."""
        digest = hashlib.sha256("\n".join(self.image_ids).encode())
        for array in (
            self.sets.astype("<i2"),
            self.values.continuous.astype("<f8"),
            self.values.discrete.astype("i1"),
            self.values.losses.astype("<f8"),
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @cached_property
    def probabilities_sha256(self) -> str | None:
        """SHA-256 of the class probabilities; None if there are none.

        Separate from `sha256`: adding probabilities does not change what is predicted.
        """
        if not self.values.probabilities:
            return None
        digest = hashlib.sha256()
        for name in columns_of(self.benchmark):
            if name in self.values.probabilities:
                odds = self.values.probabilities[name].astype("<f8")
                digest.update(name.encode() + np.ascontiguousarray(odds).tobytes())
        return digest.hexdigest()

    def take(self, rows: NDArray[np.int64]) -> Predictions:
        """Returns some of the rows, in the order given."""
        return Predictions(
            benchmark=self.benchmark,
            source=self.source,
            sets=self.sets[rows],
            gms=self.gms[rows],
            image_ids=tuple(self.image_ids[row] for row in rows.tolist()),
            values=self.values.take(rows),
        )

    def to_arrow(self) -> pa.Table:
        """Returns the predictions as an Arrow table in the format of prediction files."""
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
        return pa.table(columns | to_columns(self.benchmark, self.values.probabilities))

    def to_pandas(self) -> pd.DataFrame:
        """Returns the predictions as a DataFrame in the format of prediction files."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame


@dataclass(frozen=True)
class Validation:
    """Result of checking a prediction file.

    Attributes:
        checklist: The checks made.
        predictions: The predictions; None if a check failed.
    """

    checklist: Checklist
    predictions: Predictions | None


def validate_predictions(
    source: str | Path | pd.DataFrame | Predictions,
    benchmark: str | Path | Benchmark | None = None,
    *,
    partial: bool = False,
    min_images: int | None = None,
    for_submission: bool = False,
) -> Validation:
    """Runs all checks on a prediction file or DataFrame at once.

    Args:
        source: CSV, CSV.gz or Parquet file, a folder of Parquet files, a DataFrame with the same
            columns, or predictions already read, which are checked against the other arguments.
        benchmark: The benchmark that was predicted; by default inferred from the GM names.
        partial: Whether a set may lack GMs or images.
        min_images: Number of images of each GM that must be present; by default all.
        for_submission: Whether every set must be present, as a leaderboard requires.

    Raises:
        UnknownNameError: There is no such benchmark.

    Examples:
        >>> import gmbench
        >>> frame = gmbench.run_baseline("mean_mode").to_pandas()
        >>> frame.loc[0, "loss_l1"] = 1.5
        >>> checklist = gmbench.validate_predictions(frame).checklist
        >>> [check.name for check in checklist.failures]
        ['loss_range']
    """
    if isinstance(source, Predictions):
        return _validate_again(
            source, benchmark, partial=partial, min_images=min_images, for_submission=for_submission
        )
    checklist = Checklist(str(source) if isinstance(source, str | Path) else "predictions")
    if isinstance(source, str | Path):
        raw = read_table(Path(source), checklist, bounds_for(benchmark))
    else:
        raw = table_from_frame(source, checklist)
    if raw is None:
        return Validation(checklist, None)
    return _validate(
        raw, benchmark, checklist,
        partial=partial, min_images=min_images, for_submission=for_submission,
    )  # fmt: skip


def _validate(
    raw: RawTable,
    benchmark: str | Path | Benchmark | None,
    checklist: Checklist,
    *,
    partial: bool,
    min_images: int | None = None,
    for_submission: bool = False,
) -> Validation:
    """Checks the images and values of the rows, and sorts the rows."""
    found = find_images(
        raw, benchmark, checklist,
        partial=partial, min_images=min_images, for_submission=for_submission,
    )  # fmt: skip
    if found is None:
        return Validation(checklist, None)
    known, index, order = found
    values = read_values(raw, known, checklist)
    if values is None or not checklist.ok:
        return Validation(checklist, None)
    rows = np.argsort(order)
    entries = order[rows]
    image_ids = index.image_ids
    if len(entries) < len(image_ids):
        image_ids = tuple(image_ids[entry] for entry in entries.tolist())
    return Validation(
        checklist,
        Predictions(
            benchmark=known,
            source=checklist.source,
            sets=index.sets[entries],
            gms=index.gms[entries],
            image_ids=image_ids,
            values=values.take(rows),
        ),
    )


def _validate_again(
    predictions: Predictions,
    benchmark: str | Path | Benchmark | None,
    *,
    partial: bool,
    min_images: int | None,
    for_submission: bool,
) -> Validation:
    """Checks that predictions already read are for a benchmark, and complete."""
    checklist, own = Checklist(predictions.source), predictions.benchmark
    given = own if benchmark is None else benchmark
    known = load_benchmark(given)
    if known.is_same_as(own):
        checklist.passed("benchmark", f"{own.name}, version {own.version}")
    else:
        checklist.failed(
            "benchmark",
            f"these are predictions of {own.told}, not of {known.told}.",
            "leave the benchmark out, or read the predictions with the one that is wanted.",
        )
    check_sets_whole(
        own, predictions.sets, predictions.gms, checklist,
        partial=partial, min_images=min_images, for_submission=for_submission,
    )  # fmt: skip
    check_counts(predictions.values.continuous, predictions.image_ids.__getitem__, checklist)
    return Validation(checklist, predictions if checklist.ok else None)


def read_predictions(
    source: str | Path | pd.DataFrame | Predictions,
    benchmark: str | Path | Benchmark | None = None,
    *,
    partial: bool = False,
    min_images: int | None = None,
) -> Predictions:
    """Reads a prediction file; arguments as in `validate_predictions`.

    Raises:
        PredictionError: A check failed; the message lists those that did.
        UnknownNameError: There is no such benchmark.

    Examples:
        >>> import gmbench
        >>> frame = gmbench.run_baseline("mean_mode").to_pandas()
        >>> len(gmbench.read_predictions(frame))
        2304
    """
    return _require(validate_predictions(source, benchmark, partial=partial, min_images=min_images))


def _require(validation: Validation) -> Predictions:
    """Returns the predictions, or raises an error that lists the failed checks."""
    if validation.predictions is None:
        listed = validation.checklist.text(all_checks=False)
        raise PredictionError(f"{validation.checklist.source} cannot be scored.\n{listed}")
    return validation.predictions
