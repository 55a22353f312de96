from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import BenchmarkError, GmbenchError
from gmbench.evaluation.evaluate import evaluate
from gmbench.files import WriteError
from gmbench.models.targets import class_counts
from gmbench.predictions.predictions import Predictions, read_predictions
from gmbench.predictions.reference import random_labels
from gmbench.training.config import TrainingConfig
from gmbench.training.methods import check_settings
from gmbench.training.options import RunOptions
from gmbench.training.parsed_sets import present_gms
from gmbench.training.recipes import Recipe, find_recipe
from gmbench.training.suite import check_place, run_one, run_suite, versions
from tests.evaluation.populations import small_benchmark
from tests.training.families import CHANGES

pytestmark = pytest.mark.usefixtures("own_cache")

TINY_FULL = Recipe("full", "tiny", "nowhere", "labels and images", training={"all": {}})
OPTIONS = RunOptions(changes={**CHANGES, "epochs": 1}, device="cpu")


def test_baselines_side_by_side(families: Benchmark, family_folder: Path, tmp_path: Path) -> None:
    seen: list[str] = []
    recipes = [TINY_FULL, find_recipe("mean_mode"), find_recipe("random_labels")]
    options = replace(OPTIONS, runs=tmp_path / "runs")
    result = run_suite(
        recipes, families, family_folder, tmp_path / "out", options,
        lambda what, done, total: seen.append(what),
    )  # fmt: skip
    assert list(result.baselines) == ["full", "mean_mode", "random_labels"]
    assert result.comparison is not None
    assert result.comparison.methods == ("full", "mean_mode", "random_labels")
    for name, one in result.baselines.items():
        written = read_predictions(tmp_path / "out" / f"{name}.parquet", families)
        assert written.sha256 == one.predictions.sha256
        scored = json.loads((tmp_path / "out" / f"{name}.json").read_text())
        assert scored == json.loads(json.dumps(one.to_dict()))
        assert scored["summary"]["l1"]["mean"] == evaluate(written).summary["l1"].mean
        run = scored["run"]
        assert run["seed"] == 0
        assert ("torch" in run["versions"]) == (name == "full")
        assert run["changes"] == (dict(options.changes) if name == "full" else {})
        assert "cores" in run["machine"]
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["methods"]
    assert json.dumps(result.to_dict(), allow_nan=False)
    assert {"full set_1 batches", "full set_2 batches", "comparing"} <= set(seen)


def test_an_interrupted_suite_may_go_on_and_no_other_take_its_place(tmp_path: Path) -> None:
    benchmark, options = small_benchmark(2), RunOptions()
    recipes = [find_recipe("mean_mode"), find_recipe("median_mode")]

    def interrupt(what: str, done: int, total: int | None) -> None:
        if what == "comparing":
            raise KeyboardInterrupt

    check_place(recipes, benchmark, tmp_path, options)
    with pytest.raises(KeyboardInterrupt):
        run_suite(recipes, benchmark, None, tmp_path, options, interrupt)
    assert (tmp_path / "median_mode.json").exists()
    check_place(recipes, benchmark, tmp_path, options)
    not_json = replace(options, changes={"clip": float("nan")})
    for others in ((recipes[::-1], benchmark, options), (recipes, small_benchmark(3), options),
                   (recipes, benchmark, replace(options, seed=1)),
                   (recipes, benchmark, not_json)):  # fmt: skip
        with pytest.raises(WriteError, match=r"mode\.parquet is there already. Say --overwrite"):
            check_place(others[0], others[1], tmp_path, others[2])
        check_place(others[0], others[1], tmp_path, others[2], overwrite=True)
    run_suite(recipes, benchmark, None, tmp_path, options)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "comparison.json", "mean_mode.json", "mean_mode.parquet", "median_mode.json",
        "median_mode.parquet",
    ]  # fmt: skip
    with pytest.raises(WriteError, match="is there already"):
        check_place(recipes, benchmark, tmp_path, options)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model.fen_dept": 3}, "Did you mean fen_depth"),
        ({"model.fen_depth": "deep"}, "fen_depth='deep' cannot be"),
        ({"objective.l2": 1.0}, "Setting 'l2' is not known"),
        ({"view.size": 0}, "size of Resized is 0"),
        ({"method": "trace"}, "Setting 'fen_depth' is not known"),
        ({"method": "graph", "objective.error": "absolute"}, "Setting 'error' is not known"),
        ({"nothing": 1}, "Setting 'nothing' is not known"),
        ({"model.channels": 1}, "channels=1 cannot be"),
        ({"model.n_classes": [2]}, "n_classes follows from the labels"),
        ({"objective.gamma1": float("nan")}, "gamma1=nan cannot be"),
        ({"objective.cluster_seed": -1}, "cluster_seed=-1 cannot be"),
    ],
)
def test_settings_are_checked_before_anything_is_run(
    changes: dict[str, object], said: str, families: Benchmark, family_folder: Path, tmp_path: Path
) -> None:
    options, out = replace(OPTIONS, changes={**CHANGES, **changes}), tmp_path / "out"
    with pytest.raises(GmbenchError, match=said):
        run_suite([find_recipe("mean_mode"), TINY_FULL], families, family_folder, out, options)
    assert not out.exists()


