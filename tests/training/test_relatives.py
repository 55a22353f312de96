from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import BenchmarkError
from gmbench.training.baselines import run_baseline
from gmbench.training.discriminants import Discriminants
from gmbench.training.feature_table import FeatureTable
from gmbench.training.relatives import (
    UNLIKE,
    Relatives,
    best,
    directions_of,
    fit_relatives,
    said_by_relatives,
)
from gmbench.training.trees import predict_with_trees
from tests.evaluation.populations import small_benchmark


@pytest.fixture
def benchmark() -> Benchmark:
    return small_benchmark(6)


@pytest.fixture
def table(benchmark: Benchmark) -> FeatureTable:
    """Features that are the labels of an image's GM, a little disturbed."""
    generator = np.random.default_rng(0)
    gms = np.repeat(np.arange(len(benchmark.gms)), 6)
    truth = benchmark.normalise(benchmark.labels[:, :9])
    clues = np.hstack([truth, benchmark.labels[:, 9:]])[gms]
    features = (clues + generator.normal(0, 0.05, clues.shape)).astype(np.float32)
    return FeatureTable(features, gms, benchmark.labels)


def test_learns_from_training_gms_alone_and_not_from_shuffled_labels(
    benchmark: Benchmark, table: FeatureTable
) -> None:
    truth = benchmark.normalise(benchmark.labels[:, :9])
    order = np.random.default_rng(0).permutation(len(benchmark.gms))
    errors = []
    for labels in (table.labels, table.labels[order]):
        made = predict_with_trees(
            benchmark, replace(table, labels=labels), seed=0, learner=fit_relatives
        )
        predicted = benchmark.normalise(made.values.continuous)
        errors.append(np.abs(predicted - truth[made.gms]).mean())
    assert errors[0] < 0.75 * errors[1]


def test_an_image_is_parsed_the_same_alone_and_among_others(
    benchmark: Benchmark, table: FeatureTable
) -> None:
    known = replace(table, features=table.features[30:], gms=table.gms[30:])
    unseen = table.features[:30]
    counts, heads = fit_relatives(known, unseen, benchmark, seed=0)
    some, some_heads = fit_relatives(known, unseen[7:9], benchmark, seed=0)
    np.testing.assert_allclose(counts[7:9], some)
    for head, odds in zip(heads, some_heads, strict=True):
        np.testing.assert_allclose(head[7:9], odds, rtol=1e-6)
        np.testing.assert_allclose(head.sum(axis=1), 1)


def test_more_images_of_a_gm_do_not_make_it_weigh_more(
    benchmark: Benchmark, table: FeatureTable
) -> None:
    twice = np.r_[np.arange(len(table.gms)), np.flatnonzero(table.gms == 0)]
    more = replace(table, features=table.features[twice], gms=table.gms[twice])
    shares = [
        Discriminants.fit(one.features, one.gms, one.weights).shares(table.features)
        for one in (table, more)
    ]
    np.testing.assert_allclose(shares[0], shares[1], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(shares[0].sum(axis=1), 1)
    assert (shares[0].argmax(axis=1) == table.gms).mean() > 0.5


def test_what_relatives_say_is_read_off_their_shares(benchmark: Benchmark) -> None:
    labels = benchmark.labels[:5].copy()
    labels[:, 9] = (0, 0, 0, 0, 1)
    labels[:, 15] = (0, 0, 1, 0, 1)
    shares = np.array([[0.0, 0.0, 1.0, 0.0, 0.0], [0.3, 0.1, 0.1, 0.05, 0.45]])
    counts, heads = said_by_relatives(shares, labels, benchmark)
    own = benchmark.normalise(labels[:, :9])
    # More than half of the first image's shares are one GM's, so its counts are the medians.
    assert (1 - UNLIKE) > 0.5
    np.testing.assert_allclose(counts[0], own[2])
    careful = (1 - UNLIKE) * shares[1] + UNLIKE / 5
    for count, column in zip(counts[1], own.T, strict=True):
        assert careful[column < count - 1e-12].sum() < 0.5 <= careful[column <= count].sum()
    assert heads[6][0, 1] == pytest.approx(1 - UNLIKE + UNLIKE * 2 / 5)
    # 0.45 of a class that one GM in five has is more than 0.55 of one that four have.
    assert heads[0][1].argmax() == 1
    assert heads[0][0].argmax() == 0


def test_needs_a_folder(benchmark: Benchmark) -> None:
    with pytest.raises(BenchmarkError, match="Give the folder of a dataset"):
        best(benchmark, 0, None)


@pytest.mark.usefixtures("own_cache")
def test_gives_the_same_again(
    families: Benchmark, family_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmbench.training.leaf_trees.TREES", 8)
    one, again = (run_baseline("best", families, folder=family_folder) for _ in range(2))
    assert one.sha256 == again.sha256
    assert one.source == "best"


def test_a_copy_that_is_the_image_teaches_nothing(
    benchmark: Benchmark, table: FeatureTable
) -> None:
    targets = directions_of(benchmark.labels, benchmark)
    alone, twice = (
        Relatives.fit(table.features, table.gms, targets, 0, copies)
        for copies in ((), (table.features,))
    )
    np.testing.assert_allclose(
        alone.discriminants.shares(table.features),
        twice.discriminants.shares(table.features),
        rtol=1e-6,
        atol=1e-9,
    )
