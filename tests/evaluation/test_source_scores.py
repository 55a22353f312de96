from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import t as student
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from gmbench.evaluation.source_scores import (
    FoldScores,
    SourceScores,
    accuracy,
    auc,
    pair_counts,
    source_aucs,
)


def drawn(shift: float, n_sources: int, seed: int, n_images: int = 12) -> tuple[SourceScores, ...]:
    """Sources whose images are alike: half of the variance is the source's."""
    generator = np.random.default_rng(seed)
    return tuple(
        SourceScores(
            f"{shift}/{number}",
            shift + generator.normal() + generator.normal(size=n_images),
        )
        for number in range(n_sources)
    )


def test_auc_is_that_of_scikit_learn() -> None:
    folds = [FoldScores(drawn(0.8, 5, seed), drawn(0.0, 4, seed + 10)) for seed in range(3)]
    expected = []
    for fold in folds:
        scores = [one.scores for one in (*fold.positive, *fold.negative)]
        truth = np.repeat([1, 0], [5 * 12, 4 * 12])
        expected.append(roc_auc_score(truth, np.concatenate(scores)))
    found = auc(folds)
    assert found.value == pytest.approx(np.mean(expected))
    assert found.n_sources == 27
    assert found.ci is not None
    assert found.ci[0] < found.value < found.ci[1]
    assert np.array_equal(found.replicates, auc(folds).replicates)
    assert not np.array_equal(found.replicates, auc(folds, seed=1).replicates)
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_ties_count_half_and_strata_are_not_mixed() -> None:
    fold = FoldScores(
        (
            SourceScores("a", np.array([1.0, 2.0]), "faces"),
            SourceScores("b", np.array([0.0]), "digits"),
        ),
        (
            SourceScores("c", np.array([1.0, 3.0]), "faces"),
            SourceScores("d", np.array([-1.0]), "digits"),
        ),
    )
    above, pairs = pair_counts(fold)
    assert above.tolist() == [[1.5, 0], [0, 1]]
    assert pairs.tolist() == [[4, 0], [0, 1]]
    assert auc([fold]).value == pytest.approx(2.5 / 5)
    # Of one source of each stratum nothing is drawn.
    assert (auc([fold]).freedom, auc([fold]).ci) == (0, None)
    assert source_aucs([fold]) == {"a": 1.5 / 4, "b": 1.0}
    again = replace(fold, positive=fold.positive[:1], negative=fold.positive[:1])
    assert source_aucs([fold, again]) == {"a": (1.5 / 4 + 0.5) / 2, "b": 1.0}


def test_separable_scores_are_1_and_shuffled_ones_a_half() -> None:
    apart = FoldScores(drawn(50.0, 6, 0), drawn(0.0, 6, 1))
    found = auc([apart])
    assert (found.value, found.ci) == (1.0, (1.0, 1.0))
    alike = auc([FoldScores(drawn(0.0, 30, 2), drawn(0.0, 30, 3))])
    assert alike.ci is not None
    assert alike.ci[0] < 0.5 < alike.ci[1]


def test_the_interval_covers_when_sources_are_what_is_drawn() -> None:
    """Images of a source are alike: an interval that counted images would cover far less."""
    # The difference of two scores has a variance of 4.
    truth = float(ndtr(0.8 / 2))
    covered = 0
    for seed in range(100):
        fold = FoldScores(drawn(0.8, 12, 2 * seed), drawn(0.0, 12, 10_000 + seed))
        ci = auc([fold], replicates=300).ci
        assert ci is not None
        covered += ci[0] <= truth <= ci[1]
    assert 85 <= covered <= 100


def test_differences_are_paired() -> None:
    fold = FoldScores(drawn(0.5, 8, 4), drawn(0.0, 8, 5))
    better = FoldScores(
        tuple(SourceScores(one.name, one.scores + 0.3) for one in fold.positive), fold.negative
    )
    first, second = auc([better]), auc([fold])
    difference = first.less(second)
    assert difference.value == pytest.approx(first.value - second.value)
    assert first.ci is not None
    assert difference.ci is not None
    assert difference.ci[0] > 0
    assert difference.ci[1] - difference.ci[0] < (first.ci[1] - first.ci[0]) / 2
    assert first.less(first).ci == (0.0, 0.0)


def test_a_difference_is_tested_with_the_spread_over_sources() -> None:
    folds = [FoldScores(drawn(0.5, 8, seed), drawn(0.0, 4, seed + 10)) for seed in range(2)]
    better = [
        FoldScores(
            tuple(SourceScores(one.name, one.scores + 0.3) for one in fold.positive), fold.negative
        )
        for fold in folds
    ]
    difference = auc(better).less(auc(folds))
    # Eight sources of the smaller class, drawn in two folds.
    assert difference.freedom == 6
    expected = 2 * student.sf(difference.value / difference.replicates.std(), 6)
    assert difference.p_value == pytest.approx(expected)
    assert auc(folds).less(auc(better)).p_value == pytest.approx(expected)
    assert difference.to_dict()["p_value"] == difference.p_value
    assert auc(folds).less(auc(folds)).p_value is None
    one = [np.array([1.0]), np.array([0.0])]
    assert (
        accuracy({"a": one * 3, "b": one * 2}).less(accuracy({"a": one * 3, "b": one * 2})).freedom
        == 3
    )


def test_methods_that_do_not_differ_are_seldom_told_apart() -> None:
    """Two methods that are as good on the same sources: p below 0.05 in about one of twenty."""
    generator = np.random.default_rng(0)
    told = 0
    for seed in range(100):
        folds = [
            FoldScores(drawn(1.0, 6, 4 * seed + k), drawn(0.0, 3, 10_000 + 4 * seed + k))
            for k in range(2)
        ]
        scores = []
        for _ in range(2):
            noisy = [
                FoldScores(
                    *(
                        tuple(
                            SourceScores(one.name, one.scores + generator.normal()) for one in side
                        )
                        for side in (fold.positive, fold.negative)
                    )
                )
                for fold in folds
            ]
            scores.append(auc(noisy, replicates=200, seed=seed))
        p = scores[0].less(scores[1]).p_value
        assert p is not None
        told += p < 0.05
    assert told <= 11


def test_one_source_alone_has_no_interval() -> None:
    assert auc([FoldScores(drawn(0.5, 1, 0), drawn(0.0, 4, 1))]).ci is None
    assert accuracy({"a": [np.ones(3)], "b": [np.zeros(3), np.ones(3)]}).ci is None
    with pytest.raises(ValueError, match="Fold 0 has no pair"):
        auc([FoldScores(drawn(0.5, 1, 0), ())])
    with pytest.raises(ValueError, match="needs an image"):
        accuracy({"a": []})


def test_accuracy_is_balanced() -> None:
    generator = np.random.default_rng(0)
    right = {
        name: [(generator.random(5) < share).astype(float) for _ in range(count)]
        for name, share, count in (("a", 0.9, 20), ("b", 0.4, 6))
    }
    truth = np.repeat([0, 1], [100, 30])
    told = np.concatenate(
        [
            np.where(np.concatenate(right["a"]), 0, 1),
            np.where(np.concatenate(right["b"]), 1, 0),
        ]
    )
    found = accuracy(right)
    assert found.value == pytest.approx(balanced_accuracy_score(truth, told))
    assert found.n_sources == 26
    assert found.ci is not None
    assert found.ci[0] < found.value < found.ci[1]
