"""Training on GMs of other datasets, beside a benchmark's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.extra import ExtraGMs, read_extra
from gmbench.errors import BenchmarkError
from gmbench.models.objective import Objective
from gmbench.models.parsing import ParserOutput
from gmbench.models.settings import SettingError
from gmbench.models.targets import TrainingTargets
from gmbench.training.feature_table import FEATURES, FeatureTable, read_features
from gmbench.training.folds import MODEL, predict_with_networks, read_images, run_fold
from gmbench.training.options import RunOptions
from gmbench.training.recipes import Recipe, find_recipe, require_extra
from gmbench.training.suite import run_suite
from gmbench.training.trees import parse_gms
from tests.training.families import build_families, family_benchmark, job_of

pytestmark = pytest.mark.usefixtures("own_cache")

N_EXTRA = 12


def other_gms() -> Benchmark:
    """Twelve GMs under names of their own; two counts tell the first ten from all test GMs."""
    benchmark = family_benchmark(n_gms=N_EXTRA, n_images=3)
    gms = tuple(
        replace(
            gm,
            name=f"OTHER_{number:02d}",
            values=gm.values
            if number >= 10
            # More layers than any GM of the benchmark, and fewer parameters.
            else (gm.values[0] + 700, *gm.values[1:8], 3.0, *gm.values[9:]),
        )
        for number, gm in enumerate(benchmark.gms)
    )
    return replace(benchmark, name="others", gms=gms, sets={"set_1": (gms[0].name,)})


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_families(tmp_path_factory.mktemp("others"), other_gms())


@pytest.fixture
def extra(families: Benchmark, other_folder: Path) -> tuple[ExtraGMs, ...]:
    return read_extra(families, [other_folder])


def test_twins_of_test_gms_are_left_out(extra: tuple[ExtraGMs, ...]) -> None:
    (one,) = extra
    assert [gm.name for gm in one.gms] == [f"OTHER_{n:02d}" for n in range(10)]
    assert one.twins == ("OTHER_10", "OTHER_11")
    said = one.to_dict()
    assert said["n_gms"] == 10
    assert said["twins"] == ["OTHER_10", "OTHER_11"]
    assert said["labels_sha256"] == one.dataset.labels_sha256


def test_mini116_is_known_by_its_name(families: Benchmark) -> None:
    (one,) = read_extra(families, [Path("mini116")])
    assert (one.dataset.name, len(one.gms)) == ("mini116", 123)


def test_targets_keep_the_range_of_the_benchmark(
    families: Benchmark, extra: tuple[ExtraGMs, ...]
) -> None:
    training = families.training_gms("set_1")
    alone = TrainingTargets.of(families, training)
    joined = TrainingTargets.of(families, training, extra)
    assert joined.names[: len(training)] == alone.names
    assert len(joined) == len(alone) + 10
    np.testing.assert_array_equal(joined.continuous[: len(alone)], alone.continuous)
    layers = extra[0].gms[0].values[0]
    expected = (layers - families.minimum[0]) / families.span[0]
    assert joined.continuous[len(alone), 0] == pytest.approx(expected)
    assert joined.continuous[len(alone), 0] > 1
    assert joined.continuous[len(alone), 8] < 0


def test_a_network_is_trained_on_them_and_says_so(
    families: Benchmark, family_folder: Path, extra: tuple[ExtraGMs, ...], tmp_path: Path
) -> None:
    job = replace(job_of(family_folder, families, tmp_path, epochs=1), extra=extra)
    alone = replace(job, extra=())
    images = read_images(job)
    assert images.pixels.n_images == 16 * 8 + 10 * 3
    fold = run_fold(job, "set_1", images)
    # 12 training GMs of 8 images and 10 extra ones of 3, in batches of 16.
    assert fold.run.log[-1]["step"] == 8
    trained_on = fold.checkpoint.trained_on
    assert [name for name in trained_on["gms"] if name.startswith("OTHER")] == [
        f"OTHER_{n:02d}" for n in range(10)
    ]
    assert trained_on["extra"] == [extra[0].to_dict()]
    assert len(fold.parsed.continuous) == 4 * 8
    assert job.place("set_1") != alone.place("set_1")
    place = job.place("set_1")
    assert place is not None
    assert (place / MODEL / "config.json").is_file()
    assert predict_with_networks(job).sha256 != predict_with_networks(alone).sha256


def test_the_last_epochs_may_be_for_the_own_gms_alone(
    families: Benchmark,
    family_folder: Path,
    extra: tuple[ExtraGMs, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows: list[int] = []
    forward = Objective.forward

    def looked_at(self: Objective, output: ParserOutput, gms: torch.Tensor) -> dict[str, Any]:
        rows.append(int(gms.max()))
        return forward(self, output, gms)

    monkeypatch.setattr(Objective, "forward", looked_at)
    job = replace(job_of(family_folder, families, None, epochs=4, extra_until=0.5), extra=extra)
    images = read_images(job)
    fold = run_fold(job, "set_1", images)
    # Two epochs of all 126 images in batches of 16, then as many batches of the 96 of own GMs.
    assert [entry["step"] for entry in fold.run.log] == [8, 16, 22, 28, 34]
    assert max(rows[:16]) == 12 + 10 - 1
    assert len(rows[16:]) == 18
    assert max(rows[16:]) == 11
    with pytest.raises(SettingError, match="sees extra GMs, and there are none"):
        _ = replace(job, extra=()).config


def test_the_gms_held_out_are_of_the_benchmark(
    families: Benchmark,
    family_folder: Path,
    extra: tuple[ExtraGMs, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def error(network: object, images: object, targets: TrainingTargets, *_: object) -> float:
        seen.extend(targets.names)
        return 0.5

    monkeypatch.setattr("gmbench.training.loop.validation_error", error)
    changed = job_of(family_folder, families, None, epochs=1, validation_gms=4)
    run_fold(replace(changed, extra=extra), "set_1", read_images(replace(changed, extra=extra)))
    assert len(seen) == 4
    assert set(seen) <= set(families.training_gms("set_1"))


@pytest.fixture
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmbench.training.trees.TREES", 8)


@pytest.fixture(scope="module")
def table(
    families: Benchmark, family_folder: Path, other_folder: Path, family_cache: Path
) -> FeatureTable:
    """The features of `spectral` of all images, the benchmark's and the extra ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GMBENCH_HOME", str(family_cache / "home"))
        return read_features(families, family_folder, read_extra(families, [other_folder]))


