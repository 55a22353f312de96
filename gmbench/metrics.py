"""Every metric of `gmbench evaluate` as a plain function of arrays, such as `gmbench.metrics.l1`.

The order of arguments is scikit-learn's: what is true, what is predicted. Both have the columns of
a dataset's `target`: 9 normalised counts, 6 class indices, 10 losses (0 or 1; a predicted loss may
be a score, 0.5 and more is yes). The metrics of the counts need no more than the 9. `gm` says which
GM made each image; the images of one GM share one target.

Each function returns what the evaluator computes of one set, by the same code (docs/metrics.md has
the definitions), and NaN where the metric is not defined. All raise `PredictionError` where shapes
do not fit, a target or prediction is not sound, or images of one GM have different targets.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmbench.errors import PredictionError
from gmbench.evaluation import metrics
from gmbench.evaluation.significance import p_values
from gmbench.evaluation.statistics import Array, Columns, SetTable
from gmbench.schema import N_CONTINUOUS, N_DISCRETE, N_HEADS, NAMES

__all__ = list(metrics.BY_NAME)

_LAST_CLASS = 127
"""What an index of predictions can be."""


def l1(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the mean of |p - y| over images and the 9 counts.

    Args:
        target: Truth, shape (images, 25) or (images, 9).
        prediction: What was predicted, likewise.
        gm: Name or number of each image's GM, shape (images,).

    Examples:
        >>> l1([[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.7] * 9], ["A", "B"])
        0.2
    """
    return _value("l1", target, prediction, gm)


