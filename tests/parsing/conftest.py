"""A parser of known GMs, trained on sixteen families in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gmbench.benchmark.benchmark import Benchmark
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.load import load_parser
from gmbench.parsing.train import train_known_gms
from tests.training.families import build_families, family_benchmark


@pytest.fixture(scope="session")
def families() -> Benchmark:
    return family_benchmark()


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory, families: Benchmark) -> Path:
    """A dataset whose images carry their labels."""
    return build_families(tmp_path_factory.mktemp("families"), families)


@pytest.fixture(scope="session")
def trained(
    families: Benchmark, family_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Folder of the parser, and how right it is about families left out."""
    place = tmp_path_factory.mktemp("known_gms")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GMBENCH_HOME", str(place / "home"))
        patch.setattr("gmbench.training.leaf_trees.TREES", 8)
        accuracy = train_known_gms(families, family_folder, place / "model", seed=0)
        yield place / "model", accuracy


@pytest.fixture(scope="session")
def known_gms(trained: tuple[Path, dict[str, Any]]) -> KnownGMs:
    parser = load_parser(trained[0])
    assert isinstance(parser, KnownGMs)
    return parser