@pytest.mark.usefixtures("few_trees")
def test_trees_learn_from_them(families: Benchmark, table: FeatureTable) -> None:
    assert np.bincount(table.gms).tolist() == [8] * 16 + [3] * 10
    assert table.labels.shape == (26, 25)
    test = families.test_gms("set_1")
    own = table.gms < len(families.gms)
    less = replace(table, features=table.features[own], gms=table.gms[own])
    alone = parse_gms(families, less, ["GM_08"], test, seed=0)
    joined = parse_gms(families, table, ["GM_08"], test, seed=0)
    # One GM gives one answer; the extra ones are trained on whatever is named.
    assert np.ptp(alone.continuous, axis=0).max() < 1e-12
    assert np.ptp(joined.continuous, axis=0).max() > 0.01
    assert len(joined.probabilities) == 4 * 8


@pytest.mark.usefixtures("few_trees")
def test_scores_are_those_of_the_benchmark(
    families: Benchmark, family_folder: Path, extra: tuple[ExtraGMs, ...], tmp_path: Path
) -> None:
    options = RunOptions(device="cpu", extra=extra)
    made = run_suite([find_recipe("spectral")], families, family_folder, tmp_path, options)
    result = made.baselines["spectral"]
    assert result.predictions.benchmark == families
    assert result.run["extra"] == [extra[0].to_dict()]


def test_what_cannot_train_on_them_says_so_before_anything_runs(
    families: Benchmark, family_folder: Path, extra: tuple[ExtraGMs, ...], tmp_path: Path
) -> None:
    recipes = [find_recipe("spectral"), find_recipe("mean_mode")]
    with pytest.raises(BenchmarkError, match="mean_mode cannot train on extra GMs"):
        run_suite(recipes, families, family_folder, tmp_path, RunOptions(extra=extra))
    assert not list(tmp_path.iterdir())
    require_extra(Recipe("r", "s", "p", "n", training={}))


def test_names_and_classes_must_fit(
    families: Benchmark, family_folder: Path, other_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(BenchmarkError, match=r"GM_00 is also a GM of families.*another --name"):
        read_extra(families, [family_folder])
    with pytest.raises(BenchmarkError, match=r"OTHER_00 is also a GM of .*others"):
        read_extra(families, [other_folder, other_folder])
    wider = other_gms()
    odd = replace(wider.gms[0], values=(*wider.gms[0].values[:9], 9.0, *wider.gms[0].values[10:]))
    folder = build_families(tmp_path, replace(wider, gms=(odd, *wider.gms[1:])))
    with pytest.raises(BenchmarkError, match="OTHER_00 has class 9 of normalization; families has"):
        read_extra(families, [folder])
    with pytest.raises(BenchmarkError, match="is not a dataset"):
        read_extra(families, [tmp_path])


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("name", FEATURES)
def test_networks_are_averaged_with_the_trees_that_are_asked_for(
    name: str,
    families: Benchmark,
    family_folder: Path,
    extra: tuple[ExtraGMs, ...],
    table: FeatureTable,
) -> None:
    job = job_of(family_folder, families, None, epochs=1, trees=1.0, tree_features=name)
    job = replace(job, extra=extra)
    images = read_images(job)
    assert images.features is not None
    parsed = run_fold(job, "set_1", images).parsed
    further = 20 if name == "spectral_size_colour" else 0
    assert images.features.features.shape[1] == table.features.shape[1] + further
    np.testing.assert_array_equal(
        images.features.features[:, : table.features.shape[1]], table.features
    )
    training, test = families.training_gms("set_1"), families.test_gms("set_1")
    trees = parse_gms(families, images.features, training, test, seed=0)
    np.testing.assert_allclose(parsed.continuous, trees.continuous)
    np.testing.assert_allclose(parsed.probabilities, trees.probabilities)
