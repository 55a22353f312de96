from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
import yaml

from gmbench.benchmark.benchmark import (
    Benchmark,
    dataset_folder,
    load_benchmark,
    read_benchmark,
)
from gmbench.data.build import build_dataset
from gmbench.data.features import arrow_schema, configurations, group_of, label_values
from gmbench.data.sources import Limits
from gmbench.errors import BenchmarkError, DatasetError, GmbenchError, SourceError
from gmbench.schema import NAMES, markdown_table
from tests.data.fake_images import make_images, own_benchmark

Digest = Callable[..., dict[str, str]]

COLUMNS = ["image", "image_id", "gm", "kind", "content", *NAMES, "target"]


def test_layout(pristine_dataset: Path) -> None:
    found = sorted(
        p.relative_to(pristine_dataset).as_posix() for p in pristine_dataset.rglob("*.*")
    )
    assert found == [
        ".build.json",
        "README.md",
        "benchmark.json",
        "checksums.sha256",
        "data/set_1-set_2/DCGAN.parquet",
        "data/set_1/BETA_B.parquet",
        "data/set_2/STYLEGAN_2.parquet",
        "data/train/ADV_FACES.parquet",
        "data/train/PIXELCNN_PP.parquet",
        "data/train/STYLEGAN.parquet",
        "eval.yaml",
        "gms.csv",
        "inspection.json",
    ]
    assert not list(pristine_dataset.parent.glob("*.partial"))


def test_card_and_eval_yaml(pristine_dataset: Path, snapshot: object) -> None:
    assert (pristine_dataset / "eval.yaml").read_text() == snapshot
    card = (pristine_dataset / "README.md").read_text()
    before, infos_and_text = card.split("dataset_info:\n")
    infos, text = infos_and_text.split("---\n", 1)
    assert f"{before}---\n{text}".replace(markdown_table(), "PARAMETERS") == snapshot
    shard = pq.read_schema(pristine_dataset / "data/train/STYLEGAN.parquet")
    described = yaml.safe_load(infos)
    for info in described:
        features = datasets.Features._from_yaml_list(info["features"])
        assert features == datasets.Features.from_arrow_schema(shard)
    # Sizes of the shards depend on the version of the Parquet library.
    examples = {
        info["config_name"]: {part["name"]: part["num_examples"] for part in info["splits"]}
        for info in described
    }
    halves = {"train": 24, "test": 12}
    assert examples == {"all": {"train": 36}, "set_1": halves, "set_2": halves}


def test_benchmark_is_read_back(pristine_dataset: Path, benchmark: Benchmark) -> None:
    assert read_benchmark(pristine_dataset) == benchmark


def test_image_bytes_are_unchanged(pristine_dataset: Path, pristine_images: Path) -> None:
    for shard in pristine_dataset.rglob("*.parquet"):
        rows = pq.read_table(shard).to_pylist()
        assert [row["image_id"] for row in rows] == [f"{shard.stem}/{n:06d}" for n in range(6)]
        for number, row in enumerate(rows):
            (file,) = (pristine_images / shard.stem).glob(f"{number + 5}.*")
            assert row["image"] == {"bytes": file.read_bytes(), "path": file.name}


def test_columns_and_labels(pristine_dataset: Path, benchmark: Benchmark) -> None:
    for gm in benchmark.index:
        table = pq.read_table(pristine_dataset / f"data/{group_of(benchmark, gm)}/{gm}.parquet")
        assert table.column_names == COLUMNS
        assert table.schema.equals(arrow_schema(benchmark))
        assert table.schema.metadata == arrow_schema(benchmark).metadata
        row = table.to_pylist()[0]
        assert [row[name] for name in NAMES] == list(benchmark.gm(gm).values)
        assert row["target"][9:] == list(benchmark.gm(gm).values[9:])
        expected = benchmark.normalise(benchmark.labels[benchmark.index[gm], :9])
        assert row["target"][:9] == pytest.approx(expected, abs=1e-6)


