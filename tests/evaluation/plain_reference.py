"""Every metric of docs/metrics.md anew: plain loops, scipy and scikit-learn, for one set.

Nothing of `gmbench` is used here. What is not defined is NaN. A target that is NaN is unknown: each
metric drops it by itself, image by image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn.linear_model import RANSACRegressor
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    mean_absolute_error,
    r2_score,
    recall_score,
    roc_auc_score,
)

NAN = math.nan


@dataclass(frozen=True)
class Case:
    """Truth and predictions of a set's images, shape (images, 25); counts are normalised."""

    target: np.ndarray
    prediction: np.ndarray
    gm: np.ndarray
    reference: np.ndarray
    training: np.ndarray

    @property
    def gms(self) -> list[object]:
        return list(dict.fromkeys(self.gm.tolist()))

    def at_gm_level(self) -> Case:
        """One row a GM: means of counts and scores, the majority of each class."""

        def together(values: np.ndarray) -> np.ndarray:
            made = []
            for gm in self.gms:
                rows = values[self.gm == gm]
                row = [math.fsum(column) / len(column) for column in rows.T]
                for head in range(9, 15):
                    row[head] = float(np.bincount(rows[:, head].astype(int)).argmax())
                row[15:] = [round(score, 9) for score in row[15:]]
                made.append(row)
            return np.array(made)

        first = [int(np.flatnonzero(self.gm == gm)[0]) for gm in self.gms]
        return Case(
            self.target[first],
            together(self.prediction),
            np.array(self.gms),
            together(self.reference),
            self.training,
        )


def metrics(case: Case, seed: int) -> dict[str, float]:
    known = ~np.isnan(case.target[:, :9])
    y, p = case.target[:, :9][known], case.prediction[:, :9][known]
    errors, others = (
        np.array(
            [
                math.fsum(np.abs(row[:9] - true[:9])[there]) / there.sum()
                for row, true, there in zip(one, case.target, known, strict=True)
            ]
        )
        for one in (case.prediction, case.reference)
    )
    by_gm = [[e[case.gm == gm].mean() for gm in case.gms] for e in (errors, others)]
    labels = case.target[:, 9:]
    chosen = np.column_stack([case.prediction[:, 9:15], case.prediction[:, 15:] >= 0.5]).astype(int)
    heads_of = []
    for head in range(16):
        rows = ~np.isnan(labels[:, head])
        heads_of.append((labels[rows, head].astype(int), chosen[rows, head]))
    found = {
        "l1": float(mean_absolute_error(y, p)),
        "l1_std_images": float(errors.std()),
        "correlation": pearson(y, p),
        "r2": NAN if np.ptp(y) == 0 else float(r2_score(y, p)),
        "ransac_slope": slope(p.reshape(-1, 1), y, seed),
        "l1_skill": l1_skill(case),
        "count_spearman": count_spearman(case),
        "p_value": t_test(*by_gm),
        "p_value_images": t_test(errors, others),
        "arch_skill": mean([balanced(*heads_of[h]) for h in range(6)]),
        "loss_auc": loss_auc(case),
        "loss_skill": loss_skill(case),
    }
    for group, heads in (("arch", range(6)), ("loss", range(6, 16))):
        pairs = [heads_of[head] for head in heads if len(heads_of[head][0])]
        for suffix, average in (("", "weighted"), ("_macro", "macro"), ("_micro", "micro")):
            scores = [f1_score(*pair, average=average, zero_division=0) for pair in pairs]
            found[f"{group}_f1{suffix}"] = float(np.mean(scores))
        found[f"{group}_accuracy"] = float(np.mean([accuracy_score(*pair) for pair in pairs]))
    found["skill"] = (found["l1_skill"] + found["arch_skill"] + found["loss_skill"]) / 3
    return found


def mean(values: list[float]) -> float:
    """Mean of those that are defined."""
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else NAN


def pearson(y: np.ndarray, p: np.ndarray) -> float:
    if any(one.std() <= 1e-9 * math.sqrt(np.mean(one**2)) for one in (y, p)):
        return NAN
    # In exact sums: far out of range, squares of floats would cancel.
    y, p = y - math.fsum(y) / len(y), p - math.fsum(p) / len(p)
    return math.fsum(y * p) / math.sqrt(math.fsum(y * y) * math.fsum(p * p))


def slope(p: np.ndarray, y: np.ndarray, seed: int) -> float:
    if len(y) < 2 or np.ptp(p) == 0:
        return NAN
    try:
        return float(RANSACRegressor(random_state=seed).fit(p, y).estimator_.coef_[0])
    except ValueError:
        return NAN


def t_test(first: object, second: object) -> float:
    differences = np.asarray(first) - np.asarray(second)
    if len(differences) < 2 or np.abs(differences).max() < 1e-12:
        return NAN
    return 0.0 if differences.std() == 0 else float(stats.ttest_rel(first, second).pvalue)


def gm_means(case: Case, column: int) -> tuple[list[float], list[float]]:
    """Truth and mean prediction of each GM of which it is known, to nine decimals."""
    truth, means = [], []
    for gm in case.gms:
        rows = case.gm == gm
        if math.isnan(case.target[rows, column][0]):
            continue
        truth.append(float(case.target[rows, column][0]))
        means.append(round(math.fsum(case.prediction[rows, column]) / rows.sum(), 9))
    return truth, means


def l1_skill(case: Case) -> float:
    skills = []
    for column in range(9):
        rows = ~np.isnan(case.target[:, column])
        if not rows.any():
            continue
        truth = case.target[rows, column]
        trained = case.training[:, column]
        floor = float(np.abs(np.median(trained[~np.isnan(trained)]) - truth).mean())
        if floor > 1e-12:
            skills.append(1 - float(np.abs(case.prediction[rows, column] - truth).mean()) / floor)
    return mean(skills)


def count_spearman(case: Case) -> float:
    found, any_varies = [], False
    for column in range(9):
        truth, means = gm_means(case, column)
        if len(set(truth)) < 2:
            continue
        varies = len(set(means)) > 1
        any_varies |= varies
        found.append(float(stats.spearmanr(truth, means)[0]) if varies else 0.0)
    return mean(found) if any_varies else NAN


def balanced(truth: np.ndarray, chosen: np.ndarray) -> float:
    classes = sorted(set(truth.tolist()))
    k = len(classes)
    if k < 2:
        return NAN
    recall = recall_score(truth, chosen, labels=classes, average=None, zero_division=0)
    return float((np.mean(recall) - 1 / k) / (1 - 1 / k))


def loss_auc(case: Case) -> float:
    areas = []
    for column in range(15, 25):
        truth, means = gm_means(case, column)
        areas.append(NAN if len(set(truth)) < 2 else float(roc_auc_score(truth, means)))
    return mean(areas)


def loss_skill(case: Case) -> float:
    cost, floor = 0.0, 0.0
    for truth, scores in zip(case.target[:, 15:], case.prediction[:, 15:], strict=True):
        for loss in range(10):
            if math.isnan(truth[loss]):
                continue
            trained = case.training[:, 15 + loss]
            rate = float(np.mean(trained[~np.isnan(trained)]))
            for score, total in ((scores[loss], "cost"), (rate, "floor")):
                clipped = min(max(score, 0.01), 0.99)
                nats = -math.log(clipped if truth[loss] == 1 else 1 - clipped)
                if total == "cost":
                    cost += nats
                else:
                    floor += nats
    return 1 - cost / floor
