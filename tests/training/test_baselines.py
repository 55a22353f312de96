from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.evaluation.evaluate import evaluate
from gmbench.training.baselines import list_baselines, run_baseline
from gmbench.training.recipes import baselines_directory, find_recipes, predictor_of
from tests.evaluation.populations import small_benchmark
from tests.training.families import CHANGES


def test_every_baseline_has_a_recipe_a_readme_and_results() -> None:
    recipes = find_recipes()
    assert {"mean_mode", "median_mode", "random_labels", "spectral"} <= set(recipes)
    for name in recipes:
        folder = baselines_directory() / name
        assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {name}")
        assert (folder / "results" / "mini116.json").is_file(), name


@pytest.mark.parametrize(
    "name", ["kind_oracle", "mean_mode", "median_mode", "random_f1", "random_labels"]
)
def test_predicts_every_test_image(name: str) -> None:
    benchmark = small_benchmark(2)
    predictions = run_baseline(name, benchmark, seed=1)
    assert len(predictions) == 96
    assert predictions.source == name


def test_the_table_of_baselines() -> None:
    table = list_baselines()
    assert list(table.index) == sorted(find_recipes())
    assert table.loc["full", "trains_network"]
    assert not table.loc["spectral", "trains_network"]
    assert set(table.needs) == {"labels", "labels and images"}


@pytest.mark.usefixtures("own_cache")
def test_one_call_trains_a_network_too(
    families: Benchmark, family_folder: Path, tmp_path: Path
) -> None:
    seen: list[str] = []
    made = run_baseline(
        "full", family_folder, changes={**CHANGES, "epochs": 1}, device="cpu", runs=tmp_path,
        progress=lambda what, done, total: seen.append(what),
    )  # fmt: skip
    assert (made.source, len(made)) == ("full", 64)
    assert seen[-1] == "full set_2 batches"
    assert len(list(tmp_path.rglob("model.safetensors"))) == 2
    assert (tmp_path / "families" / "full").is_dir()
    # What was trained is not trained again, whichever way the benchmark is given.
    again = run_baseline(
        "full", families, folder=family_folder, changes={**CHANGES, "epochs": 1}, device="cpu",
        runs=tmp_path, progress=lambda what, done, total: seen.append("again"),
    )  # fmt: skip
    assert again.sha256 == made.sha256
    assert "again" not in seen
    with pytest.raises(BenchmarkError, match="full looks at images"):
        run_baseline("full", families)


def test_without_gms_to_learn_from_an_error_says_so() -> None:
    whole = small_benchmark(1)
    benchmark = replace(whole, sets={"only": tuple(gm.name for gm in whole.gms)})
    for name in ("mean_mode", "kind_oracle"):
        with pytest.raises(BenchmarkError, match=r"No GM of .* outside only has images"):
            run_baseline(name, benchmark)


def test_unknown_baseline() -> None:
    with pytest.raises(UnknownNameError, match="mean_mode"):
        run_baseline("mean_median", small_benchmark(1))


WHOLE = "name: mine\nsummary: x\npaper: x\nneeds: labels\n"


@pytest.mark.parametrize("predictor", ["3", "nowhere:f", "gmbench.training.trees:nothing", "''"])
def test_predictors_that_cannot_be_imported(predictor: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "recipe.yaml").write_text(f"{WHOLE}predictor: {predictor}\n")
    with pytest.raises(BenchmarkError, match=r"of the baseline mine cannot be imported \("):
        predictor_of(find_recipes(tmp_path)["mine"])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("name: other\nsummary: x\npaper: x\nneeds: x\npredictor: x\n", "Give both one name"),
        ("name: mine\n", "lacks 'summary'"),
        ("name: [", "is damaged"),
        ("", "is damaged"),
        (WHOLE + "training:\n", "training takes all, paper, small"),
        (WHOLE + "training: {all: }\n", "training takes all, paper, small"),
        (WHOLE + "training: {smal: {epochs: 3}}\n", "training takes all, paper, small"),
        (WHOLE + "training: {}\nrepeats: 0\n", "repeats is no whole number from 1 on"),
        (WHOLE + "training: {}\nrepeats: two\n", "repeats is no whole number from 1 on"),
    ],
)
def test_damaged_recipes(text: str, match: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "recipe.yaml").write_text(text)
    with pytest.raises(BenchmarkError, match=match):
        find_recipes(tmp_path)


@pytest.mark.parametrize(
    "name", ["kind_oracle", "mean_mode", "median_mode", "random_f1", "random_labels"]
)
def test_committed_results_are_what_the_code_gives(name: str) -> None:
    folder = baselines_directory() / name
    committed = json.loads((folder / "results" / "red116.json").read_text(encoding="utf-8"))
    manifest = committed["manifest"]
    predictions = run_baseline(name, load_benchmark("red116"), seed=0)
    assert manifest["predictions_sha256"] == predictions.sha256
    result = evaluate(predictions, replicates=manifest["replicates"], seed=manifest["seed"])
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for metric, summary in result.summary.items():
        published = committed["summary"][metric]
        assert published["mean"] == pytest.approx(summary.mean, abs=1e-9), metric
        assert published["ci"] == (None if summary.ci is None else pytest.approx(summary.ci))
        if f"| {metric} |" in readme:
            assert f"| {metric} | {summary.mean:.4f} ± {summary.std:.4f} |" in readme
