"""Every metric of `gmbench evaluate` as a plain function of arrays, such as `gmbench.metrics.l1`.

The order of arguments is scikit-learn's: truth, then prediction. Both have the columns of a
dataset's `target`: 9 normalised counts, 6 class indices, 10 losses (0 or 1; a predicted loss may be
a score, where 0.5 or more means yes). The metrics of the counts need only the first 9. `gm` says
which GM made each image; all images of a GM share one target.

Each function returns what the evaluator computes for one set, with the same code (docs/metrics.md
has the definitions), and NaN where the metric is undefined. Only `expected_calibration_error` takes
arbitrary probabilities and needs no GMs. All functions raise `PredictionError` where shapes do not
match, a target or prediction is invalid, or images of one GM have different targets.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gmbench.evaluation import metrics, ransac
from gmbench.evaluation.arrays import confidences, set_of_arrays
from gmbench.evaluation.calibration import binned_sums, calibration_error
from gmbench.evaluation.significance import SetErrors, p_values

__all__ = sorted([*metrics.BY_NAME, "expected_calibration_error"])


def l1(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the mean of |p - y| over images and the 9 counts.

    Args:
        target: Truth, shape (images, 25) or (images, 9).
        prediction: What was predicted, same shape.
        gm: Name or number of each image's GM, shape (images,).

    Examples:
        >>> l1([[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.7] * 9], ["A", "B"])
        0.2
    """
    return _value("l1", target, prediction, gm)


