from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from gmbench.applications.attack import Similarity, judge
from gmbench.applications.attack_pairs import CATEGORIES, draw_pairs
from gmbench.applications.attack_result import SAME_CONTENT, AttackResult
from gmbench.applications.attack_scores import AUC, Cells, Mean, best_threshold
from gmbench.applications.similarity import pair_similarities
from gmbench.errors import BenchmarkError
from tests.applications.attacks import images_of, plain_auc, similarity_of

TOLD = ("toy", "1", "nobody")


def test_separable_images_are_told_apart() -> None:
    images = images_of()
    found = judge(images, [similarity_of(images, 0.05)], told=TOLD, n_pairs=60)
    one = found.methods["s"]
    assert one.auc.value == one.auc_same_content.value == one.accuracy.value == 1
    assert one.auc.ci == pytest.approx((1, 1))
    assert [category.n_wrong for category in one.categories.values()] == [0] * 5
    assert {category.share_of_wrong for category in one.categories.values()} == {None}


def test_a_gm_parsed_by_two_parsers_counts_once() -> None:
    images = images_of(24, n_seen=0, parsers=2)
    twice = replace(images, names=tuple(images.names[row - row % 2] for row in range(24)))
    apart, shared = (
        judge(one, [similarity_of(one, 1.5)], told=TOLD, n_pairs=60, replicates=200)
        for one in (images, twice)
    )
    assert (apart.n_seen, apart.n_unseen) == (0, 24)
    assert (shared.n_seen, shared.n_unseen) == (0, 12)
    narrow, wide = (one.methods["s"].auc for one in (apart, shared))
    assert narrow.value == wide.value
    assert narrow.ci is not None
    assert wide.ci is not None
    assert wide.ci[0] < narrow.ci[0]


def test_shuffled_images_are_not() -> None:
    images = images_of(20, 10)
    similarity = similarity_of(images, 0.3)
    shuffled = np.random.default_rng(5).permutation(len(images.gms))
    mixed = replace(similarity, vectors=similarity.vectors[shuffled])
    found = judge(images, [mixed], told=TOLD, n_pairs=400).methods["s"]
    assert found.auc.ci is not None
    assert found.auc.ci[0] < 0.5 < found.auc.ci[1]
    assert found.auc.ci[1] - found.auc.ci[0] < 0.2


def test_scores_by_a_slow_way() -> None:
    images = images_of()
    similarity = similarity_of(images, 1.5)
    pairs = draw_pairs(images, 40, seed=0)
    scores = pair_similarities(similarity.vectors, pairs.first, pairs.second)
    found = judge(images, [similarity], told=TOLD, n_pairs=40, replicates=0)
    one = found.methods["s"]
    assert one.auc.value == pytest.approx(plain_auc(scores, pairs.same))
    contents = np.array(images.contents)[images.gms]
    alike = contents[pairs.first] == contents[pairs.second]
    assert one.auc_same_content.value == pytest.approx(
        # Each category weighs the same, also where some of its cells are left out.
        np.mean(
            [
                plain_auc(np.r_[scores[pairs.same], scores[these]], np.r_[one_gm, [False] * n])
                for number in (2, 3, 4)
                if (n := int((these := (pairs.categories == number) & alike).sum()))
                for one_gm in [np.ones(int(pairs.same.sum()), dtype=bool)]
            ]
        ),
        abs=0.02,
    )
    right = (scores >= one.threshold_optimum) == pairs.same
    assert one.accuracy_optimum.value == pytest.approx(right.mean())
    tried = [((scores >= t) == pairs.same).mean() for t in [*np.unique(scores), 2.0]]
    assert one.accuracy_optimum.value == pytest.approx(max(tried))
    assert one.accuracy.value is not None
    assert one.accuracy_optimum.value is not None
    assert one.accuracy.value <= one.accuracy_optimum.value
    assert found.always_different == pytest.approx(0.6)


def test_the_categories_add_up() -> None:
    images = images_of()
    found = judge(images, [similarity_of(images, 1.5)], told=TOLD, n_pairs=40, replicates=0)
    one = found.methods["s"]
    categories = one.categories
    assert tuple(categories) == CATEGORIES == tuple(found.n_pairs)
    assert sum(found.n_pairs.values()) == 200
    assert all(categories[name].n_pairs == n for name, n in found.n_pairs.items())
    wrong = sum(category.n_wrong for category in categories.values())
    assert one.accuracy.value == pytest.approx(1 - wrong / 200)
    shares = [category.share_of_wrong or 0.0 for category in categories.values()]
    assert sum(shares) == pytest.approx(1)
    for category in categories.values():
        assert category.wrong.value == pytest.approx(category.n_wrong / category.n_pairs)


def test_replicates_weigh_gms_and_not_pairs() -> None:
    images = images_of(8, 5)
    pairs = draw_pairs(images, 30, seed=1)
    cells = Cells.of(images, pairs, 5, seed=2)
    scores = pair_similarities(similarity_of(images, 1.0).vectors, pairs.first, pairs.second)
    right = scores > 0.3
    found = cells.resampled({"auc": AUC.of_scores(cells, scores), "mean": Mean.over(cells, right)})
    one, other = images.gms[pairs.first], images.gms[pairs.second]
    assert (cells.drawn.sum(axis=1) == 8).all()
    assert (cells.drawn[:, :4].sum(axis=1) == 4).all()
    without = 1 - np.eye(8, dtype=int)
    for drawn, auc, mean in [
        *zip(cells.drawn, found["auc"].replicates, found["mean"].replicates, strict=True),
        *zip(without, found["auc"].left_out, found["mean"].left_out, strict=True),
    ]:
        weights = np.where(one == other, drawn[one], drawn[one] * drawn[other]).astype(float)
        for number in range(5):
            among = pairs.categories == number
            if weights[among].sum():
                weights[among] *= 30 / weights[among].sum()
        assert mean == pytest.approx((weights * right).sum() / weights.sum())
        beaten = (scores[pairs.same][:, None] > scores[~pairs.same]) + 0.5 * (
            scores[pairs.same][:, None] == scores[~pairs.same]
        )
        products = weights[pairs.same][:, None] * weights[~pairs.same]
        assert auc == pytest.approx((products * beaten).sum() / products.sum())


