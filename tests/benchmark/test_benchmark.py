from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gmbench.benchmark.benchmark import (
    MINI116,
    Benchmark,
    benchmark_files,
    load_benchmark,
    named_benchmark_with,
    read_benchmark,
)
from gmbench.errors import BenchmarkError, UnknownNameError


def _write(benchmark: Benchmark, folder: Path) -> Path:
    folder.mkdir()
    for name, text in benchmark_files(benchmark).items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("name", ["red116", "red116-dm", "red140"])
def test_files_round_trip(name: str, tmp_path: Path) -> None:
    benchmark = load_benchmark(name)
    again = load_benchmark(_write(benchmark, tmp_path / "built"))
    assert again.gms == benchmark.gms
    assert again.known.tolist() == benchmark.known.tolist()
    assert {k: set(v) for k, v in again.sets.items()} == {
        k: set(v) for k, v in benchmark.sets.items()
    }
    assert again.labels_sha256 == benchmark.labels_sha256


def test_cells_with_commas_and_quotes_round_trip(tmp_path: Path) -> None:
    benchmark = load_benchmark("red116")
    first = replace(benchmark.gms[0], content='cats, "dogs"')
    quoted = replace(benchmark, gms=(first, *benchmark.gms[1:]))
    again = load_benchmark(_write(quoted, tmp_path / "built"))
    assert again.gms == quoted.gms


def test_plain_cells_are_not_quoted() -> None:
    written = benchmark_files(load_benchmark("mini116"))["gms.csv"]
    assert written.encode() == (MINI116 / "gms.csv").read_bytes()


def test_ranges_are_those_of_the_116_rows() -> None:
    benchmark = load_benchmark("red116")
    largest = benchmark.minimum + benchmark.span
    assert benchmark.minimum.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 300304]
    assert largest.tolist() == [105, 92, 40, 35, 57, 8365, 15, 20, 266907367]
    values = benchmark.labels[:, :9]
    normalised = benchmark.normalise(values)
    assert normalised.min() == 0
    assert normalised.max() == 1
    np.testing.assert_allclose(benchmark.denormalise(normalised), values, rtol=1e-12)


def test_a_column_without_spread_does_not_divide_by_zero() -> None:
    benchmark = load_benchmark("red116")
    one = replace(benchmark, gms=benchmark.gms[:1], n_images=(1,), sets={})
    assert one.normalise(one.labels[:, :9]).tolist() == [[0.0] * 9]


def test_training_gms_have_images_and_are_not_tested() -> None:
    benchmark = load_benchmark("red116")
    counts = list(benchmark.n_images)
    counts[benchmark.index["ACGAN"]] = 0
    partial = replace(benchmark, n_images=tuple(counts))
    training = partial.training_gms("set_1")
    assert len(training) == 103
    assert "ACGAN" not in training
    assert not set(training) & set(partial.sets["set_1"])


def test_2024_labels_have_another_version_and_a_further_class() -> None:
    benchmark = load_benchmark("red116", labels="2024")
    assert benchmark.version != load_benchmark("red116").version
    assert benchmark.classes["normalization"][-1] == "class_4"


def test_hashes_follow_labels_and_sets() -> None:
    benchmark = load_benchmark("red116")
    assert benchmark.labels_sha256 != load_benchmark("red116", labels="2024").labels_sha256
    fewer = replace(benchmark, n_images=(999,) * 116)
    assert fewer.labels_sha256 == benchmark.labels_sha256
    assert fewer.splits_sha256 != benchmark.splits_sha256
    # What labels alone reach depends on which GMs can be trained on.
    place = benchmark.index[benchmark.training_gms("set_1")[0]]
    untested = replace(benchmark, sets={"set_1": benchmark.sets["set_1"]})
    counts = [500 if row == place else 1000 for row in range(116)]
    assert replace(untested, n_images=tuple(counts)).is_same_as(untested)
    counts[place] = 0
    assert not replace(untested, n_images=tuple(counts)).is_same_as(untested)


def test_told_from_gm_names() -> None:
    found = named_benchmark_with({"AAE", "DM_1"})
    assert found is not None
    assert found.name == "red116-dm"
    assert named_benchmark_with({"AAE", "MINE"}) is None


@pytest.mark.parametrize(
    ("what", "match"),
    [
        ("red117", "Did you mean red116"),
        ("no/such/folder", "folder that `gmbench data build` made"),
    ],
)
def test_unknown_benchmark(what: str, match: str) -> None:
    with pytest.raises(UnknownNameError, match=match):
        load_benchmark(what)


def test_label_releases_are_of_red116_and_what_extends_it() -> None:
    with pytest.raises(BenchmarkError, match="Give --benchmark red116, red116-dm or red140"):
        load_benchmark("mini116", "2024")
    with pytest.raises(UnknownNameError, match="Label release '2025' is not known"):
        load_benchmark("mini116", "2025")
    with pytest.raises(UnknownNameError, match="Benchmark 'red117' is not known"):
        load_benchmark("red117", "2024")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"gms\.csv is missing"):
        load_benchmark(tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("gms.csv", "n_images", "images"),
        ("gms.csv", "1593378", "many"),
        ("benchmark.json", '"sets"', '"groups"'),
        ("benchmark.json", "{", ""),
    ],
)
def test_a_damaged_folder_says_so(file: str, old: str, new: str, tmp_path: Path) -> None:
    folder = _write(load_benchmark("red116"), tmp_path / "built")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    with pytest.raises(BenchmarkError, match="is damaged"):
        read_benchmark(folder)


def test_a_row_that_is_cut_short_has_no_unknown_labels(tmp_path: Path) -> None:
    folder = _write(load_benchmark("red116"), tmp_path / "built")
    text = (folder / "gms.csv").read_text()
    (folder / "gms.csv").write_text(text.rpartition(",")[0])
    with pytest.raises(BenchmarkError, match="is damaged"):
        read_benchmark(folder)


def test_a_set_without_a_gm_is_none(tmp_path: Path) -> None:
    folder = _write(load_benchmark("red116"), tmp_path / "built")
    facts = folder / "benchmark.json"
    facts.write_text(facts.read_text().replace('"set_4"', '"set_5"'))
    with pytest.raises(BenchmarkError, match="no GM is in set_5"):
        read_benchmark(folder)


def test_unknown_gm_and_set() -> None:
    benchmark = load_benchmark("red116")
    assert benchmark.gm("style-gan 2").name == "STYLEGAN_2"
    with pytest.raises(UnknownNameError, match="STYLEGAN"):
        benchmark.gm("STYLEGAN_9")
    with pytest.raises(UnknownNameError, match="set_1, set_2, set_3, set_4"):
        benchmark.test_gms("set_5")
