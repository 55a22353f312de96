from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gmbench.data import dataset_folder, verification
from gmbench.zoo import engines
from tests.processes import one_after_the_other

Digest = Callable[[Path], dict[str, str]]


@pytest.fixture(scope="session")
def digest_of() -> Digest:
    """Returns the SHA-256 of every file of a dataset folder, by its path."""

    def digest(folder: Path) -> dict[str, str]:
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    return digest


WITH_PROCESSES = (dataset_folder, engines, verification)


@pytest.fixture
def in_this_process() -> Iterator[None]:
    """Lets builds do their tasks in this process, where a process of its own is not the point."""
    with one_after_the_other(*WITH_PROCESSES):
        yield
