from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import cycle, islice, product
from pathlib import Path

import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.build import build_dataset
from gmbench.training.cache import CachedImages, cached_images
from gmbench.training.views import Crops, Resized
from tests.data.fake_images import small_benchmark, with_n_images
from tests.training.families import SIDE as FAMILY_SIDE
from tests.training.families import build_families, family_benchmark
from tests.training.image_files import FILES, SIZES

N_IMAGES = 18
"""Images of each of the six GMs: together every mode in every size."""

SIDE = 16


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder a GM; files in the order of their names."""
    root = tmp_path_factory.mktemp("modes") / "images"
    files = cycle(product(SIZES, FILES.values()))
    for gm in small_benchmark().index:
        (root / gm).mkdir(parents=True)
        for number, (size, (suffix, make)) in enumerate(islice(files, N_IMAGES)):
            (root / gm / f"{number:03d}.{suffix}").write_bytes(make(*size))
    return root


@pytest.fixture(scope="session")
def pristine_dataset(tmp_path_factory: pytest.TempPathFactory, image_folder: Path) -> Path:
    benchmark = with_n_images(small_benchmark(), N_IMAGES)
    out = tmp_path_factory.mktemp("built") / "dataset"
    return build_dataset(benchmark, image_folder, out, jobs=1).folder


@pytest.fixture
def dataset(tmp_path: Path, pristine_dataset: Path) -> Path:
    """A copy of the dataset for a test to spoil."""
    return Path(shutil.copytree(pristine_dataset, tmp_path / "dataset"))


@pytest.fixture(scope="session")
def pristine_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def resized(pristine_dataset: Path, pristine_cache: Path) -> CachedImages:
    return cached_images(pristine_dataset, Resized(SIDE), jobs=1, cache=pristine_cache)


@pytest.fixture(scope="session")
def crops(pristine_dataset: Path, pristine_cache: Path) -> CachedImages:
    return cached_images(pristine_dataset, Crops(SIDE, 3, 5), jobs=1, cache=pristine_cache)


@pytest.fixture(scope="session")
def arrays_of() -> Callable[[Path], dict[str, bytes]]:
    """Returns all that a cache holds, by name, less the locks and what a kill left half-written."""

    def read(cache: Path) -> dict[str, bytes]:
        return {
            path.relative_to(cache).as_posix(): path.read_bytes()
            for path in sorted(cache.rglob("*"))
            if path.is_file() and path.suffix != ".lock" and not path.name.startswith(".")
        }

    return read


@pytest.fixture(scope="session")
def families() -> Benchmark:
    return family_benchmark()


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory, families: Benchmark) -> Path:
    """A dataset whose images carry their labels."""
    return build_families(tmp_path_factory.mktemp("families"), families)


@pytest.fixture(scope="session")
def family_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("family_cache")


@pytest.fixture(scope="session")
def family_images(family_folder: Path, family_cache: Path) -> CachedImages:
    return cached_images(family_folder, Resized(FAMILY_SIDE), jobs=1, cache=family_cache)


@pytest.fixture
def own_cache(family_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where code that names no cache puts decoded images."""
    monkeypatch.setenv("GMBENCH_HOME", str(family_cache / "home"))
    return family_cache / "home"
