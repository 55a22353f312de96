from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.models.targets import TrainingTargets, class_counts
from tests.models.fake_targets import fake_targets


def test_labels_of_the_named_gms_in_the_order_given() -> None:
    benchmark = load_benchmark("red116")
    names = benchmark.training_gms("set_1")[::-1]
    targets = TrainingTargets.of(benchmark, names)
    assert targets.names == names
    assert len(targets) == 104
    gm = benchmark.gm(names[7])
    assert targets.kinds[7] == gm.kind
    np.testing.assert_array_equal(targets.discrete[7], gm.values[9:])
    natural = benchmark.denormalise(targets.continuous[7].astype(np.float64))
    np.testing.assert_allclose(natural, gm.values[:9], rtol=1e-5, atol=1e-3)
    assert targets.continuous.dtype == np.float32
    assert targets.discrete.dtype == np.int64
    assert targets.n_classes == (4, 4, 4, 2, 2, 2, *(2,) * 10)
    assert 0 <= targets.continuous.min() <= targets.continuous.max() <= 1


def test_classes_that_only_the_labels_have_count() -> None:
    assert class_counts(load_benchmark("red116", "2024")) != class_counts(load_benchmark("red116"))


def test_unusable_gms() -> None:
    benchmark = load_benchmark("red116")
    with pytest.raises(UnknownNameError):
        TrainingTargets.of(benchmark, ["NO_SUCH_GM"])
    with pytest.raises(BenchmarkError, match="at least one GM and none twice; given: none"):
        TrainingTargets.of(benchmark, [])
    with pytest.raises(BenchmarkError, match="none twice; given: ACGAN, ACGAN"):
        TrainingTargets.of(benchmark, ["ACGAN", "acgan"])


def test_shuffling_keeps_each_columns_distribution_and_no_gms_own_entry() -> None:
    targets = fake_targets(50)
    # Every entry is another number, so that an own one would show.
    entries = np.arange(50 * 16).reshape(16, 50).T.copy()
    targets = TrainingTargets(
        targets.names, targets.kinds, targets.continuous, entries, targets.n_classes
    )
    shuffled = targets.shuffled(3)
    for before, after in (
        (targets.continuous, shuffled.continuous),
        (targets.discrete, shuffled.discrete),
    ):
        np.testing.assert_array_equal(np.sort(before, axis=0), np.sort(after, axis=0))
        assert (before != after).all()
        assert after.dtype == before.dtype
    # Columns are shuffled one by one, not whole rows.
    rows = [Counter(row) for row in (shuffled.discrete % 50).tolist()]
    assert max(max(row.values()) for row in rows) < 5
    assert (shuffled.names, shuffled.kinds) == (targets.names, targets.kinds)


def test_shuffling_is_seeded_and_does_not_turn_answers_round() -> None:
    targets = fake_targets(400)
    first, again, other = targets.shuffled(0), targets.shuffled(0), targets.shuffled(1)
    np.testing.assert_array_equal(first.discrete, again.discrete)
    assert (first.discrete != other.discrete).any()
    assert 0.4 < (first.discrete[:, 6:] == targets.discrete[:, 6:]).mean() < 0.6


def test_a_single_gm_keeps_its_labels() -> None:
    targets = fake_targets(1)
    np.testing.assert_array_equal(targets.shuffled(0).discrete, targets.discrete)


def test_class_weights_by_hand() -> None:
    targets = fake_targets(4)
    targets.discrete[:, 0] = [0, 0, 0, 2]
    targets.discrete[:, 15] = [1, 1, 0, 0]
    weights = targets.class_weights()
    assert weights.shape == (38,)
    np.testing.assert_allclose(weights[:4], [4 / 3, 0, 4, 0])
    np.testing.assert_allclose(weights[-2:], [2, 2])


def test_one_hot_by_hand() -> None:
    targets = fake_targets(2)
    targets.discrete[:, :2] = [[0, 3], [2, 1]]
    np.testing.assert_array_equal(
        targets.one_hot()[:, :8], [[1, 0, 0, 0, 0, 0, 0, 1], [0, 0, 1, 0, 0, 1, 0, 0]]
    )
    np.testing.assert_array_equal(targets.one_hot().sum(axis=1), [16, 16])
