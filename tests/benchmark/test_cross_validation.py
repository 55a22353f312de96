from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.benchmark.cross_validation import validation_benchmark
from gmbench.errors import BenchmarkError


@pytest.mark.parametrize("name", ["sample", "red116"])
def test_no_test_gm_is_seen_and_every_other_is_once(name: str) -> None:
    benchmark = load_benchmark(name)
    tests = {gm for members in benchmark.sets.values() for gm in members}
    chosen = validation_benchmark(benchmark)
    members = [gm for test in chosen.sets.values() for gm in test]
    assert len(members) == len(set(members)) == len(benchmark.gms) - len(tests)
    assert not set(members) & tests
    for set_name, test in chosen.sets.items():
        training = chosen.training_gms(set_name)
        assert set(training) == set(members) - set(test)
    assert chosen.labels_sha256 == benchmark.labels_sha256
    assert (chosen.minimum == benchmark.minimum).all()


def test_every_set_has_its_share_of_every_kind() -> None:
    chosen = validation_benchmark(load_benchmark("red116"))
    per_set = [Counter(chosen.gm(gm).kind for gm in test) for test in chosen.sets.values()]
    for kind in ("GAN", "VAE", "AR"):
        counts = [counter[kind] for counter in per_set]
        assert max(counts) - min(counts) <= 1
    sizes = [sum(counter.values()) for counter in per_set]
    assert max(sizes) - min(sizes) <= 1


def test_the_draw_is_seeded() -> None:
    benchmark = load_benchmark("red116")
    assert validation_benchmark(benchmark, 1).sets == validation_benchmark(benchmark, 1).sets
    assert validation_benchmark(benchmark, 1).sets != validation_benchmark(benchmark, 2).sets


def test_too_few_gms_are_refused() -> None:
    benchmark = load_benchmark("red116")
    everyone = tuple(benchmark.index)
    small = replace(benchmark, sets={"set_1": everyone[7:]})
    with pytest.raises(BenchmarkError, match="red116 has 7 GMs with images outside"):
        validation_benchmark(small)