@pytest.mark.parametrize("method", ["parser", "trace", "graph"])
def test_sound_settings_pass_and_take_no_random_numbers(method: str, families: Benchmark) -> None:
    before = torch.random.get_rng_state()
    check_settings(TrainingConfig(method=method), class_counts(families))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_repeats_have_seeds_of_their_own_and_are_averaged(
    families: Benchmark, family_folder: Path, tmp_path: Path
) -> None:
    recipe = replace(TINY_FULL, name="random_gt", repeats=2, training={
        "all": {"shuffled_labels": True}})  # fmt: skip
    options = replace(OPTIONS, runs=tmp_path, seed=5)
    result = run_one(recipe, families, family_folder, options)
    assert sorted(path.name for path in tmp_path.glob("random_gt/*/*")) == ["seed_5", "seed_6"]
    first, second = (one.summary["l1"].mean for one in result.evaluations)
    assert first is not None
    assert second is not None
    assert first != second
    assert result.summary["l1"].mean == pytest.approx((first + second) / 2)
    single = run_one(replace(recipe, repeats=1), families, family_folder, options)
    np.testing.assert_array_equal(
        single.predictions.values.continuous, result.predictions.values.continuous
    )
    assert result.run["repeats"] == 2


def test_what_one_repeat_has_no_value_of_has_no_mean() -> None:
    benchmark = small_benchmark(2)
    recipe = Recipe("mine", "", "", "labels", predictor=f"{__name__}:constant_from_seed_1_on")
    result = run_one(replace(recipe, repeats=2), benchmark, None, RunOptions())
    first, second = (one.summary["count_spearman"] for one in result.evaluations)
    assert first.mean is not None
    assert second.mean is None
    assert result.summary["count_spearman"] == second


def constant_from_seed_1_on(benchmark: Benchmark, seed: int, folder: Path | None) -> Predictions:
    """Predicts what differs from image to image with the seed 0, and nothing that does with 1."""
    targets = random_labels(benchmark).values.to_array()
    targets[:, :9] = benchmark.labels[0, :9] if seed else targets[:, :9]
    return Predictions.of(benchmark, "mine", targets, normalised=False)


def test_figures_without_twins_are_averaged_over_repeats_too() -> None:
    recipe = replace(find_recipe("random_labels"), repeats=2)
    result = run_one(recipe, small_benchmark(2), None, RunOptions())
    means = [e.without_twins.summary["l1"].mean for e in result.evaluations if e.without_twins]
    assert len(set(means)) == 2
    apart = result.to_dict()["without_twins"]
    assert apart["summary"]["l1"]["mean"] == pytest.approx(np.mean(means))  # type: ignore[arg-type]
    assert apart["n_gms"] == 26


def test_without_images_or_with_one_baseline(families: Benchmark, tmp_path: Path) -> None:
    alone = run_suite([find_recipe("mean_mode")], families, None, tmp_path, RunOptions())
    assert alone.comparison is None
    assert alone.to_dict()["comparison"] is None
    with pytest.raises(BenchmarkError, match="full looks at images"):
        run_one(TINY_FULL, families, None, RunOptions())


def without_images(benchmark: Benchmark, *sets: str) -> Benchmark:
    """A benchmark of whose sets some have no test image, as an incomplete dataset has."""
    lacking = {gm for name in sets for gm in benchmark.test_gms(name)}
    counts = zip(benchmark.index, benchmark.n_images, strict=True)
    return replace(benchmark, n_images=tuple(0 if gm in lacking else n for gm, n in counts))


@pytest.mark.parametrize("name", ["median_mode", "spectral"])
def test_sets_without_images_are_left_out(
    name: str, families: Benchmark, family_folder: Path
) -> None:
    first, *others = families.sets
    some = without_images(families, first)
    made = run_one(find_recipe(name), some, family_folder, RunOptions()).evaluations[0]
    assert list(made.sets) == others


@pytest.mark.parametrize("recipe", [find_recipe("median_mode"), find_recipe("spectral"), TINY_FULL])
def test_without_any_test_image(recipe: Recipe, families: Benchmark, family_folder: Path) -> None:
    none = without_images(families, *families.sets)
    with pytest.raises(BenchmarkError, match=r"No test GM of .* has images here"):
        run_one(recipe, none, family_folder, RunOptions())


def test_a_fold_without_test_images(families: Benchmark) -> None:
    first, *_ = families.sets
    with pytest.raises(BenchmarkError, match=f"No test GM of {first} of .* has images here"):
        present_gms(without_images(families, first), first)


def test_versions_name_torch_only_where_it_was_used() -> None:
    assert set(versions(False)) == {"gmbench", "numpy", "scikit-learn"}
    assert set(versions(True)) == {"gmbench", "numpy", "scikit-learn", "torch"}