def l1_std_images(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the standard deviation (ddof 0) over images of the image's mean |p - y|.

    Takes what `l1` does.

    Examples:
        >>> round(l1_std_images([[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.7] * 9], ["A", "B"]), 3)
        0.1
    """
    return _value("l1_std_images", target, prediction, gm)


def correlation(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns Pearson's correlation, pooled over (image, count).

    Takes what `l1` does.

    Examples:
        >>> correlation([[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.7] * 9], ["A", "B"])
        1.0
    """
    return _value("correlation", target, prediction, gm)


def r2(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the coefficient of determination, pooled over (image, count).

    Takes what `l1` does.

    Examples:
        >>> round(r2([[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.7] * 9], ["A", "B"]), 3)
        0.8
    """
    return _value("r2", target, prediction, gm)


def ransac_slope(
    target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, *, seed: int = 0
) -> float:
    """Returns the slope of scikit-learn's RANSAC line, truth as response on prediction.

    Takes what `l1` does, and the seed of the points that are tried.

    Examples:
        >>> round(ransac_slope([[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.6] * 9], ["A", "B"]), 3)
        2.0
    """
    return metrics.ransac_slope(*_table(target, prediction, gm).points, seed)


def p_value(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, reference: ArrayLike) -> float:
    """Returns the p-value of the paired t-test on the GMs' mean errors against a reference.

    Takes what `l1` does, and what the reference predicts, shaped as the prediction.

    Examples:
        >>> target = [[0.0] * 9, [0.5] * 9, [1.0] * 9]
        >>> mine, other = [[0.1] * 9, [0.5] * 9, [0.9] * 9], [[0.6] * 9, [0.8] * 9, [0.5] * 9]
        >>> round(p_value(target, mine, ["A", "B", "C"], other), 3)
        0.02
    """
    return p_values(_table(target, prediction, gm), _table(target, reference, gm))[0]


def p_value_images(
    target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, reference: ArrayLike
) -> float:
    """Returns the same of the images' errors, as the paper does; they are not independent.

    Takes what `p_value` does.

    Examples:
        >>> target = [[0.0] * 9, [0.0] * 9, [1.0] * 9]
        >>> mine, other = [[0.1] * 9, [0.0] * 9, [0.9] * 9], [[0.6] * 9, [0.3] * 9, [0.5] * 9]
        >>> round(p_value_images(target, mine, ["A", "A", "B"], other), 3)
        0.02
    """
    return p_values(_table(target, prediction, gm), _table(target, reference, gm))[1]


def arch_f1(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the F1 score weighted by the true classes' frequencies, mean over the 6 classes.

    Takes what `l1` does, of 25 columns.

    Examples:
        >>> target = [[0.0] * 25, [1.0] * 25]
        >>> prediction = [[0.0] * 25, [0.0] * 10 + [1.0] * 15]
        >>> round(arch_f1(target, prediction, ["A", "B"]), 3)
        0.889
    """
    return _value("arch_f1", target, prediction, gm)


def arch_f1_macro(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the F1 score over the classes that occur in truth or prediction, likewise.

    Takes what `arch_f1` does.

    Examples:
        >>> target = [[0.0] * 25, [0.0] * 25]
        >>> prediction = [[0.0] * 25, [0.0] * 9 + [1.0] + [0.0] * 15]
        >>> round(arch_f1_macro(target, prediction, ["A", "B"]), 3)
        0.889
    """
    return _value("arch_f1_macro", target, prediction, gm)


def arch_f1_micro(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the F1 score of all classes' counts together: with one class an image, accuracy.

    Takes what `arch_f1` does.

    Examples:
        >>> target = [[0.0] * 25, [0.0] * 25]
        >>> prediction = [[0.0] * 25, [0.0] * 9 + [1.0] + [0.0] * 15]
        >>> round(arch_f1_micro(target, prediction, ["A", "B"]), 3)
        0.917
    """
    return _value("arch_f1_micro", target, prediction, gm)


def arch_accuracy(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the part of the images whose class is right, mean over the 6 classes.

    Takes what `arch_f1` does.

    Examples:
        >>> target = [[0.0] * 25, [0.0] * 25]
        >>> prediction = [[0.0] * 25, [0.0] * 9 + [1.0] * 3 + [0.0] * 13]
        >>> arch_accuracy(target, prediction, ["A", "B"])
        0.75
    """
    return _value("arch_accuracy", target, prediction, gm)


def loss_f1(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the F1 score weighted by the frequencies of yes and no, mean over the 10 losses.

    Takes what `arch_f1` does.

    Examples:
        >>> target = [[0.0] * 25, [1.0] * 25]
        >>> prediction = [[0.0] * 24 + [0.6], [1.0] * 25]
        >>> round(loss_f1(target, prediction, ["A", "B"]), 3)
        0.933
    """
    return _value("loss_f1", target, prediction, gm)


def loss_f1_macro(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the F1 score over yes and no, where they occur, likewise.

    Takes what `arch_f1` does.

    Examples:
        >>> round(loss_f1_macro([[0.0] * 25], [[0.0] * 24 + [0.6]], ["A"]), 3)
        0.9
    """
    return _value("loss_f1_macro", target, prediction, gm)


def loss_f1_micro(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the F1 score of all counts of yes and no together, which is the accuracy.

    Takes what `arch_f1` does.

    Examples:
        >>> round(loss_f1_micro([[0.0] * 25], [[0.0] * 24 + [0.6]], ["A"]), 3)
        0.9
    """
    return _value("loss_f1_micro", target, prediction, gm)


def loss_accuracy(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the part of the images of which it is right whether the loss is used, mean of 10.

    Takes what `arch_f1` does.

    Examples:
        >>> round(loss_accuracy([[0.0] * 25], [[0.0] * 23 + [0.6] * 2], ["A"]), 3)
        0.8
    """
    return _value("loss_accuracy", target, prediction, gm)


def _value(name: str, target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    metric = metrics.BY_NAME[name]
    table = _table(target, prediction, gm, heads=metric.group != "continuous")
    assert metric.value is not None
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(metric.value(table.sums))


def _table(
    target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, *, heads: bool = False
) -> SetTable:
    """Takes arrays for a set of the evaluator; without heads, the classes count as right."""
    try:
        true, predicted = np.asarray(target, np.float64), np.asarray(prediction, np.float64)
    except (TypeError, ValueError) as error:
        raise PredictionError(f"Targets and predictions are arrays of numbers: {error}.") from error
    widths = (len(NAMES),) if heads else (N_CONTINUOUS, len(NAMES))
    if true.ndim != 2 or true.shape[1] not in widths or not len(true):
        expected = " or ".join(f"(images, {width})" for width in widths)
        raise PredictionError(f"The targets have the shape {true.shape}; expected is {expected}.")
    if predicted.shape != true.shape:
        raise PredictionError(
            f"The predictions have the shape {predicted.shape}, the targets {true.shape}."
        )
    if np.shape(gm) != true.shape[:1]:
        raise PredictionError(
            f"gm has the shape {np.shape(gm)}; {len(true):,} images need one each."
        )
    if not (np.isfinite(true).all() and np.isfinite(predicted).all()):
        raise PredictionError("Targets and predictions must be finite numbers.")
    known = np.asarray(gm)
    if known.dtype == object:
        known = known.astype(str)
    names, first, gm_of = np.unique(known, return_index=True, return_inverse=True)
    of_gms = true[first]
    differing = np.flatnonzero((true != of_gms[gm_of]).any(axis=1))
    if len(differing):
        raise PredictionError(
            f"The images of GM {names[gm_of[differing[0]]]} have different targets."
        )
    classes, chosen = (_classes(one) if heads else _none(one) for one in (of_gms, predicted))
    n_classes = np.maximum(classes.max(axis=0), chosen.max(axis=0)) + 1
    return SetTable.of(
        name="arrays",
        gms=[str(name) for name in names],
        labels=(of_gms[:, :N_CONTINUOUS], classes),
        gm_of=gm_of,
        predicted=(predicted[:, :N_CONTINUOUS], chosen),
        columns=Columns.of(n_classes.tolist()),
    )


def _none(values: Array) -> NDArray[np.int64]:
    return np.zeros((len(values), N_HEADS), dtype=np.int64)


def _classes(values: Array) -> NDArray[np.int64]:
    """Returns class indices, losses as 0 or 1, shape (rows, 16)."""
    heads = values[:, N_CONTINUOUS:].copy()
    losses = heads[:, N_DISCRETE:]
    if (losses < 0).any() or (losses > 1).any():
        raise PredictionError("Losses must be 0, 1 or scores between them.")
    losses[:] = losses >= 0.5
    if (heads < 0).any() or (heads > _LAST_CLASS).any() or (heads != heads.round()).any():
        raise PredictionError(f"Classes must be indices: whole numbers from 0 to {_LAST_CLASS}.")
    return heads.astype(np.int64)