def test_plain_datasets_loads_every_configuration(
    pristine_dataset: Path, benchmark: Benchmark, tmp_path: Path
) -> None:
    for config, splits in configurations(benchmark).items():
        loaded = datasets.load_dataset(str(pristine_dataset), config, cache_dir=str(tmp_path))
        assert list(loaded) == list(splits)
        for split, gms in splits.items():
            column = loaded[split].features["gm"]
            found = [column.int2str(row) for row in loaded[split]["gm"]]
            assert sorted(set(found)) == sorted(gms)
            assert len(found) == 6 * len(gms)
    row = loaded["train"][0]
    assert row["image"].size == (5, 5)
    assert loaded["train"].features["target"].length == 25
    default = datasets.load_dataset(str(pristine_dataset), cache_dir=str(tmp_path), split="test")
    assert default.num_rows == 12


STREAM = """
import os
import sys
import datasets

def first(path):
    stream = datasets.load_dataset(path, "set_1", split="test", streaming=True)
    for row in stream:
        return row["image_id"], row["image"].size

print(first(sys.argv[1]))
stream = datasets.load_dataset(sys.argv[1], "set_2", split="train", streaming=True)
print(len(list(stream)), len(list(stream.take(2))), flush=True)
os._exit(0)  # Arrow's threads can abort Python when it exits after streaming (its issue 45214).
"""


def test_streaming_in_a_fresh_process(pristine_dataset: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(pristine_dataset)], capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["('BETA_B/000000', (5, 5))", "24 2"]
    assert done.returncode == 0
    assert "terminate" not in done.stderr
    assert "Traceback" not in done.stderr


def test_jobs_do_not_change_a_byte(
    images: Path, benchmark: Benchmark, tmp_path: Path, pristine_dataset: Path, digest_of: Digest
) -> None:
    two = build_dataset(benchmark, images, tmp_path / "two", jobs=2).folder
    assert digest_of(two) == digest_of(pristine_dataset)


def _archive(images: Path, kind: str) -> Path:
    """Packs the images under other names: nested, other letter case, other separators."""
    path = images.parent / f"images.{kind}"
    names = {
        file: f"Download/red 116/{gm.name.lower().replace('_', '-')}/{file.name}"
        for gm in images.iterdir()
        for file in gm.iterdir()
    }
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            for file, name in names.items():
                zipped.write(file, name)
    else:
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as tarred:
            for file, name in reversed(names.items()):
                tarred.add(file, name)
    return path


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_archives_give_the_same_shards(
    images: Path,
    benchmark: Benchmark,
    tmp_path: Path,
    kind: str,
    pristine_dataset: Path,
    digest_of: Digest,
) -> None:
    packed = _archive(images, kind)
    result = build_dataset(benchmark, packed, tmp_path / "out", jobs=2 if kind == "zip" else 1)
    assert digest_of(result.folder, ".parquet") == digest_of(pristine_dataset, ".parquet")
    assert build_dataset(benchmark, packed, tmp_path / "out", jobs=1).already_built
    assert not (tmp_path / "out.partial").exists()


def test_what_a_link_leads_to_is_replaced(
    pristine_images: Path, benchmark: Benchmark, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "far")
    for _ in range(2):
        build_dataset(benchmark, pristine_images, link, jobs=1, overwrite=True)
        assert link.is_symlink()
    assert read_benchmark(tmp_path / "far") == benchmark
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far", "link"]


