"""Calibration of predictions: errors, reliability curves and their intervals.

Unlike metrics, errors and curves are not means over sets: with the 12 GMs of one set, an error is
mostly chance. The images of all sets together make up one curve. Replicates draw GMs set by set
and kind by kind, as for all metrics; the images of a GM stay together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from gmbench.evaluation.calibration import (
    CONFIDENCE,
    N_BINS,
    NUMBER,
    binned_sums,
    calibration_error,
    error_by_chance,
    frequencies,
)
from gmbench.evaluation.calibration_result import Bin, Calibration, Reliability
from gmbench.evaluation.intervals import Interval, Resampled, interval
from gmbench.evaluation.log_loss import log_loss
from gmbench.evaluation.resampling import draws
from gmbench.evaluation.set_table import SetTable
from gmbench.evaluation.statistics import Array
from gmbench.evaluation.summary import Summary
from gmbench.predictions.predictions import Predictions
from gmbench.schema import DISCRETE, LOSSES, N_CONTINUOUS, N_DISCRETE


@dataclass(frozen=True)
class SetConfidences:
    """The confidences of predictions for the images of one set, GM by GM.

    Attributes:
        sums: Binned sums of each GM and head, shape (GMs, heads, bins, 3): discrete parameters
            that have probabilities, then losses.
        cost: Log-loss of the discrete parameters' probabilities, summed over a GM's images and
            averaged over these parameters, shape (GMs,); 0 without any.
        floor: The same for the training base rates; NaN where no training GM's class is known.
        drawn: How often each GM is drawn in each replicate, shape (replicates, GMs).
        strata: The stratum of each GM.
        gms: Names of the GMs.
    """

    sums: Array
    cost: Array
    floor: Array
    drawn: Array
    strata: NDArray[np.int64]
    gms: tuple[str, ...]

    @classmethod
    def of(
        cls, predictions: Predictions, table: SetTable, heads: Sequence[int], draw: tuple[int, int]
    ) -> SetConfidences:
        """Returns the confidences of predictions for the images of a set.

        Args:
            predictions: Predictions of all sets.
            table: The set.
            heads: Which of the 16 heads have probabilities: discrete parameters, then losses.
            draw: Number of replicates and their seed.
        """
        benchmark = predictions.benchmark
        rows = np.flatnonzero(predictions.sets == list(benchmark.sets).index(table.name))
        place = np.zeros(len(benchmark.gms), dtype=np.int64)
        members = [benchmark.index[name] for name in table.gms]
        place[members] = np.arange(len(members))
        gm_of = place[predictions.gms[rows]]
        labels = np.where(benchmark.known, benchmark.labels, -1)[:, N_CONTINUOUS:].astype(np.int64)
        training = labels[[benchmark.index[gm] for gm in benchmark.training_gms(table.name)]]
        n_images = np.array([len(one) for one in table.rows])
        sums, cost, floor = [], np.zeros(len(members)), np.zeros(len(members))
        for head in heads:
            right = table.truth.classes[:, head]
            asked, of = rows[right[gm_of] >= 0], gm_of[right[gm_of] >= 0]
            if head >= N_DISCRETE:
                confidence = predictions.values.losses[asked, head - N_DISCRETE]
                true = right[of] == 1
            else:
                odds = predictions.values.probabilities[DISCRETE[head].name][asked]
                chosen = predictions.values.discrete[asked, head]
                confidence = odds[np.arange(len(asked)), chosen]
                true = chosen == right[of]
                of_truth = _log_loss(odds[np.arange(len(asked)), right[of]])
                cost += np.bincount(of, of_truth, minlength=len(members))
                floor += n_images * _base_log_loss(training[:, head], right)
            sums.append(binned_sums(confidence, true, of, len(members)))
        n_classes = max(sum(head < N_DISCRETE for head in heads), 1)
        return cls(
            sums=np.stack(sums, axis=1),
            cost=cost / n_classes,
            floor=floor / n_classes,
            drawn=_times_drawn(table, *draw),
            strata=np.array(table.strata),
            gms=table.gms,
        )


def calibration(
    predictions: Predictions, tables: Sequence[SetTable], *, replicates: int, seed: int
) -> Calibration:
    """Returns how far probabilities are from what comes true.

    Args:
        predictions: The predictions.
        tables: Their sets.
        replicates: Number of bootstrap replicates; 0 for no intervals.
        seed: Seed of the bootstrap.
    """
    given = predictions.values.probabilities
    names = [one.name for one in (*DISCRETE, *LOSSES)]
    # Nothing can be said about a parameter that is unknown for all test GMs.
    known = np.any([(table.truth.classes >= 0).any(axis=0) for table in tables], axis=0)
    heads = [
        head
        for head, name in enumerate(names)
        if known[head] and (head >= N_DISCRETE or name in given)
    ]
    n = sum(head < N_DISCRETE for head in heads)
    parts = [SetConfidences.of(predictions, table, heads, (replicates, seed)) for table in tables]
    return Calibration(
        losses=_reliability(parts, range(n, len(heads))),
        architecture=_reliability(parts, range(n)) if n else None,
        arch_log_skill=_log_skill(parts) if n else None,
        parameters={names[head]: _reliability(parts, [at]) for at, head in enumerate(heads)},
        probabilities_sha256=predictions.probabilities_sha256,
    )


def _reliability(parts: Sequence[SetConfidences], heads: Sequence[int]) -> Reliability:
    """Returns the error and curve of some heads taken together."""
    by_set = [part.sums[:, heads].sum(axis=1) for part in parts]
    by_gm = np.concatenate(by_set)
    sums = by_gm.sum(axis=0)
    replicates = sum(
        np.tensordot(part.drawn, of_set, axes=1) for part, of_set in zip(parts, by_set, strict=True)
    )
    # Strata of different sets are distinct.
    before = accumulate((int(part.strata.max()) + 1 for part in parts), initial=0)
    strata = np.concatenate([part.strata + n for part, n in zip(parts, before, strict=False)])
    gms = tuple(name for part in parts for name in part.gms)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = Resampled(
            calibration_error(sums),
            calibration_error(np.asarray(replicates)),
            calibration_error(sums - by_gm),
            strata,
            gms,
        )
    curve = Resampled(
        frequencies(sums),
        frequencies(np.asarray(replicates)),
        frequencies(sums - by_gm),
        strata,
        gms,
    )
    by_chance = error_by_chance(np.concatenate([part.sums[:, heads] for part in parts]))
    bins = [
        Bin(
            low=place / N_BINS,
            high=(place + 1) / N_BINS,
            n=int(sums[place, NUMBER]),
            n_gms=int((by_gm[:, place, NUMBER] > 0).sum()),
            confidence=float(sums[place, CONFIDENCE] / sums[place, NUMBER]),
            frequency=float(curve.value[place]),
            ci=interval([curve[place]], (0.0, 1.0)),
        )
        for place in np.flatnonzero(sums[:, NUMBER]).tolist()
    ]
    return Reliability(
        float(error.value), _error_interval(error, by_chance), by_chance, tuple(bins)
    )


def _error_interval(error: Resampled, by_chance: float) -> Interval | None:
    """Returns the interval of an error, its lower end reduced by what chance alone gives.

    Chance moves an error up and never down. It adds to the error as spreads add, in squares.
    """
    found = interval([error], (0.0, 1.0))
    if found is None:
        return None
    low, high = found
    return math.sqrt(max(low**2 - by_chance**2, 0.0)), high


def _log_skill(parts: Sequence[SetConfidences]) -> Summary:
    """Returns 1 - log-loss / log-loss of the training base rates, averaged over the sets."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = [
            Resampled(
                1.0 - part.cost.sum() / part.floor.sum(),
                1.0 - (part.drawn @ part.cost) / (part.drawn @ part.floor),
                1.0 - (part.cost.sum() - part.cost) / (part.floor.sum() - part.floor),
                part.strata,
                part.gms,
            )
            for part in parts
        ]
    values = np.array([part.value for part in found])
    if not np.isfinite(values).all():
        return Summary(None, None, None, "no value: classes of a set are not known")
    return Summary(
        mean=float(values.mean()),
        std=float(values.std()) if len(values) > 1 else None,
        ci=interval(found, (-math.inf, 1.0)),
    )


def _times_drawn(table: SetTable, replicates: int, seed: int) -> Array:
    """Returns how often each replicate draws each GM, shape (replicates, GMs)."""
    n_gms = len(table.gms)
    if not replicates:
        return np.empty((0, n_gms))
    n_images = tuple(len(rows) for rows in table.rows)
    drawn = draws(table.name, table.gms, table.strata, n_images, replicates, seed).gms
    place = np.arange(replicates)[:, None] * n_gms + drawn
    times = np.bincount(place.ravel(), minlength=replicates * n_gms)
    return times.reshape(replicates, n_gms).astype(np.float64)


def _log_loss(probability: Array) -> Array:
    return log_loss(probability, np.ones(len(probability), dtype=np.int64))


def _base_log_loss(training: NDArray[np.int64], right: NDArray[np.int64]) -> Array:
    """Returns the log-loss of the training GMs' class frequencies for each GM; NaN without any.

    An unknown label of a training GM is left out of the frequencies; one in `right` costs 0.
    """
    known = training[training >= 0]
    right_at = known[:, None] == right
    frequency = right_at.mean(axis=0) if len(known) else np.full(len(right), np.nan)
    return np.where(right < 0, 0.0, _log_loss(frequency))
