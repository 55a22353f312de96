"""Ranks of GMs within a set, for any number of replicates at once."""

from __future__ import annotations

import numpy as np

from gmbench.evaluation.statistics import DECIMALS, Array


def ranks(values: Array) -> Array:
    """Returns ranks from 1 along the last axis; ties share their mean rank.

    Values that agree to nine decimals are ties: what lies below is rounding.

    Args:
        values: Finite numbers, shape (..., n).

    Examples:
        >>> import numpy as np
        >>> ranks(np.array([0.3, 0.1, 0.3, 0.9])).tolist()
        [2.5, 1.0, 2.5, 4.0]
    """
    rounded = np.round(values, DECIMALS)
    order = np.argsort(rounded, axis=-1, kind="stable")
    in_order = np.take_along_axis(rounded, order, axis=-1)
    n = values.shape[-1]
    place = np.broadcast_to(np.arange(1.0, n + 1), values.shape)
    differs = in_order[..., 1:] != in_order[..., :-1]
    edge = np.ones((*values.shape[:-1], 1), bool)
    # The first and the last place of the ties that each place belongs to.
    starts = np.where(np.concatenate([edge, differs], axis=-1), place, 0.0)
    ends = np.where(np.concatenate([differs, edge], axis=-1), place, n + 1.0)
    first = np.maximum.accumulate(starts, axis=-1)
    last = np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]
    made = np.empty(values.shape)
    np.put_along_axis(made, order, (first + last) / 2, axis=-1)
    return made


def spearman(truth: Array, predicted: Array) -> Array:
    """Returns the rank correlation along the last axis; NaN where either has one value alone.

    Args:
        truth: Shape (..., n).
        predicted: Likewise.
    """
    if not truth.shape[-1]:
        return np.full(truth.shape[:-1], np.nan)
    y, p = ranks(truth), ranks(predicted)
    y -= y.mean(axis=-1, keepdims=True)  # Halves: sums of ranks are exact.
    p -= p.mean(axis=-1, keepdims=True)
    scale = np.sqrt((y * y).sum(axis=-1) * (p * p).sum(axis=-1))
    found = np.divide((y * p).sum(axis=-1), scale, out=np.full_like(scale, np.nan), where=scale > 0)
    return np.asarray(np.clip(found, -1.0, 1.0))


def area_under_roc(truth: Array, scores: Array) -> Array:
    """Returns how often a score of what is true lies above one of what is not; a tie counts half.

    That is the area under the ROC curve (Mann and Whitney's U over the number of pairs).

    Args:
        truth: 0 or 1, shape (..., n).
        scores: Likewise.

    Returns:
        Shape (...); NaN where the truth does not vary.
    """
    yes = truth.sum(axis=-1)
    pairs = yes * (truth.shape[-1] - yes)
    above = (truth * ranks(scores)).sum(axis=-1) - yes * (yes + 1) / 2
    area = np.divide(above, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    return np.asarray(area)