def test_a_folder_in_place_of_the_work_folder_is_kept(
    pristine_images: Path, benchmark: Benchmark, tmp_path: Path
) -> None:
    build_dataset(benchmark, pristine_images, tmp_path / "out.partial", jobs=1)
    for images in (pristine_images, None):
        with pytest.raises(DatasetError, match="holds something that no build left"):
            build_dataset(benchmark if images else "mini116", images, tmp_path / "out", jobs=1)
    assert read_benchmark(tmp_path / "out.partial") == benchmark


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_without_a_name(
    overwrite: bool,
    images: Path,
    benchmark: Benchmark,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(DatasetError, match=r"no name .* Give a folder's name, such as --out"):
        build_dataset(benchmark, images, Path(), jobs=1, overwrite=overwrite)


def test_a_folder_that_is_there(images: Path, benchmark: Benchmark, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert not build_dataset(benchmark, images, out, jobs=1).already_built
    assert build_dataset(benchmark, images, out, jobs=1).already_built
    os.utime(images / "DCGAN" / "5.png", ns=(0, 0))
    with pytest.raises(DatasetError, match=r"built from other images .* Give --overwrite"):
        build_dataset(benchmark, images, out, jobs=1)
    assert not build_dataset(benchmark, images, out, jobs=1, overwrite=True).already_built
    (out / "data/train/STYLEGAN.parquet").unlink()
    with pytest.raises(DatasetError, match=r"or is not whole"):
        build_dataset(benchmark, images, out, jobs=1)
    with pytest.raises(SourceError, match="no-such does not exist"):
        build_dataset(benchmark, tmp_path / "no-such", out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "out"]


def test_nothing_of_others_is_replaced(images: Path, benchmark: Benchmark, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("x")
    with pytest.raises(DatasetError, match=r"not a dataset of gmbench; --overwrite replaces"):
        build_dataset(benchmark, images, tmp_path / "thesis", overwrite=True)
    for out in (images / "out", images, tmp_path):
        with pytest.raises(DatasetError, match="lie inside one another"):
            build_dataset(benchmark, images, out, overwrite=True)
    assert (tmp_path / "thesis" / "chapter").read_text() == "x"


def test_without_images(benchmark: Benchmark, tmp_path: Path, snapshot: object) -> None:
    with pytest.raises(DatasetError) as caught:
        build_dataset(benchmark, None, tmp_path / "out")
    assert str(caught.value) == snapshot


OWN_NAMES = ("mine", "red116", "mini116")


@pytest.mark.parametrize("name", OWN_NAMES)
def test_a_benchmark_is_known_by_its_labels_and_not_by_its_name(
    images: Path, benchmark: Benchmark, tmp_path: Path, name: str
) -> None:
    own = own_benchmark(benchmark, name)
    with pytest.raises(DatasetError) as caught:
        build_dataset(own, None, tmp_path / "out")
    assert "red116" not in str(caught.value).replace(f"images of {name} ", "")
    assert "each of its 6 GMs with --images" in str(caught.value)
    built = build_dataset(own, images, tmp_path / "out", jobs=1).folder
    assert read_benchmark(built) == own
    card = (built / "README.md").read_text()
    assert "license_name: not-stated" in card
    assert "Images of 6 generative models (GMs: " in card
    assert "published generative" not in card
    assert "authors" not in card


def test_a_known_benchmark_may_have_any_name(
    images: Path, benchmark: Benchmark, tmp_path: Path
) -> None:
    other = replace(benchmark, name="mine")
    with pytest.raises(DatasetError, match="data fetch red116"):
        build_dataset(other, None, tmp_path / "out")
    card = (build_dataset(other, images, tmp_path / "out", jobs=1).folder / "README.md").read_text()
    assert "Images of 6 published generative models" in card
    assert "license_name: images-belong-to-their-authors" in card


def test_a_folder_with_the_name_of_a_benchmark(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset.rename(tmp_path / "mini116")
    shutil.copytree(tmp_path / "mini116", tmp_path / "red116-mine")
    monkeypatch.chdir(tmp_path)
    for name in (Path("mini116"), "./mini116", "red116-mine"):
        assert load_benchmark(name).name == "small"
        assert dataset_folder(name) == Path(name)
    assert load_benchmark("mini116").name == "mini116"
    with pytest.raises(BenchmarkError, match="red116-mine has its own"):
        load_benchmark("red116-mine", "2024")


def test_the_card_counts_what_is_missing(
    images: Path, benchmark: Benchmark, tmp_path: Path
) -> None:
    shutil.rmtree(images / "BETA_B")
    (images / "DCGAN" / "5.png").unlink()
    (images / "STYLEGAN" / "5.png").unlink()
    built = build_dataset(benchmark, images, tmp_path / "out", jobs=1, allow_missing=True).folder
    card = (built / "README.md").read_text()
    assert "Images of 5 published generative models" in card
    assert "of its 6 GMs, 1 have no image here and 2 have fewer" in card


def test_place_that_cannot_be_written(images: Path, benchmark: Benchmark, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match=r"out cannot be written: (Not a directory|File exists)"):
        build_dataset(benchmark, images, tmp_path / "file" / "out")


def test_second_build_at_the_same_time(
    images: Path, benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmbench.data.dataset_folder._PATIENCE", 0.1)

    def again(what: str, done: int, total: int | None) -> None:
        with pytest.raises(DatasetError, match="Another build is at work"):
            build_dataset(benchmark, images, tmp_path / "out")

    build_dataset(benchmark, images, tmp_path / "out", jobs=1, progress=again)


def test_progress_counts_images(images: Path, benchmark: Benchmark, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    build_dataset(
        benchmark, images, tmp_path / "o", jobs=1, progress=lambda what, *n: told.append(n)
    )
    assert told == [(done, 36) for done in range(0, 37, 6)]


def test_row_groups_are_small(benchmark: Benchmark, tmp_path: Path) -> None:
    many = replace(benchmark, n_images=(1, 1, 1, 1, 205, 1))
    images = make_images(tmp_path / "images", many)
    out = build_dataset(many, images, tmp_path / "out", jobs=1).folder
    shard = pq.ParquetFile(out / "data/train/STYLEGAN.parquet")
    assert [shard.metadata.row_group(n).num_rows for n in range(3)] == [100, 100, 5]
    image = shard.metadata.row_group(0).column(0)
    assert (image.path_in_schema, image.compression) == ("image.bytes", "UNCOMPRESSED")


def test_overlapping_sets_of_the_diffusion_benchmark() -> None:
    benchmark = load_benchmark("red116-dm")
    assert group_of(benchmark, "DM_3") == "set_1-set_2"
    assert group_of(benchmark, "STYLEGAN") == "train"
    config = configurations(benchmark)["set_1"]
    assert config["test"] == ("DM_1", "DM_2", "DM_3")
    assert len(config["train"]) == 120
    assert label_values(benchmark, "DM_7")["kind"] == 5


def test_too_many_pixels(images: Path, benchmark: Benchmark, tmp_path: Path) -> None:
    result = build_dataset(
        benchmark, images, tmp_path / "out", jobs=1, limits=Limits(pixels=500), allow_missing=True
    )
    (corrupt,) = (c for c in result.inspection.checklist if c.name == "corrupt_images")
    assert {offender.partition(": ")[2] for offender in corrupt.offenders} == {
        "28 x 28 pixels; at most 500 are decoded",
        "33 x 17 pixels; at most 500 are decoded",
    }


def test_partial_dataset_loads(images: Path, benchmark: Benchmark, tmp_path: Path) -> None:
    for gm in ("BETA_B", "DCGAN", "PIXELCNN_PP"):
        shutil.rmtree(images / gm)
    result = build_dataset(benchmark, images, tmp_path / "out", jobs=1, allow_missing=True)
    assert result.benchmark == "small-partial"
    partial = read_benchmark(result.folder)
    assert partial.name == "small-partial"
    assert partial.gms == benchmark.gms
    assert partial.n_images == (6, 0, 0, 0, 6, 6)
    cache = str(tmp_path / "cache")
    loaded = datasets.load_dataset(str(result.folder), "set_1", cache_dir=cache)
    assert {split: rows.num_rows for split, rows in loaded.items()} == {"train": 18}
    again = build_dataset(partial, images, tmp_path / "again", jobs=1)
    assert again.benchmark == "small-partial"


def test_no_image_at_all(benchmark: Benchmark, tmp_path: Path) -> None:
    (tmp_path / "images" / "cats").mkdir(parents=True)
    with pytest.raises(GmbenchError, match="holds no image of any GM of small"):
        build_dataset(benchmark, tmp_path / "images", tmp_path / "out", allow_missing=True)
