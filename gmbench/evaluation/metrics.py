"""The metrics, as pure functions of sums over images.

Every function takes `GMSums` with any leading axes and returns an array with those axes. An
undefined value, such as the correlation with a constant, is NaN here and null, with the reason, in
a result.

Source: section 4.1 of the paper. Where the paper leaves a choice, docs/metrics.md says which was
made. The metrics of `skill` are this project's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gmbench.evaluation import skill
from gmbench.evaluation.skill import mean_where_known
from gmbench.evaluation.statistics import IMAGE_ERROR, Array, GMSums
from gmbench.schema import N_DISCRETE, N_LOSSES


@dataclass(frozen=True, slots=True)
class Metric:
    """One column of a result and of a leaderboard.

    Attributes:
        name: Key in results.
        title: Human-readable heading.
        group: What it judges.
        better: Which direction is better; empty where neither is and nothing is ranked by it.
        value: Computes it from sums; None for metrics that need each image (p-values, RANSAC),
            which have no interval.
        bounds: Smallest and largest value that it can take.
        undefined: Why it can be undefined.
        headline: Whether it appears in short tables.
        shown: Whether it is shown to people; JSON has all metrics.
        useful: Threshold of practical use, from section 4.2 of the paper; None where it gives none.
    """

    name: str
    title: str
    group: Literal["continuous", "architecture", "losses", "overall"]
    better: Literal["lower", "higher", ""]
    value: Callable[[GMSums], Array] | None
    bounds: tuple[float, float] = (0.0, 1.0)
    undefined: str = ""
    headline: bool = False
    useful: float | None = None
    shown: bool = True


def l1(sums: GMSums) -> Array:
    """Mean |p - y| over images and the 9 continuous parameters, normalised units."""
    return np.asarray(sums.errors.sum(axis=-1) / sums.facts.n_known.sum(axis=-1))


def l1_std_images(sums: GMSums) -> Array:
    """Standard deviation (ddof 0) over images of the image's mean |p - y|."""
    # First about each GM's mean, then of the means about theirs: no large squares are subtracted.
    totals = sums.facts.mean_of_known(sums.totals[..., sums.columns.error])
    means = totals / sums.counts
    middle = totals.sum(axis=-1) / sums.n_images
    above = sums.counts * (means - sums.centre[..., IMAGE_ERROR])
    within = sums.totals[..., sums.columns.image_square] - above**2 / sums.counts
    between = sums.counts * (means - middle[..., None]) ** 2
    total = (np.maximum(within, 0.0) + between).sum(axis=-1)
    return np.asarray(np.sqrt(total / sums.n_images))


def l1_of_parameters(sums: GMSums) -> Array:
    """Mean |p - y| of each continuous parameter over images, shape (..., 9); NaN where unknown."""
    return np.asarray(_ratio(sums.errors, sums.facts.n_known))


def correlation(sums: GMSums) -> Array:
    """Pearson correlation of prediction and truth, pooled over (image, continuous parameter)."""
    return sums.pooled_moments.correlation


def r2(sums: GMSums) -> Array:
    """Coefficient of determination, pooled over (image, continuous parameter)."""
    return sums.pooled_moments.r2


def correlation_of_parameters(sums: GMSums) -> Array:
    """Pearson correlation of each continuous parameter, shape (..., 9)."""
    return sums.moments.correlation


def r2_of_parameters(sums: GMSums) -> Array:
    """Coefficient of determination of each continuous parameter, shape (..., 9)."""
    return sums.moments.r2


def accuracy_from(confusion: Array) -> Array:
    """Fraction of images whose class is right; confusion has shape (..., classes, classes)."""
    right = np.trace(confusion, axis1=-2, axis2=-1)
    return _ratio(right, confusion.sum(axis=(-2, -1)))


def f1_from(confusion: Array, average: Literal["weighted", "macro"]) -> Array:
    """F1 score of one head.

    Args:
        confusion: Counts (true class, predicted class), shape (..., classes, classes).
        average: `weighted` by the true classes' frequencies, or `macro` over the classes that
            occur in truth or prediction. (The micro average is the accuracy.)

    Returns:
        Shape (...). A class that is true or predicted but never right counts as 0.
    """
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    true = confusion.sum(axis=-1)
    either = true + confusion.sum(axis=-2)
    scores = np.divide(2 * right, either, out=np.zeros_like(either), where=either > 0)
    weights = true if average == "weighted" else (either > 0).astype(np.float64)
    return _ratio((scores * weights).sum(axis=-1), weights.sum(axis=-1))


def _ratio(total: Array, number: Array) -> Array:
    """Returns total / number, NaN where the number is 0: a label may be unknown for all GMs."""
    return np.asarray(np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0))


