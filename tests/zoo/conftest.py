from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

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
