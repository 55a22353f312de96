"""The metrics at the GM level: all images of a GM are combined, and the GM counts once.

A parser is more likely to be given many images of a GM than one. Their mean of each count and of
each loss's score and the majority of each class make one answer; `GMSums.by_gm` derives it from
the sums, so that metrics and bootstrap are the same as for images.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gmbench.evaluation.intervals import resample
from gmbench.evaluation.metrics import METRICS, Metric
from gmbench.evaluation.ransac import ransac_slope
from gmbench.evaluation.set_scores import SetScores
from gmbench.evaluation.set_table import SetTable
from gmbench.evaluation.statistics import Array, GMSums

GM_LEVEL: tuple[Metric, ...] = tuple(m for m in METRICS if m.name != "p_value_images")
"""The metrics that exist at this level: all except the one of single images."""


_OF_GMS = ("count_spearman", "loss_auc")
"""Metrics that are computed from GMs' means anyway: the same at both levels."""


def score_gms(table: SetTable, sample: GMSums | None, scores: SetScores, seed: int) -> SetScores:
    """Computes the metrics of a set at the GM level; p-values are left to the caller.

    Args:
        table: The set.
        sample: Its replicates; None where no interval is wanted.
        scores: Its metrics at the image level.
        seed: Seed of RANSAC.
    """
    parts = {
        metric.name: scores.parts[metric.name]
        if metric.name in _OF_GMS
        else resample(partial(_of_gms, value=metric.value), table, sample)
        for metric in GM_LEVEL
        if metric.value is not None
    }
    values = {name: float(part.value) for name, part in parts.items()}
    known = table.truth.known > 0
    slope = ransac_slope(table.sums.means[known], table.truth.counts[known], seed)
    return SetScores({**values, "ransac_slope": slope}, parts)


def _of_gms(sums: GMSums, *, value: Callable[[GMSums], Array]) -> Array:
    return value(sums.by_gm)
