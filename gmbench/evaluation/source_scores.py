"""Area under the ROC curve and accuracy of a classifier, with intervals that count sources.

A source is a unit that is independent of all others: a GM, a person, a video. Images of one source
are alike, so an interval that counts images is too narrow. Here each replicate draws sources anew
(bootknife), separately for the two classes and for each fold; images go with their sources. Scores
made with the same seed have drawn the same sources, so differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from gmbench.evaluation.resampling import bootknife
from gmbench.evaluation.statistics import Array

REPLICATES = 2000


@dataclass(frozen=True)
class SourceScores:
    """A detector's scores for the images of one source.

    Attributes:
        name: Name of the source.
        scores: One score per image; a higher score is more likely positive.
        stratum: Only images of the same stratum are compared, such as those of one content.
    """

    name: str
    scores: Array
    stratum: str = ""


@dataclass(frozen=True)
class FoldScores:
    """A detector's scores for the test images of one fold.

    Attributes:
        positive: Sources that it should find.
        negative: The others.
    """

    positive: tuple[SourceScores, ...]
    negative: tuple[SourceScores, ...]


@dataclass(frozen=True)
class Estimate:
    """A score with its interval.

    Attributes:
        value: The score.
        ci: The middle 95% of the replicates; None where a class has only one source, or one of each
            stratum, so that none is drawn.
        n_sources: Number of sources of all classes.
        freedom: Degrees of freedom: number of sources minus number of groups that are drawn
            separately, for the class where this is smallest.
        replicates: Scores of the replicates, shape (replicates,); all estimates with the same seed
            and sources have the same shape, so that they can be subtracted.
    """

    value: float
    ci: tuple[float, float] | None
    n_sources: int
    freedom: int
    replicates: Array

    @classmethod
    def of(cls, value: float, n_sources: int, freedom: int, replicates: Array) -> Self:
        """Returns the estimate with the interval of its replicates."""
        if not len(replicates):
            return cls(value, None, n_sources, freedom, replicates)
        low, high = np.percentile(replicates, (2.5, 97.5))
        return cls(value, (float(low), float(high)), n_sources, freedom, replicates)

    def less(self, other: Estimate) -> ScoreDifference:
        """Returns the difference from another method's score, with the same sources drawn."""
        return ScoreDifference.of(
            self.value - other.value,
            self.n_sources,
            self.freedom,
            self.replicates - other.replicates,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns value, interval, number of sources and degrees of freedom as plain data."""
        plain = asdict(self)
        del plain["replicates"]
        return plain


@dataclass(frozen=True)
class ScoreDifference(Estimate):
    """One method's score minus another's on the same images."""

    @property
    def p_value(self) -> float | None:
        """Two-sided p-value of no difference; None where undefined.

        It uses Student's t with the spread of the replicates: with eight persons, a percentile
        alone would claim too much.
        """
        spread = float(self.replicates.std()) if len(self.replicates) else 0.0
        if self.freedom < 1 or spread == 0.0:
            return None
        return float(2 * stdtr(self.freedom, -abs(self.value) / spread))

    def to_dict(self) -> dict[str, Any]:
        """Returns the same as plain data, with the p-value."""
        return {**super().to_dict(), "p_value": self.p_value}


def auc(folds: Sequence[FoldScores], *, replicates: int = REPLICATES, seed: int = 0) -> Estimate:
    """Returns how often a positive image scores above a negative one, mean over the folds.

    A tie counts half; only images of the same stratum and fold are compared.

    Args:
        folds: At least one fold, each with a pair of images to compare.
        replicates: Number of replicates.
        seed: Seed of the draws.

    Raises:
        ValueError: A fold has no pair of images to compare.
    """
    values, drawn = [], []
    for number, fold in enumerate(folds):
        above, pairs = pair_counts(fold)
        if not pairs.any():
            raise ValueError(f"Fold {number} has no pair of images to compare.")
        values.append(above.sum() / pairs.sum())
        generator = np.random.default_rng([seed, number])
        left = _times(generator, [one.stratum for one in fold.positive], replicates)
        right = _times(generator, [one.stratum for one in fold.negative], replicates)
        counted = ((left @ pairs) * right).sum(axis=1)
        found = ((left @ above) * right).sum(axis=1)
        drawn.append(np.divide(found, counted, out=np.full(replicates, np.nan), where=counted > 0))
    n_sources = sum(len(fold.positive) + len(fold.negative) for fold in folds)
    freedom = min(
        sum(_freedom(fold.positive) for fold in folds),
        sum(_freedom(fold.negative) for fold in folds),
    )
    several = all(min(len(fold.positive), len(fold.negative)) > 1 for fold in folds)
    made = np.mean(drawn, axis=0) if several and freedom else np.empty(0)
    return Estimate.of(float(np.mean(values)), n_sources, freedom, made[np.isfinite(made)])


def pair_counts(fold: FoldScores) -> tuple[Array, Array]:
    """Returns how many image pairs of each pair of sources are in order, and out of how many.

    Returns:
        Two arrays of shape (positive sources, negative sources); a tie counts half.
    """
    shape = (len(fold.positive), len(fold.negative))
    above, pairs = np.zeros(shape), np.zeros(shape)
    for column, negative in enumerate(fold.negative):
        ordered = np.sort(negative.scores)
        for row, positive in enumerate(fold.positive):
            if positive.stratum != negative.stratum:
                continue
            below = np.searchsorted(ordered, positive.scores, side="left")
            not_above = np.searchsorted(ordered, positive.scores, side="right")
            above[row, column] = (below + not_above).sum() / 2
            pairs[row, column] = len(ordered) * len(positive.scores)
    return above, pairs


def source_aucs(folds: Sequence[FoldScores]) -> dict[str, float]:
    """Returns each positive source's area against the negatives of its stratum, mean over folds."""
    found: dict[str, list[float]] = {}
    for fold in folds:
        above, pairs = pair_counts(fold)
        for one, right, all_pairs in zip(fold.positive, above, pairs, strict=True):
            if all_pairs.sum():
                found.setdefault(one.name, []).append(float(right.sum() / all_pairs.sum()))
    return {name: float(np.mean(areas)) for name, areas in found.items()}


def accuracy(
    right: Mapping[str, Sequence[Array]], *, replicates: int = REPLICATES, seed: int = 0
) -> Estimate:
    """Returns the fraction of images that are right, mean over the classes: balanced accuracy.

    Args:
        right: For each class and each of its sources, whether each image is right, 0 or 1.
        replicates: Number of replicates; sources are drawn class by class.
        seed: Seed of the draws.

    Raises:
        ValueError: There is no class, or a class has no image.
    """
    if not right or any(not sum(map(len, sources)) for sources in right.values()):
        raise ValueError("Every class needs an image to be told right or wrong.")
    values, drawn = [], []
    for number, sources in enumerate(right.values()):
        sums = np.array([np.sum(one) for one in sources], dtype=np.float64)
        counts = np.array([len(one) for one in sources], dtype=np.float64)
        values.append(sums.sum() / counts.sum())
        times = _times(np.random.default_rng([seed, number]), [""] * len(sources), replicates)
        drawn.append((times @ sums) / (times @ counts))
    varies = all(len(sources) > 1 for sources in right.values())
    made = np.mean(drawn, axis=0) if varies else np.empty(0)
    counts_of = [len(sources) for sources in right.values()]
    return Estimate.of(float(np.mean(values)), sum(counts_of), min(counts_of) - 1, made)


def _freedom(sources: Sequence[SourceScores]) -> int:
    return len(sources) - len({one.stratum for one in sources})


def _times(
    generator: np.random.Generator, strata: Sequence[str], replicates: int
) -> NDArray[np.float64]:
    """Returns how often each replicate draws each source, shape (replicates, sources)."""
    names = sorted(set(strata))
    drawn = bootknife(generator, [names.index(one) for one in strata], replicates)
    n = len(strata)
    flat = drawn + n * np.arange(replicates)[:, None]
    counts = np.bincount(flat.ravel(), minlength=n * replicates).reshape(replicates, n)
    return counts.astype(np.float64)
