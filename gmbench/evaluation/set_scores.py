"""The metrics of one set, and their means over sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gmbench.evaluation.intervals import Resampled, interval, resample
from gmbench.evaluation.metrics import Metric
from gmbench.evaluation.ransac import ransac_slope
from gmbench.evaluation.set_table import SetTable
from gmbench.evaluation.statistics import GMSums
from gmbench.evaluation.summary import Summary, finite


@dataclass(frozen=True)
class SetScores:
    """The metrics of one set.

    Attributes:
        values: Value of each metric; NaN where undefined.
        parts: Metrics that have an interval, with the data it needs.
    """

    values: Mapping[str, float]
    parts: Mapping[str, Resampled]


def score_set(
    table: SetTable, sample: GMSums | None, metrics: Sequence[Metric], seed: int
) -> SetScores:
    """Computes the metrics of a set.

    Args:
        table: The set.
        sample: Its replicates; None where no interval is wanted.
        metrics: Metrics to compute; p-values, which need a reference, are left to the caller.
        seed: Seed of RANSAC.
    """
    parts = {
        metric.name: resample(metric.value, table, sample)
        for metric in metrics
        if metric.value is not None
    }
    values = {name: float(part.value) for name, part in parts.items()}
    values["ransac_slope"] = ransac_slope(*table.points, seed)
    return SetScores(values, parts)


def summarise(
    sets: Mapping[str, SetScores], metrics: Sequence[Metric], p_value: float | None = None
) -> dict[str, Summary]:
    """Averages each metric over one or more sets, with its interval.

    Args:
        sets: Each set's metrics.
        metrics: Metrics to average.
        p_value: P-value of one test over the GMs of all sets, used instead of a mean over the
            sets; NaN where undefined.
    """
    summary = {}
    for metric in metrics:
        if metric.name == "p_value" and p_value is not None:
            reason = "" if np.isfinite(p_value) else f"no value: {metric.undefined}"
            summary[metric.name] = Summary(finite(p_value), None, None, reason)
            continue
        values = [finite(scores.values[metric.name]) for scores in sets.values()]
        undefined = [name for name, v in zip(sets, values, strict=True) if v is None]
        if undefined:
            reason = f"no value in {', '.join(undefined)}: {metric.undefined}"
            summary[metric.name] = Summary(None, None, None, reason)
            continue
        known = np.array(values, dtype=np.float64)
        parts = [one.parts[metric.name] for one in sets.values() if metric.name in one.parts]
        summary[metric.name] = Summary(
            mean=float(known.mean()),
            std=float(known.std()) if len(sets) > 1 else None,
            ci=interval(parts, metric.bounds) if parts else None,
        )
    return summary
