from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data import dataset_folder, verification
from gmbench.data.build import build_dataset
from tests.data.fake_images import make_images, own_benchmark, small_benchmark
from tests.processes import one_after_the_other

Digest = dict[str, str]


@pytest.fixture(scope="session")
def benchmark() -> Benchmark:
    return small_benchmark()


@pytest.fixture(scope="session")
def pristine_images(tmp_path_factory: pytest.TempPathFactory, benchmark: Benchmark) -> Path:
    return make_images(tmp_path_factory.mktemp("images") / "images", benchmark)


@pytest.fixture(scope="session")
def pristine_dataset(
    tmp_path_factory: pytest.TempPathFactory, benchmark: Benchmark, pristine_images: Path
) -> Path:
    """A built dataset that tests only read."""
    return build_dataset(
        benchmark, pristine_images, tmp_path_factory.mktemp("built") / "dataset", jobs=1
    ).folder


@pytest.fixture(scope="session")
def pristine_own_dataset(
    tmp_path_factory: pytest.TempPathFactory, benchmark: Benchmark, pristine_images: Path
) -> Path:
    """A built dataset, that tests only read, of somebody's own GMs."""
    own = own_benchmark(benchmark, "own")
    return build_dataset(own, pristine_images, tmp_path_factory.mktemp("own") / "d", jobs=1).folder


@pytest.fixture(autouse=True)
def _one_job_in_this_process() -> Iterator[None]:
    """A process takes a third of a second to start; tests of processes ask for two jobs."""
    with one_after_the_other(dataset_folder, verification, up_to=1):
        yield


@pytest.fixture
def images(tmp_path: Path, pristine_images: Path) -> Path:
    """A copy of the images for a test to spoil."""
    return Path(shutil.copytree(pristine_images, tmp_path / "images"))


@pytest.fixture
def dataset(tmp_path: Path, pristine_dataset: Path) -> Path:
    """A copy of the dataset for a test to spoil."""
    return Path(shutil.copytree(pristine_dataset, tmp_path / "dataset"))


@pytest.fixture(scope="session")
def digest_of() -> Callable[..., Digest]:
    """Returns the SHA-256 of every file of a dataset, less the plan, which knows file times."""

    def digest(folder: Path, suffix: str = "") -> Digest:
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob(f"*{suffix}"))
            if path.is_file() and path.name != ".build.json"
        }

    return digest