def head_scores(sums: GMSums, heads: range, score: Callable[[Array], Array]) -> Array:
    """Returns a score for each of some heads, shape (..., heads).

    Args:
        sums: The sums.
        heads: The discrete parameters, the losses, or both.
        score: Computes it from confusion matrices of shape (..., classes, classes).
    """
    groups = zip(sums.columns.groups, sums.confusion_groups, strict=True)
    return np.concatenate([score(one) for of, one in groups if of[0] in heads], axis=-1)


def _mean_over_heads(heads: range, score: Callable[[Array], Array]) -> Callable[[GMSums], Array]:
    def metric(sums: GMSums) -> Array:
        return mean_where_known(head_scores(sums, heads, score))

    return metric


def weighted_f1_from(confusion: Array) -> Array:
    """F1 score of one head, weighted by the true classes' frequencies."""
    return f1_from(confusion, "weighted")


def macro_f1_from(confusion: Array) -> Array:
    """F1 score of one head, mean over the classes that occur in truth or prediction."""
    return f1_from(confusion, "macro")


ARCHITECTURE_HEADS = range(N_DISCRETE)
LOSS_HEADS = range(N_DISCRETE, N_DISCRETE + N_LOSSES)


def _head_metric(
    name: str,
    title: str,
    score: Callable[[Array], Array],
    *,
    headline: bool = False,
    useful: float | None = None,
) -> Metric:
    group: Literal["architecture", "losses"]
    group, heads = (
        ("architecture", ARCHITECTURE_HEADS) if "arch" in name else ("losses", LOSS_HEADS)
    )
    value = _mean_over_heads(heads, score)
    return Metric(name, title, group, "higher", value, headline=headline, useful=useful)


_SIZE = (0.0, math.inf)
_NO_DIFFERENCE = "the errors do not differ from the reference's, or there are fewer than two"

METRICS: tuple[Metric, ...] = (
    Metric("l1", "L1", "continuous", "lower", l1, _SIZE, headline=True, useful=0.1),
    Metric("l1_std_images", "L1 std of images", "continuous", "lower", l1_std_images, _SIZE),
    Metric(
        "correlation", "correlation", "continuous", "higher", correlation, (-1.0, 1.0),
        "the truth or the prediction is constant", headline=True,
    ),
    Metric(
        "r2", "R²", "continuous", "higher", r2, (-math.inf, 1.0),
        "the truth is constant", headline=True,
    ),
    Metric(
        "ransac_slope", "RANSAC slope", "continuous", "", None, (-math.inf, math.inf),
        "RANSAC finds no line", headline=True,
    ),
    Metric(
        "l1_skill", "L1 skill", "continuous", "higher", skill.l1_skill, (-math.inf, 1.0),
        "the training GMs' median is not known, or right in every count of every GM",
    ),
    Metric(
        "count_spearman", "Spearman", "continuous", "higher", skill.count_spearman, (-1.0, 1.0),
        "the truth or the prediction of every count is the same for all GMs",
    ),
    Metric(
        "p_value", "p (GMs)", "continuous", "lower", None, undefined=f"{_NO_DIFFERENCE} GMs"
    ),
    Metric(
        "p_value_images", "p (images)", "continuous", "lower", None,
        undefined=f"{_NO_DIFFERENCE} images", shown=False,
    ),
    _head_metric("arch_f1", "arch F1", weighted_f1_from, headline=True, useful=0.9),
    _head_metric("arch_f1_macro", "arch F1 macro", macro_f1_from),
    _head_metric("arch_f1_micro", "arch F1 micro", accuracy_from),
    _head_metric("arch_accuracy", "arch accuracy", accuracy_from, headline=True),
    Metric(
        "arch_skill", "arch skill", "architecture", "higher", skill.arch_skill, (-1.0, 1.0),
        "no architecture parameter varies in the truth",
    ),
    _head_metric("loss_f1", "loss F1", weighted_f1_from, headline=True, useful=0.9),
    _head_metric("loss_f1_macro", "loss F1 macro", macro_f1_from),
    _head_metric("loss_f1_micro", "loss F1 micro", accuracy_from),
    _head_metric("loss_accuracy", "loss accuracy", accuracy_from, headline=True),
    Metric(
        "loss_auc", "loss AUC", "losses", "higher", skill.loss_auc, (0.0, 1.0),
        "no loss varies in the truth",
    ),
    Metric(
        "loss_skill", "loss skill", "losses", "higher", skill.loss_skill, (-math.inf, 1.0),
        "the training GMs' base rates are not known",
    ),
    Metric(
        "skill", "skill", "overall", "higher", skill.skill, (-math.inf, 1.0),
        "one of its three parts has no value", headline=True,
    ),
)  # fmt: skip
"""All metrics, in the order of tables and JSON."""

HEADLINE: tuple[Metric, ...] = tuple(metric for metric in METRICS if metric.headline)
"""The metrics of short tables."""

BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
