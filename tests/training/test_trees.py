from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import BenchmarkError
from gmbench.training.baselines import run_baseline
from gmbench.training.feature_table import FeatureTable
from gmbench.training.trees import predict_with_trees, spectral
from tests.evaluation.populations import small_benchmark


def test_learns_from_training_gms_alone_and_not_from_shuffled_labels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gmbench.training.trees.TREES", 30)
    benchmark = small_benchmark(2)
    generator = np.random.default_rng(0)
    gms = np.repeat(np.arange(len(benchmark.gms)), 2)
    truth = benchmark.normalise(benchmark.labels[:, :9])
    clues = np.hstack([truth, benchmark.labels[:, 9:]])[gms]
    features = (clues + generator.normal(0, 0.01, clues.shape)).astype(np.float32)
    order = generator.permutation(len(benchmark.gms))
    errors = {}
    for name, labels in (("true", benchmark.labels), ("shuffled", benchmark.labels[order])):
        made = predict_with_trees(benchmark, FeatureTable(features, gms, labels), seed=0)
        # The trees' votes: sure of what they know, and of no class but those of the benchmark.
        assert {key: odds.shape[1] for key, odds in made.values.probabilities.items()} == {
            key: len(classes) for key, classes in benchmark.classes.items()
        }
        predicted = benchmark.normalise(made.values.continuous)
        errors[name] = np.abs(predicted - truth[made.gms]).mean()
    assert errors["true"] < 0.09
    assert errors["shuffled"] > 0.14


def test_needs_a_folder() -> None:
    with pytest.raises(BenchmarkError, match="Give the folder of a dataset"):
        spectral(small_benchmark(1), 0, None)


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("name", ["spectral", "spectral_size_colour"])
def test_tells_how_far_it_is_and_gives_the_same_again(
    name: str, families: Benchmark, family_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmbench.training.trees.TREES", 8)
    told: list[tuple[str, int, int | None]] = []
    made = [
        run_baseline(name, families, folder=family_folder, progress=lambda *now: told.append(now))
        for _ in range(2)
    ]
    assert made[0].sha256 == made[1].sha256
    assert made[0].probabilities_sha256 == made[1].probabilities_sha256 is not None
    assert made[0].source == name
    # Features are made once, by whichever baseline comes first; two sets are learnt each time.
    assert [now for now in told if now[0] != f"{name} features"] == [
        (f"{name} sets", 0, 2), (f"{name} sets", 1, 2), (f"{name} sets", 2, 2)
    ] * 2  # fmt: skip
