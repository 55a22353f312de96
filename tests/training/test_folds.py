from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.evaluation.evaluate import evaluate
from gmbench.models.settings import SettingError
from gmbench.predictions.predictions import Predictions, read_predictions
from gmbench.predictions.writing import write_predictions
from gmbench.schema import DISCRETE
from gmbench.training.checkpoint import load_checkpoint
from gmbench.training.config import PAPER, PRESETS
from gmbench.training.folds import (
    MODEL,
    TrainingJob,
    predict_set,
    predict_with_networks,
    read_images,
    run_fold,
)
from gmbench.training.recipes import Recipe, find_recipe, require_folder
from tests.training.families import build_families, family_benchmark, job_of

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def predictions(
    runs: Path,
    families: Benchmark,
    family_folder: Path,
    family_cache: Path,
) -> Predictions:
    """Of a tiny training on each set, kept in `runs`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GMBENCH_HOME", str(family_cache / "home"))
        return predict_with_networks(job_of(family_folder, families, runs))


def test_every_test_image_is_predicted(predictions: Predictions, tmp_path: Path) -> None:
    assert len(predictions) == 64
    write_predictions(predictions, tmp_path / "p.parquet")
    again = read_predictions(tmp_path / "p.parquet", predictions.benchmark)
    assert again.sha256 == predictions.sha256
    # The softmax of each class is there too.
    assert again.probabilities_sha256 == predictions.probabilities_sha256 is not None
    assert list(again.values.probabilities) == [parameter.name for parameter in DISCRETE]


def test_predicting_with_the_saved_parsers_gives_the_same(
    predictions: Predictions, runs: Path, families: Benchmark, family_folder: Path
) -> None:
    job = job_of(family_folder, families, runs)
    for number, name in enumerate(families.sets):
        place = job.place(name)
        assert place is not None
        checkpoint = load_checkpoint(place / MODEL)
        found, warning = predict_set(checkpoint, families, family_folder, name, "cpu")
        assert warning == ""
        assert found.sha256 == predictions.take(np.flatnonzero(predictions.sets == number)).sha256


def test_a_training_that_is_done_is_not_done_again(
    predictions: Predictions, runs: Path, families: Benchmark, family_folder: Path
) -> None:
    again = predict_with_networks(job_of(family_folder, families, runs))
    assert again.sha256 == predictions.sha256
    assert predict_with_networks(job_of(family_folder, families, None)).sha256 == predictions.sha256


def test_what_is_kept(runs: Path, predictions: Predictions, families: Benchmark) -> None:
    kept = sorted(path.relative_to(runs).as_posix() for path in runs.rglob("*") if path.is_file())
    (place,) = {name.split("/set_")[0] for name in kept}
    assert place.startswith("full/small-")
    assert place.endswith("/seed_0")
    assert [name.removeprefix(f"{place}/set_1/") for name in kept if "set_1" in name] == [
        "log.jsonl", "model/README.md", "model/config.json", "model/model.safetensors",
        "state.safetensors",
    ]  # fmt: skip
    said = json.loads((runs / place / "set_1" / MODEL / "config.json").read_text())["trained_on"]
    assert said["gms"] == list(families.training_gms("set_1"))
    assert not set(said["gms"]) & set(families.test_gms("set_1"))
    assert {name: said[name] for name in ("baseline", "preset", "benchmark", "set", "seed")} == {
        "baseline": "full", "preset": "small", "benchmark": "families", "set": "set_1", "seed": 0,
    }  # fmt: skip


def test_a_parser_that_has_seen_the_gms_is_named(
    predictions: Predictions, runs: Path, families: Benchmark, family_folder: Path
) -> None:
    place = job_of(family_folder, families, runs).place("set_1")
    assert place is not None
    checkpoint = load_checkpoint(place / MODEL)
    found, warning = predict_set(checkpoint, families, family_folder, "set_2", "cpu")
    assert len(found) == 32
    assert warning == (
        "this parser was trained on 4 of the 4 GMs of set_2 (it was trained for set_1 of "
        "families); its figures there say nothing of unseen GMs."
    )
    with pytest.raises(UnknownNameError, match="families has: set_1, set_2"):
        predict_set(checkpoint, families, family_folder, "set_3", "cpu")


def test_classes_that_the_benchmark_does_not_know_are_not_predicted(
    predictions: Predictions, runs: Path, families: Benchmark, family_folder: Path
) -> None:
    """A parser of red116's later labels knows `class_4` of a parameter."""
    place = job_of(family_folder, families, runs).place("set_1")
    assert place is not None
    checkpoint = load_checkpoint(place / MODEL)
    classes = dict(families.classes)
    classes["normalization"] = (*classes["normalization"], "class_4")
    described = json.loads((place / MODEL / "config.json").read_text())
    described["labels"]["classes"] = classes
    wider = type(checkpoint)(**described).eval()
    found, _ = predict_set(wider, families, family_folder, "set_1", "cpu")
    assert found.values.discrete[:, 0].max() < 4
    odds = found.values.probabilities["normalization"]
    assert odds.shape == (len(found), 4)
    np.testing.assert_allclose(odds.sum(axis=1), 1.0, rtol=1e-12)
    found.to_arrow()


