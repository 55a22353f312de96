"""Ranks of GMs within a set, for any number of replicates at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DECIMALS = 9
"""GM means that agree to this many decimals are equal, in ranks and at the threshold of one half.

Smaller differences are rounding.
"""

_FEW = 32
"""Up to this many values, comparing each with each is faster than sorting."""

Array = NDArray[np.float64]


def ranks(values: Array, axis: int = -1) -> Array:
    """Returns ranks from 1 along an axis; ties share their mean rank.

    Values that agree to nine decimals are ties: smaller differences are rounding.

    Args:
        values: Numbers, none NaN.
        axis: Axis along which they are ranked.

    Examples:
        >>> import numpy as np
        >>> ranks(np.array([0.3, 0.1, 0.3, 0.9])).tolist()
        [2.5, 1.0, 2.5, 4.0]
    """
    rounded = np.moveaxis(np.round(values, DECIMALS), axis, 0)
    made = _by_comparing(rounded) if len(rounded) <= _FEW else _by_sorting(rounded)
    return np.moveaxis(made, 0, axis)


def ranks_of_known(values: Array, known: Array) -> Array:
    """Returns ranks of GMs among those that count; the others come after them.

    Args:
        values: Finite numbers, shape (..., GMs, numbers).
        known: 1 for those that count, 0 for the others, of the same shape.
    """
    return ranks(np.where(known > 0, values, np.inf), axis=-2)


def _by_comparing(values: Array) -> Array:
    """Ranks along the first axis: (n + 1 + values below - values above) / 2."""
    above = np.zeros_like(values, dtype=np.int8)
    for one in values:
        above += (values > one).view(np.int8)
        above -= (values < one).view(np.int8)
    return np.asarray((len(values) + 1 + above) / 2, dtype=np.float64)


def _by_sorting(values: Array) -> Array:
    """Ranks along the first axis, by runs of equal values in sorted order."""
    n = len(values)
    of_last = np.moveaxis(values, 0, -1)
    order = np.argsort(of_last, axis=-1, kind="stable")
    in_order = np.take_along_axis(of_last, order, axis=-1)
    place = np.broadcast_to(np.arange(1.0, n + 1), of_last.shape)
    differs = in_order[..., 1:] != in_order[..., :-1]
    edge = np.ones((*of_last.shape[:-1], 1), bool)
    # The first and last positions of the ties that each position belongs to.
    starts = np.where(np.concatenate([edge, differs], axis=-1), place, 0.0)
    ends = np.where(np.concatenate([differs, edge], axis=-1), place, n + 1.0)
    first = np.maximum.accumulate(starts, axis=-1)
    last = np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]
    made = np.empty(of_last.shape)
    np.put_along_axis(made, order, (first + last) / 2, axis=-1)
    return np.moveaxis(made, -1, 0)


def correlation_of_ranks(first: Array, second: Array, known: Array) -> Array:
    """Returns Spearman's correlation over GMs; NaN where either has only one value.

    Args:
        first: Ranks from `ranks_of_known`, shape (..., GMs, numbers).
        second: Ranks, same shape.
        known: 1 for the GMs that count, 0 for the others.

    Returns:
        Shape (..., numbers).
    """
    mean = (known.sum(axis=-2, keepdims=True) + 1) / 2
    # Multiples of one half: sums of ranks are exact.
    y, p = (first - mean) * known, (second - mean) * known
    scale = np.sqrt((y * y).sum(axis=-2) * (p * p).sum(axis=-2))
    product = (y * p).sum(axis=-2)
    found = np.divide(product, scale, out=np.full_like(scale, np.nan), where=scale > 0)
    return np.asarray(np.clip(found, -1.0, 1.0))


def area_under_roc(truth: Array, scores: Array) -> Array:
    """Returns how often a true case scores higher than a false one; a tie counts half.

    This is the area under the ROC curve (Mann and Whitney's U divided by the number of pairs).

    Args:
        truth: 0 or 1, shape (..., GMs, numbers); -1 for what does not count.
        scores: Scores, same shape.

    Returns:
        Shape (..., numbers); NaN where the truth does not vary.
    """
    is_yes, known = (truth > 0).astype(np.float64), (truth >= 0).astype(np.float64)
    yes = is_yes.sum(axis=-2)
    pairs = yes * (known.sum(axis=-2) - yes)
    above = (is_yes * ranks_of_known(scores, known)).sum(axis=-2) - yes * (yes + 1) / 2
    area = np.divide(above, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)
    return np.asarray(area)
