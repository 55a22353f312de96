"""Skill metrics: 0 is what labels alone can do, 1 is perfect.

The paper's metrics say little without knowing what a constant reaches: always giving the training
GMs' most frequent answer has an F1 over the losses of 0.74. Skill metrics say how far a method is
from there to perfect. docs/metrics.md has the definitions.

Every function takes `GMSums` with any leading axes and returns an array with those axes, NaN where
undefined.
"""

from __future__ import annotations

import numpy as np

from gmbench.evaluation.ranks import area_under_roc, correlation_of_ranks, ranks_of_known
from gmbench.evaluation.statistics import FLOOR_LOG_LOSS, Array, GMSums
from gmbench.schema import N_CONTINUOUS, N_DISCRETE

_NOTHING = 1e-12
"""An error of the training median below this is rounding and leaves nothing to gain."""


def l1_skill(sums: GMSums) -> Array:
    """1 - l1 / l1 of the training median for each count, mean over the counts.

    Counts that the median gets right for all GMs of the set are left out.
    """
    floor = (sums.facts.weights * sums.floor[..., :N_CONTINUOUS]).sum(axis=-2)
    left = floor > _NOTHING * sums.facts.n_known
    skill = 1.0 - np.divide(sums.errors, floor, out=np.ones_like(floor), where=left)
    # Without training GMs there is no floor: NaN is not above zero, but must stay in the result.
    return np.where(np.isnan(floor).any(axis=-1), np.nan, _mean_where(skill, left))


def count_spearman(sums: GMSums) -> Array:
    """Spearman's rank correlation of the GMs' means with the truth, mean over the counts.

    Counts whose truth is the same for all GMs are left out. A count for which only the prediction
    is constant orders nothing and counts as 0, so that no method gains by not answering; where this
    holds for all counts, nothing is ordered and the metric is undefined.
    """
    if not sums.truth.shape[-2]:
        return np.full(sums.truth.shape[:-2], np.nan)
    known = sums.facts.known
    order = ranks_of_known(sums.means, known)
    found = correlation_of_ranks(sums.facts.truth_ranks, order, known)
    least = np.where(known > 0, sums.truth, np.inf).min(axis=-2)
    varies = np.where(known > 0, sums.truth, -np.inf).max(axis=-2) > least
    mean = _mean_where(np.nan_to_num(found), varies)
    return np.where(np.isnan(found).all(axis=-1), np.nan, mean)


def arch_skill(sums: GMSums) -> Array:
    """Balanced accuracy over the classes in the truth, scaled so that chance is 0; mean of 6 heads.

    Heads with only one class in the truth are left out.
    """
    groups = zip(sums.columns.groups, sums.confusion_groups, strict=True)
    found = [balanced_skill_from(one) for heads, one in groups if heads[0] < N_DISCRETE]
    skill = np.concatenate(found, axis=-1)
    return mean_where_known(skill)


def balanced_skill_from(confusion: Array) -> Array:
    """Balanced accuracy of one head, scaled so that chance is 0; NaN if only one class is true.

    Args:
        confusion: Counts (true class, predicted class), shape (..., classes, classes).
    """
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    true = confusion.sum(axis=-1)
    occurs = true > 0
    recall = np.divide(right, true, out=np.zeros_like(right), where=occurs)
    k = occurs.sum(axis=-1)
    balanced = recall.sum(axis=-1) / np.maximum(k, 1)
    chance = 1.0 / np.maximum(k, 1)
    made = np.divide(balanced - chance, 1 - chance, out=np.full(k.shape, np.nan), where=k > 1)
    return np.asarray(made)


def loss_auc(sums: GMSums) -> Array:
    """Area under the ROC curve of the GMs' mean scores, mean over the losses that vary."""
    truth = sums.classes[..., N_DISCRETE:].astype(np.float64)
    areas = area_under_roc(truth, sums.mean_scores)
    return mean_where_known(areas)


def loss_skill(sums: GMSums) -> Array:
    """1 - log-loss / log-loss of the training base rates, all images and losses together."""
    floor = (sums.counts * sums.floor[..., FLOOR_LOG_LOSS]).sum(axis=-1)
    return np.asarray(1.0 - sums.totals[..., sums.columns.log_loss].sum(axis=-1) / floor)


def skill(sums: GMSums) -> Array:
    """Mean of `l1_skill`, `arch_skill` and `loss_skill`."""
    return np.asarray((l1_skill(sums) + arch_skill(sums) + loss_skill(sums)) / 3)


def mean_where_known(values: Array) -> Array:
    """Returns the mean over the last axis of the values that are defined; NaN if none is."""
    return _mean_where(values, np.isfinite(values))


def _mean_where(values: Array, counted: Array) -> Array:
    """Returns the mean over the last axis of the values that count; NaN if none does."""
    n = counted.sum(axis=-1)
    total = np.where(counted, values, 0.0).sum(axis=-1)
    return np.asarray(np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0))