def l1_std_images(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the standard deviation (ddof 0) over images of the image's mean |p - y|.

    Takes the same arguments as `l1`.

    Examples:
        >>> round(l1_std_images([[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.7] * 9], ["A", "B"]), 3)
        0.1
    """
    return _value("l1_std_images", target, prediction, gm)


def correlation(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns Pearson's correlation, pooled over (image, count).

    Takes the same arguments as `l1`.

    Examples:
        >>> round(correlation([[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.7] * 9], ["A", "B"]), 3)
        1.0
    """
    return _value("correlation", target, prediction, gm)


def r2(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the coefficient of determination, pooled over (image, count).

    Takes the same arguments as `l1`.

    Examples:
        >>> round(r2([[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.7] * 9], ["A", "B"]), 3)
        0.8
    """
    return _value("r2", target, prediction, gm)


def ransac_slope(
    target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, *, seed: int = 0
) -> float:
    """Returns the slope of scikit-learn's RANSAC line, truth as response on prediction.

    Takes the same arguments as `l1`, and the seed of the points that are tried.

    Examples:
        >>> round(ransac_slope([[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.6] * 9], ["A", "B"]), 3)
        2.0
    """
    return ransac.ransac_slope(*set_of_arrays(target, prediction, gm).points, seed)


def p_value(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, reference: ArrayLike) -> float:
    """Returns the p-value of the paired t-test on the GMs' mean errors against a reference.

    Takes the same arguments as `l1`, and what the reference predicts, shaped like the prediction.

    Examples:
        >>> target = [[0.0] * 9, [0.5] * 9, [1.0] * 9]
        >>> mine, other = [[0.1] * 9, [0.5] * 9, [0.9] * 9], [[0.6] * 9, [0.8] * 9, [0.5] * 9]
        >>> round(p_value(target, mine, ["A", "B", "C"], other), 3)
        0.02
    """
    return _p_values(target, prediction, gm, reference)[0]


def p_value_images(
    target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, reference: ArrayLike
) -> float:
    """Returns the p-value on the images' errors, as in the paper; they are not independent.

    Takes the same arguments as `p_value`.

    Examples:
        >>> target = [[0.0] * 9, [0.0] * 9, [1.0] * 9]
        >>> mine, other = [[0.1] * 9, [0.0] * 9, [0.9] * 9], [[0.6] * 9, [0.3] * 9, [0.5] * 9]
        >>> round(p_value_images(target, mine, ["A", "A", "B"], other), 3)
        0.02
    """
    return _p_values(target, prediction, gm, reference)[1]


def arch_f1(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns F1 weighted by the true classes' frequencies, mean over the 6 class parameters.

    Takes the same arguments as `l1`, with 25 columns.

    Examples:
        >>> target = [[0.0] * 25, [1.0] * 25]
        >>> prediction = [[0.0] * 25, [0.0] * 10 + [1.0] * 15]
        >>> round(arch_f1(target, prediction, ["A", "B"]), 3)
        0.889
    """
    return _value("arch_f1", target, prediction, gm)


def arch_f1_macro(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the mean F1 of the classes in truth or prediction, mean over the 6 class parameters.

    Takes the same arguments as `arch_f1`.

    Examples:
        >>> target = [[0.0] * 25, [0.0] * 25]
        >>> prediction = [[0.0] * 25, [0.0] * 9 + [1.0] + [0.0] * 15]
        >>> round(arch_f1_macro(target, prediction, ["A", "B"]), 3)
        0.889
    """
    return _value("arch_f1_macro", target, prediction, gm)


def arch_f1_micro(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the F1 score of all classes' pooled counts: with one class per image, the accuracy.

    Takes the same arguments as `arch_f1`.

    Examples:
        >>> target = [[0.0] * 25, [0.0] * 25]
        >>> prediction = [[0.0] * 25, [0.0] * 9 + [1.0] + [0.0] * 15]
        >>> round(arch_f1_micro(target, prediction, ["A", "B"]), 3)
        0.917
    """
    return _value("arch_f1_micro", target, prediction, gm)


def arch_accuracy(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the fraction of images whose class is right, mean over the 6 class parameters.

    Takes the same arguments as `arch_f1`.

    Examples:
        >>> target = [[0.0] * 25, [0.0] * 25]
        >>> prediction = [[0.0] * 25, [0.0] * 9 + [1.0] * 3 + [0.0] * 13]
        >>> arch_accuracy(target, prediction, ["A", "B"])
        0.75
    """
    return _value("arch_accuracy", target, prediction, gm)


def loss_f1(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the F1 score weighted by the frequencies of yes and no, mean over the 10 losses.

    Takes the same arguments as `arch_f1`.

    Examples:
        >>> target = [[0.0] * 25, [1.0] * 25]
        >>> prediction = [[0.0] * 24 + [0.6], [1.0] * 25]
        >>> round(loss_f1(target, prediction, ["A", "B"]), 3)
        0.933
    """
    return _value("loss_f1", target, prediction, gm)


def loss_f1_macro(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the mean F1 score of yes and no, where they occur, mean over the 10 losses.

    Takes the same arguments as `arch_f1`.

    Examples:
        >>> round(loss_f1_macro([[0.0] * 25], [[0.0] * 24 + [0.6]], ["A"]), 3)
        0.9
    """
    return _value("loss_f1_macro", target, prediction, gm)


def loss_f1_micro(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the F1 score of the pooled counts of yes and no, which is the accuracy.

    Takes the same arguments as `arch_f1`.

    Examples:
        >>> round(loss_f1_micro([[0.0] * 25], [[0.0] * 24 + [0.6]], ["A"]), 3)
        0.9
    """
    return _value("loss_f1_micro", target, prediction, gm)


def loss_accuracy(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the fraction of images whose use of a loss is right, mean over the 10 losses.

    Takes the same arguments as `arch_f1`.

    Examples:
        >>> round(loss_accuracy([[0.0] * 25], [[0.0] * 23 + [0.6] * 2], ["A"]), 3)
        0.8
    """
    return _value("loss_accuracy", target, prediction, gm)


def skill(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, training: ArrayLike) -> float:
    """Returns the mean of `l1_skill`, `arch_skill` and `loss_skill`.

    Takes the same arguments as `l1_skill`, with 25 columns.

    Examples:
        >>> target = [[0.0] * 25, [1.0] * 25]
        >>> skill(target, target, ["A", "B"], target) > 0.99
        True
    """
    return _value("skill", target, prediction, gm, training)


def l1_skill(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, training: ArrayLike) -> float:
    """Returns 1 - l1 / l1 of the training GMs' median, mean over the counts; the median has 0.

    Takes the same arguments as `l1`, and the targets of the training GMs, one row each.

    Examples:
        >>> target, prediction = [[0.0] * 9, [1.0] * 9], [[0.1] * 9, [0.7] * 9]
        >>> round(l1_skill(target, prediction, ["A", "B"], [[0.2] * 9, [0.6] * 9]), 3)
        0.6
    """
    return _value("l1_skill", target, prediction, gm, training)


def count_spearman(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the rank correlation of GMs' mean predictions with the truth, mean over counts.

    Takes the same arguments as `l1`.

    Examples:
        >>> target = [[0.0] * 9, [0.5] * 9, [1.0] * 9]
        >>> prediction = [[0.1] * 9, [0.7] * 9, [0.6] * 9]
        >>> round(count_spearman(target, prediction, ["A", "B", "C"]), 3)
        0.5
    """
    return _value("count_spearman", target, prediction, gm)


def arch_skill(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns balanced accuracy over the true classes, chance being 0, mean over the 6 heads.

    Takes the same arguments as `arch_f1`.

    Examples:
        >>> target = [[0.0] * 25, [1.0] * 25]
        >>> prediction = [[0.0] * 25, [0.0] * 12 + [1.0] * 13]
        >>> arch_skill(target, prediction, ["A", "B"])
        0.5
    """
    return _value("arch_skill", target, prediction, gm)


def loss_auc(target: ArrayLike, prediction: ArrayLike, gm: ArrayLike) -> float:
    """Returns the area under the ROC curve of the GMs' mean scores, mean over losses that vary.

    Takes the same arguments as `arch_f1`.

    Examples:
        >>> target = [[0.0] * 25, [1.0] * 25]
        >>> prediction = [[0.0] * 15 + [0.3] * 10, [1.0] * 15 + [0.2] * 5 + [0.4] * 5]
        >>> loss_auc(target, prediction, ["A", "B"])
        0.5
    """
    return _value("loss_auc", target, prediction, gm)


def loss_skill(
    target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, training: ArrayLike
) -> float:
    """Returns 1 - log-loss / log-loss of the training GMs' base rates, all losses together.

    Takes the same arguments as `l1_skill`, with 25 columns.

    Examples:
        >>> target = [[0.0] * 25, [1.0] * 25]
        >>> prediction = [[0.0] * 15 + [0.25] * 10, [1.0] * 15 + [0.75] * 10]
        >>> round(loss_skill(target, prediction, ["A", "B"], target), 3)
        0.585
    """
    return _value("loss_skill", target, prediction, gm, training)


def expected_calibration_error(truth: ArrayLike, probability: ArrayLike) -> float:
    """Returns the mean |confidence - fraction that came true| of ten bins, weighted by number.

    Args:
        truth: Whether a loss is used, 0 or 1, or the class index, shape (images,).
        probability: Score of the loss, shape (images,); or the probabilities of the classes, shape
            (images, classes), of which the largest is the confidence and its class the answer.

    Examples:
        >>> round(expected_calibration_error([1, 1, 0, 0], [0.9, 0.9, 0.9, 0.2]), 3)
        0.225
        >>> round(expected_calibration_error([0, 2], [[0.8, 0.1, 0.1], [0.6, 0.2, 0.2]]), 3)
        0.4
    """
    confidence, true = confidences(truth, probability)
    one_gm = np.zeros(len(true), dtype=np.int64)
    return float(calibration_error(binned_sums(confidence, true, one_gm, 1)[0]))


def _value(
    name: str,
    target: ArrayLike,
    prediction: ArrayLike,
    gm: ArrayLike,
    training: ArrayLike | None = None,
) -> float:
    metric = metrics.BY_NAME[name]
    heads = metric.group != "continuous"
    table = set_of_arrays(target, prediction, gm, training, heads=heads)
    assert metric.value is not None
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(metric.value(table.sums))


def _p_values(
    target: ArrayLike, prediction: ArrayLike, gm: ArrayLike, reference: ArrayLike
) -> tuple[float, float]:
    tables = (set_of_arrays(target, predicted, gm) for predicted in (prediction, reference))
    return p_values(*(SetErrors.of(table) for table in tables))
