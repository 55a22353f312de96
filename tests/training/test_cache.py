from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gmbench.benchmark.benchmark import read_benchmark
from gmbench.data.build import build_dataset
from gmbench.data.checksums import CHECKSUMS
from gmbench.errors import BenchmarkError, DatasetError, UnknownNameError
from gmbench.training import shard_cache
from gmbench.training.cache import CachedImages, LazyPixels, cached_images
from gmbench.training.views import Crops, Resized
from tests.data.fake_images import small_benchmark, with_n_images
from tests.training.conftest import N_IMAGES, SIDE
from tests.training.plain import plain_resized

Arrays = Callable[[Path], dict[str, bytes]]
GMS = tuple(small_benchmark().index)

DECODE = """
import sys
from pathlib import Path
from gmbench.training.cache import cached_images
from gmbench.training.views import Resized

if __name__ == "__main__":
    cached_images(Path(sys.argv[1]), Resized(16), jobs=2, cache=Path(sys.argv[2]))
"""


def start(dataset: Path, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DECODE, str(dataset), str(cache)], stderr=subprocess.PIPE, text=True
    )


def decode(dataset: Path, cache: Path, **options: object) -> CachedImages:
    return cached_images(dataset, Resized(SIDE), jobs=1, cache=cache, **options)  # type: ignore[arg-type]


def test_every_cached_image_is_the_plain_image(resized: CachedImages, image_folder: Path) -> None:
    for gm in GMS:
        files = sorted((image_folder / gm).iterdir())
        plain = np.stack([plain_resized(path.read_bytes(), SIDE) for path in files])
        found = resized.pixels(gm)
        assert isinstance(found, np.memmap)
        assert not found.flags.writeable
        np.testing.assert_array_equal(found, plain)


def test_every_crop_is_what_the_view_gives(crops: CachedImages, image_folder: Path) -> None:
    for gm in GMS:
        for number, path in enumerate(sorted((image_folder / gm).iterdir())):
            with Image.open(path) as image:
                expected = crops.view.apply(image, f"{gm}/{number:06d}")
            np.testing.assert_array_equal(crops.pixels(gm)[number], expected)


def test_names_and_numbers(resized: CachedImages) -> None:
    assert resized.gms == GMS
    assert resized.n_images == 6 * N_IMAGES
    assert resized.image_ids("DCGAN")[:2] == ("DCGAN/000000", "DCGAN/000001")
    assert len(resized.image_ids("DCGAN")) == N_IMAGES


def test_some_gms_in_the_order_asked_for(pristine_dataset: Path, pristine_cache: Path) -> None:
    cached = decode(pristine_dataset, pristine_cache, gms=["STYLEGAN", "beta-b"])
    assert cached.gms == ("STYLEGAN", "BETA_B")
    assert cached.n_images == 2 * N_IMAGES
    with pytest.raises(DatasetError, match="DCGAN were not asked for"):
        cached.pixels("DCGAN")
    with pytest.raises(DatasetError, match="DCGAN were not asked for"):
        cached.stack(["DCGAN"])


@pytest.mark.parametrize("gms", [None, ["DCGAN"], ["STYLEGAN_2", "ADV_FACES", "DCGAN"], []])
def test_stack_in_memory_and_lazy(crops: CachedImages, gms: list[str] | None) -> None:
    here, lazy = crops.stack(gms), crops.stack(gms, memory_limit=-1)
    assert isinstance(here.pixels, np.ndarray)
    assert here.pixels.flags.c_contiguous
    assert isinstance(lazy.pixels, LazyPixels)
    assert lazy.pixels.shape == here.pixels.shape
    assert lazy.pixels.nbytes == here.pixels.nbytes
    names = list(GMS if gms is None else gms)
    assert here.gm_rows.tolist() == [row for row, _ in enumerate(names) for _ in range(N_IMAGES)]
    np.testing.assert_array_equal(lazy.gm_rows, here.gm_rows)
    np.testing.assert_array_equal(lazy.pixels[:], here.pixels)
    n = len(here.pixels)
    rows = np.random.default_rng(0).permutation(n)[: n // 2]
    views = rows % 3
    np.testing.assert_array_equal(lazy.pixels[rows], here.pixels[rows])
    np.testing.assert_array_equal(lazy.pixels[rows.tolist()[::-1]], here.pixels[rows[::-1]])
    np.testing.assert_array_equal(lazy.pixels[3:40:7], here.pixels[3:40:7])
    np.testing.assert_array_equal(lazy.pixels.take(rows, views), here.pixels[rows, views])


def test_nothing_is_decoded_twice(
    pristine_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    decode(pristine_dataset, tmp_path, gms=GMS[:2], progress=lambda what, *now: told.append(now))
    decode(pristine_dataset, tmp_path, gms=GMS[:3], progress=lambda what, *now: told.append(now))
    assert told == [(18, 36), (36, 36), (54, 54)]
    with monkeypatch.context() as patch:
        patch.setattr(shard_cache, "_make_once", None)
        assert decode(pristine_dataset, tmp_path, gms=GMS[:3]).n_images == 54


def test_default_place(
    pristine_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GMBENCH_HOME", str(tmp_path))
    cached_images(pristine_dataset, Crops(4, 2, 1), gms=["DCGAN"], jobs=1)
    assert len(list((tmp_path / "pixels" / "crops-4-2-1").glob("DCGAN-*.npy"))) == 1


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])  # A record ends in a line feed.


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _flip_header(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"(18,", b"(17,"))


