from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.benchmark.extra import read_extra
from gmbench.data.build import build_dataset
from gmbench.errors import DatasetError
from gmbench.training import feature_table, shard_cache
from gmbench.training.changed_images import Change
from gmbench.training.feature_table import FEATURES, read_features
from tests.training.families import family_benchmark, family_image
from tests.training.plain import plain_pixels
from tests.training.plain_features import plain_features

Arrays = Callable[[Path], dict[str, bytes]]

READ = """
import sys
from pathlib import Path
from gmbench.benchmark.benchmark import read_benchmark
from gmbench.training.feature_table import read_features

if __name__ == "__main__":
    read_features(read_benchmark(Path(sys.argv[1])), Path(sys.argv[1]))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; returns where features will lie."""
    monkeypatch.setenv("GMBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "features"


@pytest.fixture(scope="module")
def pristine(
    tmp_path_factory: pytest.TempPathFactory, families: Benchmark, family_folder: Path
) -> Path:
    """A cache with the features of all families; to be copied."""
    place = tmp_path_factory.mktemp("pristine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GMBENCH_HOME", str(place))
        read_features(families, family_folder)
    return place / "features"


@pytest.mark.usefixtures("home")
def test_images_of_every_mode_and_size_have_the_features_of_the_plain_way(
    pristine_dataset: Path, image_folder: Path
) -> None:
    """Neighbours in a shard differ in size here; each keeps its place."""
    benchmark = read_benchmark(pristine_dataset)
    table = read_features(benchmark, pristine_dataset, features="spectral_size_colour")
    files = [path for gm in benchmark.index for path in sorted((image_folder / gm).iterdir())]
    plain = np.array([plain_features(plain_pixels(path.read_bytes())) for path in files])
    assert table.features.dtype == np.float32
    np.testing.assert_allclose(table.features, plain, rtol=1e-5, atol=1e-5)
    assert np.bincount(table.gms).tolist() == list(benchmark.n_images)
    np.testing.assert_array_equal(table.labels, benchmark.labels)
    less = read_features(benchmark, pristine_dataset)
    np.testing.assert_array_equal(less.features, table.features[:, : FEATURES["spectral"]])


@pytest.mark.usefixtures("home")
def test_16_bits_do_not_saturate_and_a_transparent_pixel_is_white(tmp_path: Path) -> None:
    images = tmp_path / "images"
    values = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    clear = np.dstack([values, values, values, np.where(values > 200, 0, 255)]).astype(np.uint8)
    white = np.where(values > 200, 255, values).astype(np.uint8)
    benchmark = family_benchmark(n_gms=4, n_images=1)
    shown = (values, values * np.uint16(257), clear, white)
    for gm, pixels in zip(benchmark.index, shown, strict=True):
        (images / gm).mkdir(parents=True)
        Image.fromarray(pixels).save(images / gm / "0.png")
    folder = build_dataset(
        replace(benchmark, sets={"set_1": ("GM_00",)}), images, tmp_path / "dataset", jobs=1
    ).folder
    eight, sixteen, transparent, opaque = read_features(benchmark, folder).features
    np.testing.assert_array_equal(sixteen, eight)
    np.testing.assert_array_equal(transparent, opaque)
    assert not np.array_equal(eight, opaque)


def test_nothing_is_made_twice(
    families: Benchmark, family_folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int | None]] = []
    some = replace(families, n_images=(8,) * 5 + (0,) * 11, sets={"set_1": ("GM_00",)})
    part = read_features(some, family_folder, progress=lambda *now: told.append(now))
    assert told[-1] == ("features", 40, 40)
    assert sorted(now[1] for now in told) == [8, 16, 24, 32, 40]
    told.clear()
    whole = read_features(families, family_folder, progress=lambda *now: told.append(now))
    assert sorted(now[1] for now in told) == list(range(48, 129, 8))
    np.testing.assert_array_equal(whole.features[:40], part.features)
    monkeypatch.setattr(shard_cache, "_make_once", None)
    # Other sets, more features, GMs that count as extra ones: all is there.
    for features in FEATURES:
        again = read_features(replace(families, sets={}), family_folder, features=features)
        np.testing.assert_array_equal(again.features[:, : FEATURES["spectral"]], whole.features)
    others = replace(families, gms=families.gms[:4], n_images=families.n_images[:4], sets={})
    renamed = tuple(replace(gm, name=f"OWN_{gm.name}") for gm in others.gms)
    extra = read_extra(replace(others, gms=renamed), [family_folder])
    joined = read_features(replace(others, gms=renamed, n_images=(0,) * 4), family_folder, extra)
    np.testing.assert_array_equal(joined.features, whole.features)
    assert joined.gms.min() == 4
    assert len(list(home.glob("*.npy"))) == 16


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink])
@pytest.mark.parametrize("suffix", ["npy", "json"])
def test_damaged_files_are_made_again(
    families: Benchmark,
    family_folder: Path,
    pristine: Path,
    home: Path,
    damage: Callable[[Path], None],
    suffix: str,
    arrays_of: Arrays,
) -> None:
    shutil.copytree(pristine, home)
    (victim,) = home.glob(f"GM_03-*.{suffix}")
    damage(victim)
    read_features(families, family_folder)
    assert arrays_of(home) == arrays_of(pristine)


def test_two_processes_at_once(
    family_folder: Path, pristine: Path, home: Path, arrays_of: Arrays
) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", READ, str(family_folder)], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    complaints = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], complaints
    assert arrays_of(home) == arrays_of(pristine)


def test_other_features_have_files_of_their_own(
    families: Benchmark,
    family_folder: Path,
    pristine: Path,
    home: Path,
    arrays_of: Arrays,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(pristine, home)
    monkeypatch.setattr(feature_table, "VERSION", 0)
    read_features(families, family_folder)
    assert len(list(home.glob("*.npy"))) == 32
    kept = arrays_of(pristine)
    assert {name: data for name, data in arrays_of(home).items() if name in kept} == kept


@pytest.mark.usefixtures("home")
def test_a_damaged_shard_is_named(families: Benchmark, family_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(family_folder, tmp_path / "dataset"))
    (shard,) = folder.glob("data/*/GM_09.parquet")
    _flip(shard)
    with pytest.raises(DatasetError, match=r"GM_09.parquet cannot be used: it is not what check"):
        read_features(families, folder)


def test_no_torch_and_no_sklearn() -> None:
    """Each would take a process longer to import than it takes to make the features of a GM."""
    code = (
        "import sys, gmbench.training.feature_table\nprint({'torch', 'sklearn'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_changed_images_have_features_of_their_own(
    families: Benchmark, family_folder: Path, home: Path
) -> None:
    tables = [
        read_features(families, family_folder, change=change)
        for change in (None, Change(0, 0), Change(1, 0), Change(0, 0))
    ]
    plain, first, second, again = (one.features for one in tables)
    assert not np.array_equal(plain, first)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(tables[0].gms, tables[1].gms)
    # Kept apart, so that each is made once.
    assert len(list(home.glob("*.npy"))) == 3 * len(families.gms)
    for row in (0, 1):
        pixels = Change(0, 0)(family_image(0, row), f"{families.gms[0].name}/{row:06d}")
        wanted = plain_features(pixels)[: FEATURES["spectral"]]
        np.testing.assert_allclose(first[row], wanted, rtol=1e-5, atol=1e-5)
