from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.benchmark.catalog import diffusion7, names, red116
from gmbench.benchmark.cross_validation import (
    PUBLISHED,
    base_and_sets,
    draw_folds,
    validation_benchmark,
    with_sets,
)
from gmbench.benchmark.leakage import check_splits
from gmbench.benchmark.splits import PREFIX, read_sets
from gmbench.errors import BenchmarkError, UnknownNameError


@pytest.mark.parametrize("name", ["mini116", "red116"])
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


@pytest.mark.parametrize("name", ["mini116", "red116", "red116-dm"])
def test_ten_folds_test_every_gm_once_and_no_twin_is_trained_on(name: str) -> None:
    benchmark = load_benchmark(name)
    folded = with_sets(benchmark, "cv10")
    assert folded.name == f"{name}-cv10"
    assert list(folded.sets) == [f"fold_{number:02d}" for number in range(1, 11)]
    members = [gm for test in folded.sets.values() for gm in test]
    assert sorted(members) == sorted(benchmark.index)
    assert not folded.sets_overlap
    for report in check_splits(folded):
        assert not report.in_training
        assert not report.same_labels
        assert not report.same_architecture
    assert folded.labels_sha256 == benchmark.labels_sha256
    assert folded.splits_sha256 != benchmark.splits_sha256


def test_folds_are_even() -> None:
    """As far as twins allow: ten GMs of red116 are twins of each other, and five, and four."""
    folded = with_sets(load_benchmark("red116"), "cv10")
    kinds = [Counter(folded.gm(gm).kind for gm in test) for test in folded.sets.values()]
    contents = [Counter(folded.gm(gm).content for gm in test) for test in folded.sets.values()]
    assert all(10 <= sum(counter.values()) <= 14 for counter in kinds)
    assert all(7 <= counter["GAN"] <= 10 for counter in kinds)
    assert all(counter["VAE"] <= 1 for counter in kinds if counter["VAE"] != 5)
    assert all(counter["AR"] <= 2 and counter["NF"] <= 1 for counter in kinds)
    assert all(2 <= counter["faces"] <= 6 for counter in contents)
    assert all(1 <= counter["other"] <= 2 for counter in contents)


@pytest.mark.parametrize("name", ["red116", "mini116"])
def test_folds_of_the_named_benchmarks_lie_in_files(name: str) -> None:
    benchmark = load_benchmark(name)
    assert draw_folds(benchmark) == read_sets(f"{name}-cv10", benchmark.index)


def test_folds_are_seeded() -> None:
    benchmark = load_benchmark("red116")
    assert draw_folds(benchmark, 1) == draw_folds(benchmark, 1)
    assert draw_folds(benchmark, 1) != draw_folds(benchmark, 2)


def test_gms_without_images_are_in_no_fold() -> None:
    benchmark = load_benchmark("red116")
    fewer = replace(benchmark, n_images=(0,) * 16 + (1000,) * 100)
    members = [gm for test in with_sets(fewer, "cv10").sets.values() for gm in test]
    assert sorted(members) == sorted(gm.name for gm in benchmark.gms[16:])


def test_the_folds_stay_with_the_2024_labels() -> None:
    newer = with_sets(load_benchmark("red116", "2024"), "cv10")
    assert newer.sets == with_sets(load_benchmark("red116"), "cv10").sets


def test_no_other_sets_and_too_few_gms_are_refused() -> None:
    benchmark = load_benchmark("red116")
    with pytest.raises(UnknownNameError, match="cv10"):
        with_sets(benchmark, "cv5")
    with pytest.raises(BenchmarkError, match="5 different architectures"):
        with_sets(replace(benchmark, n_images=(1000,) * 6 + (0,) * 110), "cv10")


@pytest.mark.parametrize("group", ["dm", "content", "coordinated_attack"])
@pytest.mark.parametrize(("name", "prefix"), [("mini116", PREFIX), ("red116-dm", "")])
def test_the_papers_further_sets_of_published_gms_and_replicas(
    group: str, name: str, prefix: str
) -> None:
    benchmark = load_benchmark(name)
    found = with_sets(benchmark, group)
    wanted = read_sets(PUBLISHED[group], names((*red116(), *diffusion7())))
    assert found.sets == {s: tuple(prefix + gm for gm in test) for s, test in wanted.items()}
    assert found.labels_sha256 == benchmark.labels_sha256
    assert found.sets_overlap == (group == "dm")
    for report in check_splits(found):
        assert not report.in_training
        assert report.n_training == len(benchmark.gms) - len(found.sets[report.name])
    if found.sets == benchmark.sets:
        assert found is benchmark
    else:
        assert found.name == f"{name}-{group}"


def test_labels_and_sets_tell_what_was_made() -> None:
    mini116, red116_dm = load_benchmark("mini116"), load_benchmark("red116-dm")
    assert base_and_sets(with_sets(mini116, "dm")) == ("mini116", "dm")
    assert base_and_sets(with_sets(mini116, "cv10")) == ("mini116", "cv10")
    made = with_sets(red116_dm, "coordinated_attack")
    assert base_and_sets(made) == ("red116-dm", "coordinated_attack")
    # A name alone does not make other sets, and red116-dm is a benchmark of its own.
    for own in (red116_dm, mini116, replace(mini116, name="mine-cv10"), replace(made, name="a-dm")):
        assert base_and_sets(own) == (own.name, None)


def test_sets_of_gms_that_are_not_there_are_refused() -> None:
    benchmark = load_benchmark("red116")
    assert with_sets(benchmark, "content").name == "red116-content"
    with pytest.raises(BenchmarkError, match=r"red116 lacks 7 of the 7 .* DM_5 and 2 more\. Take"):
        with_sets(benchmark, "dm")
    counts = tuple(0 if gm.name == "LSGAN" else 1000 for gm in benchmark.gms)
    with pytest.raises(BenchmarkError, match=r"lacks 1 of the 30 .* images: LSGAN\. Take"):
        with_sets(replace(benchmark, n_images=counts), "coordinated_attack")