def _grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_cut, _flip, _flip_header, _grow, _empty, Path.unlink])
@pytest.mark.parametrize("suffix", ["npy", "json"])
def test_damaged_files_are_made_again(
    resized: CachedImages,
    pristine_dataset: Path,
    pristine_cache: Path,
    tmp_path: Path,
    damage: Callable[[Path], None],
    suffix: str,
    arrays_of: Arrays,
) -> None:
    cache = Path(shutil.copytree(pristine_cache, tmp_path / "cache"))
    (victim,) = cache.glob(f"resized-16/DCGAN-*.{suffix}")
    damage(victim)
    found = decode(pristine_dataset, cache)
    np.testing.assert_array_equal(found.pixels("DCGAN"), resized.pixels("DCGAN"))
    assert arrays_of(cache / "resized-16") == arrays_of(pristine_cache / "resized-16")


def _rewrite_with_other_image(dataset: Path, image_folder: Path, tmp_path: Path) -> None:
    images = Path(shutil.copytree(image_folder, tmp_path / "other"))
    first = min((images / "DCGAN").iterdir())
    first.unlink()
    Image.new("RGB", (5, 5), (9, 8, 7)).save(first.with_suffix(".png"))
    build_dataset(
        with_n_images(small_benchmark(), N_IMAGES), images, dataset, jobs=1, overwrite=True
    )


def test_a_changed_shard_has_another_key(
    dataset: Path, image_folder: Path, tmp_path: Path, arrays_of: Arrays
) -> None:
    before = decode(dataset, tmp_path / "cache")
    kept = arrays_of(tmp_path / "cache")
    old = np.array(before.pixels("DCGAN"))
    _rewrite_with_other_image(dataset, image_folder, tmp_path)
    after = decode(dataset, tmp_path / "cache")
    assert after.sha256 != before.sha256
    assert (after.pixels("DCGAN")[0] == (9, 8, 7)).all()
    np.testing.assert_array_equal(after.pixels("DCGAN")[1:], old[1:])
    # All else is as it was, and only the one GM was added.
    now = arrays_of(tmp_path / "cache")
    assert {name: now[name] for name in kept} == kept
    assert {name.split("/")[1].split("-")[0] for name in now.keys() - kept} == {"DCGAN"}


def test_keys_tell_views_and_gms_apart(pristine_dataset: Path, tmp_path: Path) -> None:
    views = (Resized(4), Resized(5), Crops(4, 1, 0), Crops(4, 1, 1), Crops(4, 2, 0))
    found = {
        cached_images(pristine_dataset, view, gms=gms, jobs=1, cache=tmp_path).sha256
        for view in views
        for gms in (["DCGAN"], ["BETA_B"], ["DCGAN", "BETA_B"])
    }
    assert len(found) == 15


