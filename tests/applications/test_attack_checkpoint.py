"""The attack from a tiny training to the result, and from prediction files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gmbench.applications.attack_checkpoint import (
    attack_checkpoint,
    images_left,
)
from gmbench.applications.attack_predictions import attack_images, attack_predictions
from gmbench.applications.attack_result import SAME_CONTENT, AttackResult
from gmbench.applications.attack_training import train_attack_parser
from gmbench.applications.similarity import fingerprint_vectors
from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.benchmark.cross_validation import with_sets
from gmbench.errors import BenchmarkError
from gmbench.predictions.predictions import Predictions
from gmbench.training.cache import cached_images
from gmbench.training.checkpoint import ModelParserCheckpoint, load_checkpoint
from gmbench.training.fingerprints import gm_fingerprints
from gmbench.training.folds import TrainingJob
from gmbench.training.options import RunOptions
from gmbench.training.recipes import Recipe
from gmbench.training.views import Resized
from tests.evaluation.populations import random_predictions, small_benchmark
from tests.training.families import CHANGES, build_families, family_benchmark

RECIPE = Recipe("full", "tiny", "nowhere", "labels and images", training={"all": {}})


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    made = family_benchmark(n_gms=20)
    names = list(made.index)
    return replace(made, sets={"seen": tuple(names[4:8]), "unseen": tuple(names[:4])})


@pytest.fixture(scope="module")
def folder(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_families(tmp_path_factory.mktemp("attack"), benchmark)


@pytest.fixture(scope="module")
def checkpoint(
    benchmark: Benchmark, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> ModelParserCheckpoint:
    runs = tmp_path_factory.mktemp("runs")
    options = RunOptions(changes=CHANGES, device="cpu", runs=runs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GMBENCH_HOME", str(runs / "home"))
        train_attack_parser(RECIPE, benchmark, folder, options)
    place = TrainingJob(RECIPE, benchmark, folder, **vars(options)).place("unseen")
    return load_checkpoint(f"{place}/model")


@pytest.fixture(scope="module")
def result(
    checkpoint: ModelParserCheckpoint, benchmark: Benchmark, folder: Path, own_home: Path
) -> AttackResult:
    return attack_checkpoint(checkpoint, benchmark, folder, n_pairs=20, replicates=50, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GMBENCH_HOME", str(place))
        yield place


def test_nothing_that_is_tested_was_trained_on(
    checkpoint: ModelParserCheckpoint, benchmark: Benchmark
) -> None:
    trained_on = checkpoint.trained_on
    assert not set(trained_on["gms"]) & set(benchmark.test_gms("unseen"))
    assert set(benchmark.test_gms("seen")) <= set(trained_on["gms"])
    assert trained_on["most_images"] == dict.fromkeys(benchmark.test_gms("seen"), 4)
    tested, shown = images_left(checkpoint, benchmark, 100)
    assert tested == {
        **dict.fromkeys(benchmark.test_gms("unseen"), range(8)),
        **dict.fromkeys(benchmark.test_gms("seen"), range(4, 8)),
    }
    assert len(shown) == 16
    for gm in benchmark.test_gms("seen"):
        assert shown[gm] == range(4)
    # And not more of a GM than asked for.
    assert images_left(checkpoint, benchmark, 3)[0]["GM_04"] == range(4, 7)


def test_a_network_sees_the_first_images_alone(benchmark: Benchmark, folder: Path) -> None:
    whole = cached_images(folder, Resized(16), gms=["GM_04", "GM_09"])
    half = whole.first({"GM_04": 4})
    assert half.image_ids("GM_04") == whole.image_ids("GM_04")[:4]
    assert np.array_equal(half.pixels("GM_04"), whole.pixels("GM_04")[:4])
    assert half.image_ids("GM_09") == whole.image_ids("GM_09")
    assert (half.n_images, whole.n_images) == (12, 16)
    assert len(half.stack().gm_rows) == 12
    assert half.sha256 != whole.sha256
    assert half.joined([]).sha256 == half.sha256


def test_three_similarities_and_the_reference(result: AttackResult) -> None:
    assert tuple(result.methods) == ("fingerprint", "parsed", "learned", SAME_CONTENT)
    assert (result.n_seen, result.n_unseen, result.n_images) == (4, 4, 48)
    assert result.threshold_from == "training GMs"
    assert result.source == "full"
    assert set(result.n_pairs.values()) == {20}
    assert all(len(one.thresholds) == 1 for one in result.methods.values())
    assert json.dumps(result.to_dict(), allow_nan=False)


def test_fingerprints_are_those_of_the_network(
    checkpoint: ModelParserCheckpoint, folder: Path
) -> None:
    found = gm_fingerprints(checkpoint, folder, ["GM_01"], 3, "cpu")["GM_01"]
    pixels = cached_images(folder, checkpoint.view, gms=["GM_01"]).pixels("GM_01")[:3]
    with torch.inference_mode():
        images = torch.from_numpy(pixels[:, 0].copy()).permute(0, 3, 1, 2) / 255
        network: Any = checkpoint.network
        expected = network.fen(images).numpy()
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-5)
    vectors = fingerprint_vectors(found)
    a, b = expected[0].ravel(), expected[1].ravel()
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert vectors[0] @ vectors[1] == pytest.approx(cosine, abs=1e-5)


def test_a_parser_of_another_benchmark(checkpoint: ModelParserCheckpoint, folder: Path) -> None:
    with pytest.raises(BenchmarkError, match="was trained on families, whose labels are not those"):
        attack_checkpoint(checkpoint, load_benchmark("red116"), folder)


def test_a_parser_that_leaves_nothing_to_test_or_was_trained_on_none(
    checkpoint: ModelParserCheckpoint, benchmark: Benchmark, folder: Path
) -> None:
    for gms, message in (
        (list(benchmark.index), "was trained on all images of families .*: none is left to test"),
        ([], "was trained on no GM of families .* the thresholds come from GMs that it was"),
    ):
        other = copy(checkpoint)
        other.trained_on = {**checkpoint.trained_on, "gms": gms, "most_images": {}}
        with pytest.raises(BenchmarkError, match=message):
            attack_checkpoint(other, benchmark, folder)


def attack_sets(n_images: int = 4) -> Predictions:
    known = with_sets(small_benchmark(n_images), "coordinated_attack")
    return random_predictions(known, seed=0)


def test_a_prediction_file_of_seen_and_unseen_gms() -> None:
    found = attack_predictions(attack_sets(), n_pairs=40, replicates=20)
    assert (found.n_seen, found.n_unseen) == (15, 15)
    assert tuple(found.methods) == ("parsed", SAME_CONTENT)
    assert len(found.n_pairs) == 5
    assert found.threshold_from == "other test GMs"
    assert found.methods["parsed"].auc.value is not None
    assert found.methods["parsed"].auc.value > 0.6


def test_a_prediction_file_of_other_sets_and_one_of_training_gms() -> None:
    known = small_benchmark(4)
    predictions = random_predictions(known, seed=0)
    images = attack_images(predictions)
    assert len(images.names) == 48
    assert not images.seen.any()
    assert set(images.parsers) == {0, 1, 2, 3}
    folds = random_predictions(with_sets(known, "cv10"), seed=1)
    found = attack_predictions(predictions, folds, n_pairs=100, replicates=20)
    assert tuple(found.methods) == ("parsed", "learned", SAME_CONTENT)
    assert tuple(found.n_pairs) == ("same_unseen", "different_unseen")
    assert found.threshold_from == "training GMs"
    assert found.always_different == 0.5


def test_training_predictions_that_are_none() -> None:
    predictions = attack_sets()
    with pytest.raises(BenchmarkError, match="has no GM that random does not have"):
        attack_predictions(predictions, predictions)
    other = random_predictions(small_benchmark(4, "mini116"), seed=0)
    with pytest.raises(BenchmarkError, match="Give predictions of the same benchmark's GMs"):
        attack_predictions(predictions, other)