def test_the_validation_gms_are_never_test_gms(
    families: Benchmark, family_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def error(network: object, images: object, targets: object, *_: object) -> float:
        seen.extend(targets.names)  # type: ignore[attr-defined]
        return 0.5

    monkeypatch.setattr("gmbench.training.loop.validation_error", error)
    job = job_of(family_folder, families, None, validation_gms=4, epochs=1)
    fold = run_fold(job, "set_1", read_images(job))
    assert len(seen) == 4
    assert set(seen) <= set(families.training_gms("set_1"))
    # They decided something, so the parser has seen them.
    assert set(fold.checkpoint.trained_on["gms"]) == set(families.training_gms("set_1"))


def test_each_setting_and_seed_has_its_own_place(
    families: Benchmark, family_folder: Path, tmp_path: Path
) -> None:
    job = job_of(family_folder, families, tmp_path)
    others = [
        job_of(family_folder, families, tmp_path, epochs=7),
        replace(job, seed=1),
        replace(job, preset="paper"),
        replace(job, changes={}),
    ]
    places = {str(one.place("set_1")) for one in [job, *others]}
    assert len(places) == 5
    assert str(tmp_path / "full" / "small" / "seed_0" / "set_1") in places
    assert replace(job, runs=None).place("set_1") is None


def test_preset_then_recipe_then_user(families: Benchmark) -> None:
    recipe = Recipe(
        "r", "s", "p", "n",
        training={"all": {"epochs": 3, "batch_size": 5}, "paper": {"epochs": 4}, "small": {}},
    )  # fmt: skip
    job = TrainingJob(recipe, families, Path("nowhere"), preset="paper")
    assert job.config == PAPER.changed({"epochs": 4, "batch_size": 5})
    small = replace(job, preset="small", changes={"batch_size": 6})
    assert small.config == PRESETS["small"].changed({"epochs": 3, "batch_size": 6})
    with pytest.raises(UnknownNameError, match="There are: paper, small"):
        _ = replace(job, preset="papr").config
    with pytest.raises(BenchmarkError, match="trains no network"):
        _ = replace(job, recipe=replace(recipe, training=None)).config


def test_no_trees_learn_true_labels_beside_shuffled_ones(families: Benchmark) -> None:
    recipe = find_recipe("networks_and_trees")
    job = TrainingJob(recipe, families, Path("nowhere"), changes={"shuffled_labels": True})
    with pytest.raises(SettingError, match=r"trees=0\.5.*Add `--change trees=0`"):
        _ = job.config
    without = replace(job, changes={**job.changes, "trees": 0})
    assert without.config.shuffled_labels
    assert replace(job, recipe=find_recipe("random_gt"), changes={}).config.shuffled_labels


def test_a_baseline_needs_a_folder() -> None:
    with pytest.raises(BenchmarkError, match=r"full looks at images. Give the folder .* --data"):
        require_folder("full", None)


def test_shuffled_labels_never_look_good(tmp_path: Path) -> None:
    """The method learns what images say of unseen GMs; from shuffled labels it learns nothing."""
    whole = family_benchmark(n_gms=24, n_images=8)
    folder = build_families(tmp_path, whole)
    benchmark = replace(whole, sets={"set_1": whole.sets["set_1"]})
    truth: dict[str, list[float]] = {}
    for name, shuffled in (("learnt", [False]), ("shuffled", [True])):
        for seed, value in enumerate(shuffled):
            job = job_of(
                folder, benchmark, None, shuffled_labels=value, epochs=12, schedule="cosine"
            )
            result = evaluate(predict_with_networks(replace(job, seed=seed)), replicates=0)
            for metric in ("l1", "arch_accuracy", "loss_accuracy"):
                mean = result.summary[metric].mean
                assert mean is not None
                truth.setdefault(f"{name} {metric}", []).append(mean)
    chance = evaluate(mean_mode_of(benchmark), replicates=0).summary
    assert max(truth["learnt l1"]) < 0.1
    assert min(truth["learnt arch_accuracy"]) > 0.9
    assert min(truth["learnt loss_accuracy"]) > 0.9
    # No better than what needs no image.
    for metric in ("arch_accuracy", "loss_accuracy"):
        assert max(truth[f"shuffled {metric}"]) < (chance[metric].mean or 0) + 0.05
    assert min(truth["shuffled l1"]) > (chance["l1"].mean or 0) - 0.03


def mean_mode_of(benchmark: Benchmark) -> Predictions:
    from gmbench.predictions.reference import mean_mode

    return mean_mode(benchmark)