def test_another_pillow_decodes_again(
    pristine_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = decode(pristine_dataset, tmp_path, gms=["DCGAN"])
    monkeypatch.setattr(shard_cache, "_pillow_version", "0.1")
    assert decode(pristine_dataset, tmp_path, gms=["DCGAN"]).sha256 != first.sha256


@pytest.mark.faults
@pytest.mark.parametrize("n_finished", [0, 1, 3])
def test_killed_and_taken_up_again(
    resized: CachedImages,
    pristine_dataset: Path,
    pristine_cache: Path,
    tmp_path: Path,
    n_finished: int,
    arrays_of: Arrays,
) -> None:
    process = start(pristine_dataset, tmp_path / "cache")
    place = tmp_path / "cache" / "resized-16"
    wanted = f"*.{'json' if n_finished else 'part'}"
    while process.poll() is None and len(list(place.glob(wanted))) < (n_finished or 1):
        time.sleep(0.0005)
    process.kill()
    process.communicate()
    decode(pristine_dataset, tmp_path / "cache")
    assert arrays_of(place) == arrays_of(pristine_cache / "resized-16")


def test_what_a_killed_process_left_is_written_over(
    resized: CachedImages, pristine_dataset: Path, pristine_cache: Path, tmp_path: Path,
    arrays_of: Arrays,
) -> None:  # fmt: skip
    (tmp_path / "resized-16").mkdir()
    for array in (pristine_cache / "resized-16").glob("*.npy"):
        left = tmp_path / "resized-16" / array.with_suffix(".part").name
        left.write_bytes(array.read_bytes()[:1000] * 30)
    decode(pristine_dataset, tmp_path)
    assert arrays_of(tmp_path / "resized-16") == arrays_of(pristine_cache / "resized-16")


@pytest.mark.faults
def test_two_processes_at_once(
    resized: CachedImages,
    pristine_dataset: Path,
    pristine_cache: Path,
    tmp_path: Path,
    arrays_of: Arrays,
) -> None:
    processes = [start(pristine_dataset, tmp_path) for _ in range(2)]
    complaints = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], complaints
    assert arrays_of(tmp_path / "resized-16") == arrays_of(pristine_cache / "resized-16")


def test_a_damaged_shard_is_not_cached(dataset: Path, tmp_path: Path) -> None:
    (shard,) = dataset.glob("data/*/DCGAN.parquet")
    _flip(shard)
    with pytest.raises(DatasetError, match=r"DCGAN.parquet cannot be used: it is not what check"):
        decode(dataset, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("DCGAN-*.npy"))
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_folders_that_cannot_be_used(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"GM 'DCGANN' is not known. Did you mean DCGAN"):
        decode(dataset, tmp_path / "cache", gms=["DCGANN"])
    (shard,) = dataset.glob("data/*/DCGAN.parquet")
    shard.unlink()
    with pytest.raises(DatasetError, match=r"DCGAN.parquet cannot be used: No such file"):
        decode(dataset, tmp_path / "cache")
    sums = (dataset / CHECKSUMS).read_text()
    (dataset / CHECKSUMS).write_text("".join(x for x in sums.splitlines(True) if "DCGAN" not in x))
    with pytest.raises(DatasetError, match=r"DCGAN.parquet is not in .*checksums.sha256"):
        decode(dataset, tmp_path / "cache")
    (dataset / CHECKSUMS).unlink()
    with pytest.raises(DatasetError, match=r"checksums.sha256 cannot be read"):
        decode(dataset, tmp_path / "cache")
    with pytest.raises(BenchmarkError, match="is not a dataset of gmbench"):
        decode(tmp_path, tmp_path / "cache")


def test_gms_without_images(dataset: Path, tmp_path: Path) -> None:
    table = dataset / "gms.csv"
    lines = table.read_text().splitlines()
    place = lines[0].split(",").index("n_images")
    cells = lines[3].split(",")
    cells[place] = "0"
    table.write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:]]) + "\n")
    gm = cells[0]
    assert read_benchmark(dataset).n_images[2] == 0
    assert gm not in decode(dataset, tmp_path / "cache").gms
    with pytest.raises(DatasetError, match=f"{gm} has no images in"):
        decode(dataset, tmp_path / "cache", gms=[gm])


def test_a_cache_that_cannot_be_written(pristine_dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"resized-16 cannot be written: .*GMBENCH_HOME"):
        decode(pristine_dataset, tmp_path / "file")


def test_pixels_that_vanish(pristine_dataset: Path, tmp_path: Path) -> None:
    cached = decode(pristine_dataset, tmp_path, gms=["DCGAN"])
    shutil.rmtree(tmp_path / "resized-16")
    with pytest.raises(DatasetError, match=r"DCGAN in .* cannot be read any more.*made anew"):
        cached.pixels("DCGAN")


def test_no_torch(pristine_dataset: Path) -> None:
    code = "import sys, gmbench.training.cache; print(json.dumps('torch' in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"import json; {code}"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) is False
