"""Which files are images, and how large they may be: the same for all that reads images."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Image as DatasetImage
from PIL import Image, UnidentifiedImageError

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.build import build_dataset
from gmbench.data.image_files import LONGEST_SIDE, MOST_PIXELS, image_fault, open_image
from gmbench.data.rgb import decode_rgb, rgb_pixels
from gmbench.data.verification import verify_dataset
from gmbench.errors import DatasetError, GmbenchError, SourceError
from gmbench.zoo.image_folder import read_folder
from tests.data.fake_images import KINDS_OF_FILES, image_bytes
from tests.data.test_rgb import BROKEN_EXIF
from tests.training.image_files import png, saved

GREY = np.zeros((4, 4, 1), int)
KNOWN = "no image of a known format (PNG, JPEG, WebP, BMP, GIF, TIFF)"


def with_exif(block: bytes) -> bytes:
    return png(GREY, 8, 0, {b"eXIf": block})


@pytest.mark.parametrize("seed", range(len(KINDS_OF_FILES)))
def test_sound_files(seed: int) -> None:
    assert image_fault(image_bytes(seed)[1]) == ""


@pytest.mark.parametrize("block", BROKEN_EXIF)
def test_what_datasets_cannot_decode_is_no_image(block: bytes) -> None:
    data = with_exif(block)
    decoder: Any = DatasetImage()
    try:
        decoder.decode_example({"bytes": data, "path": None})
    except Exception:  # noqa: BLE001 - whatever it is
        assert image_fault(data)
    else:
        assert image_fault(data) == ""
    assert decode_rgb(data).shape == (4, 4, 3), "a parser takes it all the same"


def test_one_of_the_broken_blocks_is_refused() -> None:
    assert any(image_fault(with_exif(block)) for block in BROKEN_EXIF)


@pytest.mark.parametrize("kind", ["EPS", "ICO", "PPM", "TGA", "PCX", "JPEG2000"])
def test_formats_that_were_not_asked_for(kind: str) -> None:
    data = saved(Image.new("RGB", (16, 16)), kind)
    assert image_fault(data) == KNOWN
    with pytest.raises(UnidentifiedImageError):
        decode_rgb(data)


TOO_LARGE = {
    "more pixels": (8_193, 8_193, f"8193 x 8193 pixels; at most {MOST_PIXELS:,} are decoded"),
    "a longer side": (1, LONGEST_SIDE + 1, "65537 x 1 pixels; at most 65,536 a side are decoded"),
    "far too many": (20_000, 20_000, f"more than {MOST_PIXELS:,} pixels; no more are decoded"),
}


@pytest.mark.parametrize("what", TOO_LARGE)
def test_size_is_looked_at_before_pixels(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    height, width, reason = TOO_LARGE[what]
    data = saved(Image.new("1", (width, height)), "PNG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    assert image_fault(data) == reason
    for number in range(50):
        (tmp_path / f"{number}.png").write_bytes(data)
    with pytest.raises(SourceError, match="pixels") as refused:
        read_folder(tmp_path, 32)
    assert reason in str(refused.value)
    if "far" not in what:
        with pytest.raises(SourceError) as parsed:
            rgb_pixels(open_image(io.BytesIO(data)), "x.png")
        assert str(parsed.value) == f"x.png has {reason}. Leave it out, or make it smaller."


def test_bands_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    images = [
        Image.fromarray(generator.integers(0, 256, (37, 23, 4), dtype=np.uint8)),
        Image.fromarray(generator.integers(0, 2**16, (37, 23), dtype=np.uint16)),
        Image.fromarray(generator.normal(128, 99, (37, 23)).astype(np.float32)),
    ]
    whole = [rgb_pixels(image) for image in images]
    monkeypatch.setattr("gmbench.data.rgb._PIXELS_AT_ONCE", 100)
    for image, pixels in zip(images, whole, strict=True):
        assert np.array_equal(rgb_pixels(image), pixels)


def test_build_and_verify_say_of_a_broken_block(
    benchmark: Benchmark, images: Path, tmp_path: Path
) -> None:
    data = next(with_exif(block) for block in BROKEN_EXIF if image_fault(with_exif(block)))
    bad = sorted((images / "DCGAN").iterdir())
    for file in bad:
        file.unlink()
        file.with_suffix(".png").write_bytes(data)
    made = build_dataset(benchmark, images, tmp_path / "out", allow_missing=True, jobs=1)
    found = {check.name: check.offenders for check in made.inspection.checklist}
    assert len(found["corrupt_images"]) == len(bad)
    assert image_fault(data) in found["corrupt_images"][0]
    assert found["missing_images"] == ("DCGAN: 0 of 6; none of its 6 files can be decoded",)
    assert verify_dataset(tmp_path / "out", jobs=1).ok
    for folder in images.iterdir():
        if folder.name != "DCGAN":
            shutil.rmtree(folder)
    with pytest.raises(DatasetError) as refused:
        build_dataset(benchmark, images, tmp_path / "none", allow_missing=True, jobs=1)
    assert str(refused.value) == (
        f"{images}: none of the 6 files in folders of GMs can be decoded; 6 of them: "
        f"{image_fault(data)}. Give the images as their authors published them."
    )
    assert isinstance(refused.value, GmbenchError)
