from __future__ import annotations

from pathlib import Path

import pytest

from gmbench.reproduction.setting import Setting
from gmbench.training.options import RunOptions
from tests.training.conftest import family_cache, own_cache
from tests.training.families import CHANGES, build_families, family_benchmark

__all__ = ["family_cache", "own_cache"]


@pytest.fixture
def setting(tmp_path: Path, own_cache: Path) -> Setting:
    """Four families of GMs, on which a network trains in a second."""
    benchmark = family_benchmark()
    options = RunOptions(
        changes={**CHANGES, "epochs": 1}, device="cpu", runs=tmp_path / "out" / "runs"
    )
    folder = build_families(tmp_path, benchmark)
    return Setting(benchmark, folder, tmp_path / "out" / "results", options)
