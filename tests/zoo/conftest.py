from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gmbench.data import verification
from gmbench.zoo import build, engines

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


@contextmanager
def one_after_the_other() -> Iterator[None]:
    """Lets builds do their tasks in this process, where a process of its own is not the point."""

    def one_by_one(
        function: Callable[[Any], Any], tasks: Iterable[Any], *_: Any
    ) -> Iterator[tuple[Any, Any]]:
        return ((task, function(task)) for task in tasks)

    with pytest.MonkeyPatch.context() as patch:
        for module in (build, engines, verification):
            patch.setattr(module, "in_processes", one_by_one, raising=False)
        yield


@pytest.fixture
def in_this_process() -> Iterator[None]:
    """See `one_after_the_other`."""
    with one_after_the_other():
        yield