def test_paired_tests_find_the_better_one_and_no_other() -> None:
    images = images_of(24, 8)
    better, worse = (
        similarity_of(images, 0.8, name="better"),
        similarity_of(images, 2.0, 1, "worse"),
    )
    twin = replace(worse, name="twin")
    found = judge(images, [better, worse, twin], told=TOLD, n_pairs=300)
    tests = {(one.first, one.second, one.metric): one for one in found.differences}
    won = tests["better", "worse", "auc"]
    assert won.p_holm is not None
    assert won.p_value is not None
    assert won.ci is not None
    assert won.p_value <= won.p_holm < 0.01
    assert won.ci[0] > 0
    equal = tests["worse", "twin", "auc"]
    assert (equal.difference, equal.p_value, equal.p_holm) == (0, None, None)
    assert len(tests) == 12  # Six pairs of four, the reference among them, in two metrics.


def test_the_reference_knows_the_content_alone() -> None:
    images = images_of()
    found = judge(images, [similarity_of(images, 1.0)], told=TOLD, n_pairs=60, replicates=0)
    one = found.methods[SAME_CONTENT]
    assert one.auc_same_content.value == 0.5
    assert one.categories["same_seen"].n_wrong == one.categories["same_unseen"].n_wrong == 0
    assert one.accuracy.value == one.accuracy_optimum.value


def test_the_threshold_is_that_of_training_gms() -> None:
    images, known = images_of(), images_of(10, 6, n_seen=10)
    similarity = similarity_of(images, 1.0)
    training = similarity_of(known, 1.0, seed=9).vectors
    with_own = replace(similarity, training=training)
    found = judge(images, [with_own], known, told=TOLD, n_pairs=60, replicates=0)
    pairs = draw_pairs(known, 60)
    expected = best_threshold(
        pair_similarities(training, pairs.first, pairs.second), pairs.same, 0.4
    )
    assert found.methods["s"].thresholds == (expected,)
    assert found.threshold_from == "training GMs"


def test_a_threshold_from_other_test_gms_never_looks_at_those_judged() -> None:
    images = images_of(n_gms=20)
    similarity = similarity_of(images, 1.0)
    before = judge(images, [similarity], told=TOLD, n_pairs=100, replicates=0)
    assert before.threshold_from == "other test GMs"
    pairs = draw_pairs(images, 100)
    own = (images.gms[pairs.first] == 0) & (images.gms[pairs.second] == 0)
    scores = pair_similarities(similarity.vectors, pairs.first, pairs.second)
    # Whatever is done to a GM's own vectors, its pairs are judged by what others say.
    vectors = similarity.vectors.copy()
    vectors[images.gms == 0] = 0
    after = judge(
        images, [replace(similarity, vectors=vectors)], told=TOLD, n_pairs=100, replicates=0
    )
    assert scores[own].mean() > 0.4
    wrong = after.methods["s"].categories["same_seen"].n_wrong
    assert wrong >= own.sum()
    assert max(after.methods["s"].thresholds) <= max(before.methods["s"].thresholds) + 0.1


def test_too_few_gms_for_a_threshold() -> None:
    images = images_of(3, 5, n_seen=0)
    with pytest.raises(BenchmarkError, match="or predictions of training GMs with --training"):
        judge(images, [similarity_of(images, 1.0)], told=TOLD, n_pairs=10, replicates=0)


@pytest.mark.parametrize(
    ("scores", "same", "expected"),
    [
        ([0.1, 0.2, 0.8, 0.9], [False, False, True, True], 0.5),
        ([0.9, 0.8, 0.2, 0.1], [True, False, False, False], 0.85),
        ([0.5, 0.5], [True, False], 1.0),
    ],
    ids=["apart", "the highest", "equal ones"],
)
def test_best_threshold_by_hand(scores: list[float], same: list[bool], expected: float) -> None:
    assert best_threshold(np.array(scores), np.array(same), 0.4) == pytest.approx(expected)


def test_a_result_is_read_back() -> None:
    images = images_of()
    found = judge(images, [similarity_of(images, 1.0)], told=TOLD, n_pairs=30, replicates=50)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert AttackResult.from_dict(json.loads(text)) == found


@pytest.mark.slow
def test_intervals_cover() -> None:
    """95% intervals of the AUC hold what AUC the population of GMs has, nine times of ten."""
    n_gms, n_images = 30, 8
    truth, held = [], []
    for seed in range(150):
        images = images_of(n_gms, n_images)
        generator = np.random.default_rng(seed)
        # Some GMs are well told from others, some badly.
        spread = generator.uniform(0.3, 3.0, n_gms)[images.gms][:, None]
        directions = generator.normal(size=(n_gms, 16))[images.gms]
        raw = directions + spread * generator.normal(size=directions.shape)
        vectors = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
        found = judge(
            images, [Similarity("s", "", vectors)], told=TOLD, n_pairs=300, replicates=400
        )
        truth.append(found.methods["s"].auc.value or 0.0)
        held.append(found.methods["s"].auc.ci)
    mean = np.mean(truth)
    covered = np.mean([ci is not None and ci[0] <= mean <= ci[1] for ci in held])
    assert 0.9 <= covered <= 0.995
