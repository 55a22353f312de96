from __future__ import annotations

import shutil
from pathlib import Path

import datasets
import pytest

import gmbench
from gmbench.benchmark.benchmark import MINI116, read_benchmark
from gmbench.data.loading import load_dataset
from gmbench.errors import DatasetError, HubError, UnknownNameError


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and caches of our own."""
    monkeypatch.setenv("GMBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "current").mkdir()
    monkeypatch.chdir(tmp_path / "current")
    return tmp_path


def test_by_folder(pristine_dataset: Path) -> None:
    loaded = gmbench.load_dataset(pristine_dataset)
    plain = datasets.load_dataset(str(pristine_dataset), "set_1")
    assert {split: rows.num_rows for split, rows in loaded.items()} == {"train": 24, "test": 12}
    assert loaded["test"].features == plain["test"].features
    assert loaded["test"][3]["image_id"] == plain["test"][3]["image_id"]


def test_by_name_in_the_current_folder_then_in_the_cache(
    pristine_dataset: Path, places: Path
) -> None:
    shutil.copytree(pristine_dataset, places / "home" / "gm-parsing")
    assert load_dataset(split="test").num_rows == 12
    (places / "current" / "gm-parsing").mkdir()
    with pytest.raises(gmbench.errors.BenchmarkError, match=r"gms.csv is missing"):
        load_dataset()


def test_mini116_of_another_release_is_not_taken(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "load_dataset", lambda path, *_, **__: path)
    folder, ours = places / "home" / "gm-parsing", read_benchmark(MINI116)
    for made in ("by nobody", "by another release", "by this one"):
        if made == "by another release":
            facts = folder / "benchmark.json"
            facts.write_text(facts.read_text().replace(ours.version, "another"))
        before = folder.stat().st_ino if folder.exists() else 0
        assert load_dataset() == str(folder)
        assert read_benchmark(folder) == ours
        assert (folder.stat().st_ino == before) == (made == "by this one")


def test_a_cache_folder_that_cannot_be_written(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (places / "file").touch()
    monkeypatch.setenv("GMBENCH_HOME", str(places / "file"))
    with pytest.raises(DatasetError, match=r"Not a directory\. Set GMBENCH_HOME to another"):
        load_dataset()


@pytest.mark.usefixtures("places")
def test_mini116_comes_with_the_package() -> None:
    assert load_dataset("mini116", "set_1", "test[:2]")["image_id"] == [
        "MINI_ADV_FACES/000000",
        "MINI_ADV_FACES/000001",
    ]


@pytest.mark.usefixtures("places")
def test_real_images_are_a_configuration_where_there_are_any(pristine_dataset: Path) -> None:
    assert load_dataset("mini116", "real", "train").num_rows == 432
    with pytest.raises(UnknownNameError, match="real"):
        load_dataset(pristine_dataset, "real")


def test_split_config_and_slice(pristine_dataset: Path) -> None:
    assert load_dataset(pristine_dataset, "all", "train").num_rows == 36
    assert load_dataset(pristine_dataset, "set_2", "test[:3]").num_rows == 3
    assert load_dataset(pristine_dataset, "set_2", datasets.Split.TEST).num_rows == 12


def test_streaming(pristine_dataset: Path) -> None:
    rows = list(load_dataset(pristine_dataset, "set_2", "test", streaming=True))
    assert [row["image_id"] for row in rows[:2]] == ["DCGAN/000000", "DCGAN/000001"]


def test_names_that_are_not_known(pristine_dataset: Path, snapshot: object) -> None:
    messages = []
    for config, split in (("set1", None), ("all", "test"), ("set_1", "tset")):
        with pytest.raises(UnknownNameError) as caught:
            load_dataset(pristine_dataset, config, split)
        messages.append(str(caught.value).replace(str(pristine_dataset), "DATASET"))
    assert messages == snapshot


def test_nothing_there(places: Path, snapshot: object) -> None:
    messages = []
    for name in ("no-such", "./no/such", Path("no/such")):
        with pytest.raises(DatasetError) as caught:
            load_dataset(name)
        messages.append(str(caught.value).replace(str(places), "PLACES"))
    assert messages == snapshot


def test_hub_that_refuses(monkeypatch: pytest.MonkeyPatch, snapshot: object) -> None:
    def refuse(*names: object, **options: object) -> None:
        raise datasets.exceptions.DatasetNotFoundError("Dataset 'org/x' doesn't exist on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(HubError) as caught:
        load_dataset("org/x")
    assert str(caught.value) == snapshot


def test_hub_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: object, **options: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(HubError, match=r"not be loaded from the Hub: TimeoutError\. Check"):
        load_dataset("org/x")


@pytest.mark.parametrize("name", ["a[b]", "a*", "b?", "c::d"])
def test_a_path_that_datasets_reads_as_a_pattern(
    name: str, pristine_dataset: Path, places: Path
) -> None:
    with pytest.raises(DatasetError, match="in a path as a pattern") as built:
        gmbench.build_dataset("mini116", out=places / name / "gm-parsing")
    assert not (places / name).exists()
    folder = places / name / "moved"
    shutil.copytree(pristine_dataset, folder)
    with pytest.raises(DatasetError, match=r"whole path is without \[, \*, \? and ::") as loaded:
        load_dataset(folder)
    assert str(built.value).replace("gm-parsing", "moved", 1) == str(loaded.value)
