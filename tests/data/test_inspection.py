from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.data import build as build_module
from gmbench.data.build import build_dataset
from gmbench.data.image_files import image_fault
from gmbench.data.inspection import IncompleteSourceError, Inspection
from tests.data.fake_images import image_bytes


@pytest.fixture
def spoilt(images: Path) -> Path:
    """Images with one problem of every kind."""
    shutil.rmtree(images / "ADV_FACES")  # a missing GM
    (images / "BETA_B" / "6.png").unlink()  # a missing image
    (images / "DCGAN" / "5.png").write_bytes(b"")  # an empty file
    (images / "PIXELCNN_PP" / "6.png").write_text("no image")  # corrupt: something else
    cut = images / "PIXELCNN_PP" / "8.bmp"
    cut.write_bytes(cut.read_bytes()[:-20])  # corrupt: cut short
    (images / "STYLEGAN" / "100.png").write_bytes(image_bytes(77)[1])  # surplus
    (images / "STYLEGAN" / "6.png").write_bytes((images / "STYLEGAN" / "5.png").read_bytes())
    (images / "STYLEGAN_2" / "6.png").write_bytes((images / "STYLEGAN" / "5.png").read_bytes())
    (images / "Style-GAN3").mkdir()  # an unknown folder
    (images / "Style-GAN3" / "1.png").write_bytes(image_bytes(3)[1])
    (images / "DCGAN" / "notes.txt").write_text("x")  # not an image
    (images / "labels.csv").write_text("gm,layers")  # a table
    return images


def entries(inspection: Inspection, name: str) -> list[tuple[str, str]]:
    (check,) = (check for check in inspection.checklist if check.name == name)
    assert check.n_offenders == len(check.offenders)
    return [(where, detail) for where, _, detail in (o.partition(": ") for o in check.offenders)]


def test_every_problem_is_reported(spoilt: Path, benchmark: Benchmark, tmp_path: Path) -> None:
    result = build_dataset(benchmark, spoilt, tmp_path / "out", jobs=2, allow_missing=True)
    found = result.inspection
    assert entries(found, "missing_gms") == [("ADV_FACES", "no folder with images has its name")]
    assert entries(found, "missing_images") == [
        ("BETA_B", "5 of 6"),
        ("DCGAN", "5 of 6"),
        ("PIXELCNN_PP", "4 of 6"),
    ]
    assert entries(found, "empty_files") == [("DCGAN/5.png", "0 bytes")]
    assert entries(found, "corrupt_images") == [
        ("PIXELCNN_PP/6.png", "no image of a known format (PNG, JPEG, WebP, BMP, GIF, TIFF)"),
        ("PIXELCNN_PP/8.bmp", "image file is truncated (4 bytes not processed)"),
    ]
    assert entries(found, "surplus_images") == [("STYLEGAN/100.png", "more than 6 of STYLEGAN")]
    assert entries(found, "duplicates") == [
        ("STYLEGAN/6.png", "same bytes as STYLEGAN/5.png (same GM)"),
        ("STYLEGAN_2/6.png", "same bytes as STYLEGAN/5.png (another GM)"),
    ]
    assert entries(found, "unknown_folders") == [
        ("Style-GAN3", "images: 1; nearest: STYLEGAN, STYLEGAN_2")
    ]
    assert entries(found, "not_images") == [("DCGAN/notes.txt", "not read")]
    assert entries(found, "csv_files") == [("labels.csv", "not read")]
    written = json.loads((result.folder / "inspection.json").read_text())
    assert written == found.to_dict()
    assert Inspection.from_dict(written) == found
    assert read_benchmark(result.folder).n_images == (0, 5, 5, 4, 6, 6)
    listed = ("empty_files", "corrupt_images", "surplus_images", "not_images", "csv_files")
    n_listed = sum(len(entries(found, name)) for name in listed)
    n_files = sum(path.is_file() for path in spoilt.rglob("*"))
    assert found.n_images + n_listed + 1 == n_files  # 1: the image in the unknown folder


def test_list_alone_stops_the_build_before_any_work(
    spoilt: Path, benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(build_module, "make_shards")
    with pytest.raises(IncompleteSourceError) as caught:
        build_dataset(benchmark, spoilt, tmp_path / "out")
    assert not caught.value.inspection.decoded
    assert [check.name for check in caught.value.inspection.checklist.failures] == [
        "missing_gms",
        "missing_images",
        "empty_files",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_corrupt_images_stop_the_build_and_its_work_is_kept(
    images: Path, benchmark: Benchmark, tmp_path: Path
) -> None:
    (images / "DCGAN" / "6.png").write_text("no image")
    with pytest.raises(IncompleteSourceError, match="missing images: 1, corrupt images: 1"):
        build_dataset(benchmark, images, tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()
    result = build_dataset(benchmark, images, tmp_path / "out", jobs=1, allow_missing=True)
    assert result.n_resumed == 6
    with pytest.raises(IncompleteSourceError, match="missing images: 1, corrupt images: 1"):
        build_dataset(benchmark, images, tmp_path / "out", jobs=1)


def test_warnings_do_not_stop_a_build(images: Path, benchmark: Benchmark, tmp_path: Path) -> None:
    (images / "DCGAN" / "notes.txt").write_text("x")
    (images / "DCGAN" / "99.png").write_bytes(image_bytes(3)[1])
    result = build_dataset(benchmark, images, tmp_path / "out", jobs=1)
    assert result.benchmark == "small"
    assert result.inspection.checklist.ok


def test_surplus_takes_the_place_of_a_corrupt_image(
    images: Path, benchmark: Benchmark, tmp_path: Path
) -> None:
    (images / "DCGAN" / "6.png").write_text("no image")
    (images / "DCGAN" / "11.png").write_bytes(image_bytes(3)[1])
    result = build_dataset(benchmark, images, tmp_path / "out", jobs=1, allow_missing=True)
    assert result.benchmark == "small"
    assert entries(result.inspection, "surplus_images") == []
    assert [entry[0] for entry in entries(result.inspection, "corrupt_images")] == ["DCGAN/6.png"]


@pytest.mark.parametrize("seed", range(12))
def test_sound_images_have_no_fault(seed: int) -> None:
    assert image_fault(image_bytes(seed)[1], 2**26) == ""


def _flip(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda png: b"",
        lambda png: png[:40],
        lambda png: png[: len(png) // 2],
        lambda png: png[:-20],
        lambda png: _flip(png, len(png) // 2),
        lambda png: _flip(png, 20),
    ],
)
def test_damaged_png_has_a_fault_of_one_line(spoil: Callable[[bytes], bytes]) -> None:
    fault = image_fault(spoil(image_bytes(1)[1]), 2**26)
    assert fault
    assert "\n" not in fault
    assert "0x" not in fault
