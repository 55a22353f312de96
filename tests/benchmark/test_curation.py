from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.benchmark.catalog import GM, UNKNOWN, red116
from gmbench.benchmark.curation import PER_SET, Curation, draw_test_sets
from gmbench.benchmark.leakage import check_splits
from gmbench.schema import DISCRETE

PAPER = {"GAN": 81, "VAE": 13, "AR": 11, "AA": 6, "NF": 5}
CONTENTS = ("digits", "faces", "photos", "textures")


def population(n_gms: int, n_diffusion: int = 0, seed: int = 0) -> list[GM]:
    generator = np.random.default_rng(seed)
    kinds = [kind for kind, n in PAPER.items() for _ in range(round(n * n_gms / 116))]
    return [
        GM(
            name=f"{kind}_{number:03d}",
            kind=kind,
            content=CONTENTS[number % 4],
            values=tuple(
                map(
                    float,
                    [
                        *generator.integers(1, 99, 9),
                        *(generator.integers(len(p.classes)) for p in DISCRETE),
                        *generator.integers(0, 2, 10),
                    ],
                )
            ),
        )
        for number, kind in enumerate(kinds + ["DM"] * n_diffusion)
    ]


def benchmark_of(gms: list[GM] | tuple[GM, ...], curation: Curation) -> Benchmark:
    return Benchmark("zoo", "1", tuple(gms), curation.sets, (1,) * len(gms))


def test_as_the_papers() -> None:
    gms = population(116, 8)
    curation = draw_test_sets(gms)
    assert curation.warnings == ()
    assert list(curation.sets) == ["set_1", "set_2", "set_3", "set_4"]
    for report in check_splits(benchmark_of(gms, curation)):
        assert report.kinds == dict(PER_SET)
        assert report.n_training == 112
        assert (report.same_architecture, report.untrained_classes) == ((), ())
        assert report.constant == ()
    assert len({name for test in curation.sets.values() for name in test}) == 48


def test_contents_are_balanced() -> None:
    gms = {gm.name: gm for gm in population(116)}
    for test in draw_test_sets(list(gms.values())).sets.values():
        counts = Counter(gms[name].content for name in test)
        assert all(2 <= counts[content] <= 4 for content in CONTENTS)


def test_seeded() -> None:
    gms = population(116)
    assert draw_test_sets(gms, seed=3) == draw_test_sets(gms, seed=3)
    assert draw_test_sets(gms, seed=3) != draw_test_sets(gms, seed=4)


def test_twins_are_in_no_set() -> None:
    gms = list(red116())
    curation = draw_test_sets(gms)
    for report in check_splits(benchmark_of(gms, curation)):
        assert report.same_architecture == ()
        assert report.untrained_classes == ()
    assert any("AA: 1 test GMs" in text and "DEEPFOOL" in text for text in curation.warnings)


def test_only_gm_of_a_class_is_in_no_set() -> None:
    gms = population(116)
    values = list(gms[0].values)
    for gm in gms[1:]:
        assert len(gm.values) == 25
    others = [
        GM(gm.name, gm.kind, gm.content, (*gm.values[:9], gm.values[9] % 3, *gm.values[10:]))
        for gm in gms[1:]
    ]
    values[9] = 3.0
    alone = GM(gms[0].name, gms[0].kind, gms[0].content, tuple(values))
    sets = draw_test_sets([alone, *others]).sets
    assert not any(alone.name in test for test in sets.values())


@pytest.mark.parametrize("n_gms", [12, 24, 48, 80])
def test_scaled_for_smaller_populations(n_gms: int) -> None:
    gms = population(n_gms)
    curation = draw_test_sets(gms)
    sizes = [len(test) for test in curation.sets.values()]
    assert max(sizes) - min(sizes) <= 1
    assert sum(sizes) <= len(gms) * 0.7
    for report in check_splits(benchmark_of(gms, curation)):
        assert (report.same_architecture, report.untrained_classes) == ((), ())


def test_population_too_small_says_why() -> None:
    curation = draw_test_sets(population(3))
    assert curation.sets == {}
    assert "More GMs help" in curation.warnings[-1]


def test_no_gm_can_be_tested_where_all_are_twins() -> None:
    first = population(116)[0]
    gms = [GM(f"GAN_{number}", "GAN", "faces", first.values) for number in range(20)]
    curation = draw_test_sets(gms)
    assert curation.sets == {}
    assert "has the architecture row of" in curation.warnings[0]


def test_diffusion_models_alone_are_drawn_into_no_set() -> None:
    models = [gm for gm in load_benchmark("red116-dm").gms if gm.kind == "DM"]
    found = draw_test_sets(models)
    assert not found.sets
    assert found.warnings[-1].startswith("No test set: diffusion models are drawn into none.")


@pytest.mark.parametrize("column", [20, 24])
def test_a_loss_that_is_known_of_no_gm_decides_nothing(column: int) -> None:
    gms = [
        replace(gm, values=(*gm.values[:column], value, *gm.values[column + 1 :]))
        for value in (0.0, UNKNOWN)
        for gm in population(40)
    ]
    assert draw_test_sets(gms[40:]).sets == draw_test_sets(gms[:40]).sets != {}


def test_diffusion_only_when_asked() -> None:
    gms = population(116, 8)
    kinds = {gm.name: gm.kind for gm in gms}
    plain = draw_test_sets(gms).sets
    assert not any(kinds[name] == "DM" for test in plain.values() for name in test)
    for test in draw_test_sets(gms, diffusion_per_set=1).sets.values():
        assert Counter(kinds[name] for name in test)["DM"] == 1
