"""The evaluator: predictions in, one result object out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import PredictionError
from gmbench.evaluation.breakdown import (
    gm_results,
    main_scores,
    parameter_results,
    parameter_scores,
)
from gmbench.evaluation.gm_level import GM_LEVEL, score_gms
from gmbench.evaluation.intervals import (
    REPLICATES,
    Resampled,
    bootstrap,
    interval,
    resampled_images,
)
from gmbench.evaluation.metrics import BY_NAME, METRICS
from gmbench.evaluation.reliability import calibration
from gmbench.evaluation.result import (
    PROTOCOL,
    Evaluation,
    LossesWithoutPositive,
    Manifest,
    SetResult,
)
from gmbench.evaluation.set_scores import SetScores, score_set, summarise
from gmbench.evaluation.set_table import SetTable, set_tables
from gmbench.evaluation.significance import Reference, SetErrors, p_value_over_sets, p_values
from gmbench.evaluation.statistics import GMSums
from gmbench.evaluation.summary import finite
from gmbench.evaluation.without_twins import SetWithoutTwins, set_without_twins, without_twins
from gmbench.predictions.predictions import Predictions, read_predictions
from gmbench.predictions.reference import mean_mode
from gmbench.schema import LOSSES, N_DISCRETE
from gmbench.version import __version__

if TYPE_CHECKING:
    import pandas as pd

SEED = 0


@dataclass(frozen=True)
class Parts:
    """Numbers of an evaluation with their replicates: what paired comparisons need.

    Attributes:
        metrics: Each metric that has an interval, for each set.
        parameters: L1 of each count and weighted F1 of each class and loss, for each set.
    """

    metrics: dict[str, list[Resampled]]
    parameters: dict[str, list[Resampled]]


def evaluate(
    predictions: str | Path | pd.DataFrame | Predictions,
    benchmark: str | Path | Benchmark | None = None,
    *,
    against: str | Path | pd.DataFrame | Predictions | None = None,
    partial: bool = False,
    min_images: int | None = None,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> Evaluation:
    """Scores predictions: every metric per set and over the sets, with 95% intervals.

    Args:
        predictions: CSV, CSV.gz or Parquet file, DataFrame, or predictions already read.
        benchmark: What was predicted; by default inferred from the GM names.
        against: Predictions for the same images of the same benchmark that the p-values compare
            with; by default the mean / mode baseline.
        partial: Whether a set may lack GMs or images.
        min_images: Minimum number of images required of each GM; by default all.
        replicates: Number of bootstrap replicates; 0 for no intervals.
        seed: Seed of the bootstrap and of RANSAC.

    Raises:
        PredictionError: A check of the file failed, predictions already read are for another
            benchmark or less complete than requested, or `against` is for another benchmark or
            lacks images.
        UnknownNameError: There is no such benchmark.

    Examples:
        >>> import gmbench
        >>> result = gmbench.evaluate(gmbench.run_baseline("mean_mode", "red116"), replicates=50)
        >>> round(result.summary["l1"].mean, 3)
        0.155
        >>> result.to_pandas().loc[["l1", "arch_f1"], "mean"].round(3).tolist()
        [0.155, 0.466]
    """
    read = read_predictions(predictions, benchmark, partial=partial, min_images=min_images)
    if against is None:
        other = mean_mode(read.benchmark)
    else:
        # All that matters is whether it has the images predicted; `same_images` checks that.
        other = read_predictions(against, read.benchmark, partial=True)
    return evaluate_resampled(
        read,
        Reference(other),
        partial=partial,
        min_images=min_images,
        replicates=replicates,
        seed=seed,
    )[0]


def evaluate_resampled(
    predictions: Predictions,
    reference: Reference,
    *,
    partial: bool = False,
    min_images: int | None = None,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> tuple[Evaluation, Parts]:
    """Scores predictions and keeps what paired comparisons with another method need.

    Args:
        predictions: Predictions that are as complete as required.
        reference: What the p-values compare with; must have at least the same images.
        partial: Recorded in the manifest.
        min_images: Recorded in the manifest.
        replicates: Number of bootstrap replicates; 0 for no intervals.
        seed: Seed of the bootstrap and of RANSAC.

    Returns:
        The result, and its numbers with their replicates.

    Raises:
        PredictionError: The reference lacks images.
    """
    known = predictions.benchmark
    tables = set_tables(predictions)
    same = same_images(reference.predictions, predictions)
    others = (reference if same is reference.predictions else Reference(same)).errors
    errors = [SetErrors.of(table) for table in tables]
    samples: list[GMSums | None] = []
    sets: dict[str, SetScores] = {}
    apart: dict[str, SetWithoutTwins] = {}
    together: dict[str, SetScores] = {}
    for table, own, other in zip(tables, errors, others, strict=True):
        images = resampled_images(table, replicates=replicates, seed=seed) if replicates else None
        sample = bootstrap(table, images) if images else None
        samples.append(sample)
        scores = score_set(table, sample, METRICS, seed)
        by_gm, by_image = p_values(own, other)
        tested = {**scores.values, "p_value": by_gm, "p_value_images": by_image}
        sets[table.name] = SetScores(tested, scores.parts)
        apart[table.name] = set_without_twins(known, table, scores, images, seed)
        together[table.name] = score_gms(table, sample, scores, seed)
    gms = [table.gms for table in tables]
    of_all = p_value_over_sets(gms, *([one.of_gms for one in of] for of in (errors, others)))
    at_gm_level = p_value_over_sets(gms, *([one.of_means for one in of] for of in (errors, others)))
    by_parameter = parameter_scores(tables, samples)
    evaluation = Evaluation(
        benchmark=known.name,
        version=known.version,
        n_images=len(predictions),
        n_gms=int(np.count_nonzero(np.bincount(predictions.gms))),
        summary=summarise(sets, METRICS, of_all),
        without_twins=without_twins(apart),
        gm_level=summarise(together, GM_LEVEL, at_gm_level),
        losses_without_positive=_losses_without_positive(tables),
        calibration=calibration(predictions, tables, replicates=replicates, seed=seed),
        sets={table.name: _set_result(table, sets[table.name]) for table in tables},
        parameters=parameter_results(by_parameter, tables, known),
        gms=gm_results(tables, known),
        manifest=Manifest(
            predictions=Path(predictions.source).name or predictions.source,
            predictions_sha256=predictions.sha256,
            labels_sha256=known.labels_sha256,
            splits_sha256=known.splits_sha256,
            reference=Path(same.source).name or same.source,
            partial=partial,
            min_images=min_images,
            gmbench=__version__,
            numpy=np.__version__,
            protocol=PROTOCOL,
            replicates=replicates,
            seed=seed,
        ),
    )
    parts = [scores.parts for scores in sets.values()]
    metrics = {name: [part[name] for part in parts] for name in parts[0]}
    return evaluation, Parts(metrics, main_scores(by_parameter))


def same_images(reference: Predictions, predictions: Predictions) -> Predictions:
    """Returns the rows of a reference for the images predicted.

    Raises:
        PredictionError: The reference lacks some of them.
    """
    if (
        np.array_equal(reference.sets, predictions.sets)
        and reference.image_ids == predictions.image_ids
    ):
        return reference
    keys = list(zip(reference.sets.tolist(), reference.image_ids, strict=True))
    wanted = list(zip(predictions.sets.tolist(), predictions.image_ids, strict=True))
    row_of = {key: row for row, key in enumerate(keys)}
    lacking = [image_id for number, image_id in wanted if (number, image_id) not in row_of]
    if lacking:
        raise PredictionError(
            f"{reference.source} lacks {len(lacking):,} of the {len(wanted):,} images of "
            f"{predictions.source}, such as {lacking[0]}. Predict the same images with both."
        )
    return reference.take(np.array([row_of[key] for key in wanted]))


def _losses_without_positive(tables: list[SetTable]) -> LossesWithoutPositive:
    """Finds the losses that no GM of a set uses."""
    # -1 is unknown: a loss that is known of no GM enters no metric.
    most = {table.name: table.truth.classes[:, N_DISCRETE:].max(axis=0) for table in tables}
    lacking = {
        name: tuple(loss.name for loss, any_gm in zip(LOSSES, of, strict=True) if any_gm == 0)
        for name, of in most.items()
    }
    return LossesWithoutPositive(
        cells=sum(len(losses) for losses in lacking.values()),
        of=len(LOSSES) * len(tables),
        sets={name: losses for name, losses in lacking.items() if losses},
    )


def _set_result(table: SetTable, scores: SetScores) -> SetResult:
    """Assembles one set's metrics."""
    known = {metric.name: finite(scores.values[metric.name]) for metric in METRICS}
    return SetResult(
        n_gms=len(table.gms),
        n_images=sum(len(rows) for rows in table.rows),
        values=known,
        intervals={
            name: interval([part], BY_NAME[name].bounds)
            for name, part in scores.parts.items()
            if len(part.replicates)
        },
        undefined={name: BY_NAME[name].undefined for name, value in known.items() if value is None},
    )
