from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.models.clusters import Clusters, cluster, elbow
from gmbench.models.targets import TrainingTargets
from tests.models.fake_targets import fake_targets


@pytest.fixture(scope="module")
def targets() -> TrainingTargets:
    benchmark = load_benchmark("red116")
    return TrainingTargets.of(benchmark, benchmark.training_gms("set_1"))


def test_every_gm_is_in_one_cluster_and_every_cluster_of_one_kind(
    targets: TrainingTargets,
) -> None:
    clusters = Clusters.of(targets)
    assert sorted(set(clusters.ids.tolist())) == list(range(clusters.n_clusters))
    kinds = np.array(targets.kinds)
    for identity in range(clusters.n_clusters):
        assert len(set(kinds[clusters.ids == identity])) == 1
    # The paper finds 11 to 15 in its sets.
    assert 8 <= clusters.n_clusters <= 18


def test_tables_by_a_slow_way(targets: TrainingTargets) -> None:
    clusters = Clusters.of(targets)
    for row in range(len(targets)):
        members = [g for g in range(len(targets)) if clusters.ids[g] == clusters.ids[row]]
        mean = np.mean([targets.continuous[g] for g in members], axis=0)
        np.testing.assert_allclose(clusters.continuous[row], mean, atol=1e-6)
        np.testing.assert_allclose(
            clusters.deviation[row], targets.continuous[row] - mean, atol=1e-6
        )
        for head in range(16):
            votes = [int(targets.discrete[g, head]) for g in members]
            assert clusters.discrete[row, head] == max(sorted(set(votes)), key=votes.count)
            same = clusters.discrete[row, head] == targets.discrete[row, head]
            assert clusters.fusion[row, head] == float(same)
    # Mean and deviation make the label again (equation 13).
    np.testing.assert_allclose(
        clusters.continuous + clusters.deviation, targets.continuous, atol=1e-6
    )


def test_clustering_is_deterministic(targets: TrainingTargets) -> None:
    first, second = Clusters.of(targets, 5), Clusters.of(targets, 5)
    np.testing.assert_array_equal(first.ids, second.ids)


def test_clusters_are_numbered_by_first_appearance() -> None:
    ids = Clusters.of(fake_targets(30)).ids.tolist()
    kinds = fake_targets(30).kinds
    gans = [i for i, kind in zip(ids, kinds, strict=True) if kind == "GAN"]
    assert list(dict.fromkeys(gans)) == list(range(len(set(gans))))


def test_different_classes_are_at_squared_distance_one() -> None:
    targets = fake_targets(2)
    targets.continuous[:] = 0.5
    targets.discrete[:] = 1
    targets.discrete[1, [0, 5, 9]] = 0
    first, second = targets.vectors()
    assert ((first - second) ** 2).sum() == pytest.approx(3)


@pytest.mark.parametrize("k", [2, 3, 4, 6])
def test_elbow_finds_separate_blobs(k: int) -> None:
    generator = np.random.default_rng(k)
    # Corners of a simplex are equally far apart.
    rows = np.repeat(10 * np.eye(k, 8), 12, axis=0) + generator.normal(0, 0.1, (12 * k, 8))
    ids = cluster(rows, seed=0)
    np.testing.assert_array_equal(ids, np.repeat(np.arange(k), 12))


@pytest.mark.parametrize(
    ("inertia", "k"),
    [
        ([10, 2, 1, 0], 2),
        ([10, 9, 2, 1, 0], 3),
        ([3, 2, 1, 0], 1),
        ([5], 1),
        ([0], 1),
        ([4, 0], 1),
    ],
)
def test_elbow_by_hand(inertia: list[float], k: int) -> None:
    assert elbow(np.array(inertia, dtype=float)) == k
    assert elbow(1000 * np.array(inertia, dtype=float)) == k


def test_few_or_equal_gms_are_one_cluster() -> None:
    targets = fake_targets(3, kinds=("GAN", "VAE", "NF"))
    clusters = Clusters.of(targets)
    assert clusters.ids.tolist() == [0, 1, 2]
    assert not clusters.deviation.any()
    assert clusters.fusion.all()
    equal = replace(
        targets,
        kinds=("GAN",) * 3,
        continuous=np.zeros((3, 9), np.float32),
        discrete=np.zeros((3, 16), np.int64),
    )
    assert Clusters.of(equal).ids.tolist() == [0, 0, 0]
