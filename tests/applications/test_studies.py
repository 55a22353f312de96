from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmbench.applications import studies
from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.benchmark.splits import draw_content_sets, read_sets
from gmbench.errors import BenchmarkError, SourceError
from gmbench.evaluation.comparison import Difference
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.result import ParameterResult
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.writing import write_predictions
from gmbench.training.baselines import predict_baseline
from gmbench.training.options import RunOptions
from gmbench.training.recipes import Recipe, find_recipe
from tests.evaluation.populations import random_predictions, small_benchmark
from tests.training.families import CHANGES, build_families, family_benchmark


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return small_benchmark(6)


def content_benchmark() -> Benchmark:
    """50 GMs, the odd ones of faces; one GM of each content has no images."""
    benchmark = family_benchmark(n_gms=50, n_images=2)
    gms = tuple(
        replace(gm, content=("objects", "faces")[number % 2])
        for number, gm in enumerate(benchmark.gms)
    )
    return replace(benchmark, gms=gms, n_images=(0, 0) + (2,) * 48)


@dataclass(frozen=True)
class Watched:
    """A study of `mean_mode`, and what each of its folds trained on and predicted."""

    study: studies.ContentStudy
    folds: list[Benchmark]


@pytest.fixture(scope="module")
def content() -> Watched:
    folds: list[Benchmark] = []

    def watched(recipe: Recipe, fold: Benchmark, *rest: Any) -> Predictions:
        folds.append(fold)
        return predict_baseline(recipe, fold, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studies, "predict_baseline", watched)
        found = studies.content(find_recipe("mean_mode"), content_benchmark(), None, RunOptions())
    return Watched(found, folds)


def test_content_trains_on_what_it_says_and_tests_on_what_is_held_out(content: Watched) -> None:
    assert len(content.folds) == 12
    seen = []
    for number, fold in enumerate(content.folds):
        (name,) = fold.sets
        training, test = set(fold.training_gms(name)), set(fold.test_gms(name))
        seen.append(test)
        assert not training & test
        assert len(test) == 12
        contents = [{fold.gm(gm).content for gm in gms} for gms in (training, test)]
        assert contents[0] == [{"faces"}, {"objects"}, {"faces", "objects"}][number // 4]
        assert contents[1] == {"faces", "objects"}
        assert test == seen[number % 4]
    assert content.study.training_gms == {"faces": 18, "others": 18, "all": 36}
    said = json.loads(json.dumps(content.study.to_dict(), allow_nan=False))
    for tested, differences in content.study.comparisons.items():
        kept = tuple(Difference(**one) for one in said["comparisons"][tested])
        assert [one[:4] for one in kept] == [one[:4] for one in differences]


def test_content_scores_by_a_slow_way(content: Watched) -> None:
    benchmark, found = content_benchmark(), content.study
    present = [gm for gm, n in zip(benchmark.gms, benchmark.n_images, strict=True) if n]
    drawn = draw_content_sets(present)
    labels, errors = benchmark.normalise(benchmark.labels[:, :9]), []
    for number in range(1, 5):
        held = {*drawn[f"face_{number}"], *drawn[f"nonface_{number}"]}
        training = [g.name for g in present if g.content == "faces" and g.name not in held]
        mean = labels[[benchmark.index[gm] for gm in training]].mean(axis=0)
        tested = [benchmark.index[gm] for gm in drawn[f"nonface_{number}"]]
        errors.append(np.abs(labels[tested] - mean).mean())
    assert found.scores["faces"]["others"]["l1"].mean == pytest.approx(np.mean(errors))


def test_the_sets_of_red116_are_those_in_the_repository() -> None:
    benchmark = load_benchmark("red116")
    known = [gm.name for gm in benchmark.gms]
    assert draw_content_sets(benchmark.gms) == read_sets("content", known)


def test_content_of_a_trained_method(tmp_path: Path, own_cache: Path) -> None:
    benchmark = content_benchmark()
    folder = build_families(tmp_path, replace(benchmark, n_images=(2,) * 50))
    recipe = Recipe("full", "s", "p", "n", training={"all": {}})
    options = RunOptions(changes={**CHANGES, "epochs": 1}, device="cpu", runs=tmp_path / "runs")
    found = studies.content(recipe, replace(benchmark, n_images=(2,) * 50), folder, options)
    assert set(found.scores) == {"faces", "others", "all"}
    assert len(list((tmp_path / "runs").rglob("model"))) == 12


def test_too_few_gms_of_a_content(benchmark: Benchmark) -> None:
    few = replace(benchmark, n_images=(1,) * 30 + (0,) * 86)
    with pytest.raises(BenchmarkError, match="holds out 24 of each"):
        studies.content(find_recipe("mean_mode"), few, None, RunOptions())


def test_ablation_and_cross_entropy_read_what_baselines_left(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    with pytest.raises(SourceError) as caught:
        studies.ablation(tmp_path, benchmark)
    assert "lacks full.parquet, no_magnitude.parquet" in str(caught.value)
    assert "`gmbench baseline full no_magnitude no_spectrum" in str(caught.value)
    for seed, name in enumerate(("full", *studies.ABLATED, "plain_ce")):
        write_predictions(random_predictions(benchmark, seed), tmp_path / f"{name}.parquet")
    found = studies.ablation(tmp_path, benchmark)
    assert tuple(found.comparison.values) == ("full", *studies.ABLATED)
    said = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [Difference(**one)[:4] for one in said["without"]] == [one[:4] for one in found.without]
    assert said["comparison"]["differences"][0]["metric"] == "l1"
    assert {one.second for one in found.without} == set(studies.ABLATED)
    values = found.comparison.values
    for one in found.without:
        first, second = values["full"][one.metric], values[one.second][one.metric]
        assert first is not None
        assert second is not None
        assert one.difference == pytest.approx(first - second)
    both = studies.cross_entropy(tmp_path, benchmark)
    assert len(both.weighted) == len(both.plain) == 16
    expected = evaluate(tmp_path / "plain_ce.parquet", benchmark, replicates=0).parameters
    assert both.plain["normalization"] == expected["normalization"]
    assert json.dumps([found.to_dict(), both.to_dict()], allow_nan=False)


def test_mean_recall_by_hand() -> None:
    result = ParameterResult("discrete", {}, {}, ("a", "b", "c"), ((3, 1, 0), (2, 2, 0), (0, 0, 0)))
    assert studies.mean_recall(result) == pytest.approx((0.75 + 0.5) / 2)
