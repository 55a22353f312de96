from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.faults.campaign import Bench, Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


@pytest.fixture(scope="session")
def bench_of(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bench]:
    """Returns a job by its name, prepared once."""

    @cache
    def made(name: str) -> Bench:
        return Bench.of(name, tmp_path_factory.mktemp("jobs") / name.replace(" ", "-"), zygote)

    return made
