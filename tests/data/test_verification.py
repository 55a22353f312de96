from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.build import build_dataset
from gmbench.data.verification import verify_dataset
from gmbench.errors import DatasetError
from gmbench.predictions.checks import Checklist

SHARD = "data/train/STYLEGAN.parquet"
Spoil = Callable[[Path], object]


def failed(result: Checklist) -> dict[str, tuple[str, ...]]:
    assert not result.ok or all(check.status == "ok" for check in result)
    assert all(check.remedy for check in result.failures)
    return {check.name: check.offenders for check in result.failures}


def _sum_again(folder: Path) -> None:
    """Makes the checksums fit, so that the contents alone give the damage away."""
    lines = [line.split("  ")[1] for line in (folder / "checksums.sha256").read_text().splitlines()]
    sums = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in lines]
    text = "".join(f"{s}  {name}\n" for s, name in zip(sums, lines, strict=True))
    (folder / "checksums.sha256").write_text(text)


def _edit(name: str, column: int, change: Callable[[object], object]) -> Spoil:
    """Returns what changes a column of a shard in its second row, and the checksums with it."""

    def spoil(folder: Path) -> None:
        table = pq.read_table(folder / name)
        field = table.schema.field(column)
        values = table.column(column).to_pylist()
        values[1] = change(values[1])
        table = table.set_column(column, field, pa.array(values, field.type))
        pq.write_table(table, folder / name)
        _sum_again(folder)

    return spoil


def _edit_text(name: str, old: str, new: str) -> Spoil:
    def spoil(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))
        _sum_again(folder)

    return spoil


def _flip(name: str, position: int) -> Spoil:
    def spoil(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[position] ^= 1
        (folder / name).write_bytes(data)

    return spoil


def _drop_row(folder: Path) -> None:
    pq.write_table(pq.read_table(folder / SHARD).slice(0, 5), folder / SHARD)
    _sum_again(folder)


def test_a_sound_dataset(pristine_dataset: Path) -> None:
    told: list[tuple[int, int]] = []
    result = verify_dataset(pristine_dataset, jobs=2, progress=lambda what, *n: told.append(n))
    assert result.ok
    assert [check.name for check in result.checks] == [
        "files",
        "benchmark",
        "shards",
        "card",
        "checksums",
        "columns",
        "row_counts",
        "image_ids",
        "labels",
        "targets",
        "images",
    ]
    assert told[-1] == (36, 36)
    json.dumps(result.to_dict())


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda d: (d / "eval.yaml").unlink(), {"files", "checksums"}),
        (lambda d: (d / SHARD).unlink(), {"shards", "checksums"}),
        (lambda d: shutil.copy(d / SHARD, d / "data/set_1/"), {"shards", "checksums"}),
        (lambda d: (d / "notes.txt").write_text("x"), {"checksums"}),
        (lambda d: (d / "checksums.sha256").write_text("garbage"), {"checksums"}),
        (_flip("inspection.json", 50), {"checksums"}),
        (_flip(SHARD, -1), {"checksums", "columns"}),
        (_edit_text("README.md", "data/set_2/", "data/set_1/"), {"card"}),
        (_edit_text("README.md", "configs:", "configuration:"), {"card"}),
        (_edit_text("gms.csv", "STYLEGAN,GAN", "STYLEGAN,VAE"), {"benchmark", "labels"}),
        (_edit_text("gms.csv", ",set_1,6", ",set_1,5"), {"benchmark", "row_counts"}),
        (_edit(SHARD, 1, lambda _: "STYLEGAN/000007"), {"image_ids"}),
        (_edit(SHARD, 5, lambda value: value + 1), {"labels"}),  # type: ignore[operator]
        (_edit(SHARD, 5, lambda _: None), {"labels"}),
        (_edit(SHARD, 30, lambda _: [0.5] * 25), {"targets"}),
        (_edit(SHARD, 0, lambda row: {**row, "bytes": row["bytes"][:-30]}), {"images"}),  # type: ignore[dict-item, index]
        (_edit(SHARD, 0, lambda row: {**row, "bytes": None}), {"images"}),  # type: ignore[dict-item]
        (_drop_row, {"row_counts"}),
    ],
)
def test_every_kind_of_damage_is_found(dataset: Path, spoil: Spoil, expected: set[str]) -> None:
    spoil(dataset)
    found = failed(verify_dataset(dataset, jobs=1))
    assert set(found) == expected
    assert all(found.values())


def test_any_flipped_byte_is_found(dataset: Path) -> None:
    size = (dataset / SHARD).stat().st_size
    for position in range(10, size, size // 4):
        _flip(SHARD, position)(dataset)
        result = verify_dataset(dataset, jobs=1)
        assert failed(result)["checksums"] == (f"{SHARD}: changed",)
        _flip(SHARD, position)(dataset)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: (d / "gms.csv").unlink(), "gms.csv is missing"),
        (lambda d: (d / "benchmark.json").write_text("{"), "damaged"),
        (
            _edit_text("gms.csv", "STYLEGAN,GAN", "STYLEGAN,CAT"),
            "STYLEGAN has the kind 'CAT', which is none of GAN",
        ),
        (_edit_text("gms.csv", "STYLEGAN,GAN", "STYLEGAN"), "damaged"),
    ],
)
def test_tables_that_cannot_be_used(dataset: Path, spoil: Spoil, message: str) -> None:
    spoil(dataset)
    result = verify_dataset(dataset)
    (offender,) = failed(result)["benchmark"]
    assert message in offender
    assert {check.status for check in result.checks[2:]} == {"skipped"}


def test_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        verify_dataset(tmp_path / "nothing")


def test_partial_dataset_is_sound(images: Path, benchmark: Benchmark, tmp_path: Path) -> None:
    shutil.rmtree(images / "DCGAN")
    folder = build_dataset(benchmark, images, tmp_path / "o", jobs=1, allow_missing=True)
    assert verify_dataset(folder.folder, jobs=1).ok
