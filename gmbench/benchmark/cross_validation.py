"""Other sets for the GMs of a benchmark: ten folds, the paper's further sets, validation sets.

A benchmark's own sets test only some of its GMs; `with_sets(benchmark, "cv10")` tests every GM
once: figures over more than twice as many GMs, with the same files, checks and intervals.
`with_sets(benchmark, "dm")` and the like are the paper's other experiments.
`validation_benchmark` has sets of training GMs only, so that no choice ever looks at a test set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import NAMED, Benchmark
from gmbench.benchmark.catalog import GM, diffusion7, names, red116
from gmbench.benchmark.splits import DRAW_SEED, PREFIX, SEEN, UNSEEN, read_sets, splits_directory
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.schema import N_ARCHITECTURE

FOLDS = 4
"""Number of sets of `validation_benchmark`."""

ATTACK = "coordinated_attack"
"""The group of sets of GMs that one parser has and has not seen; it is not a cross-validation."""

PUBLISHED: Mapping[str, str] = {
    "dm": "red116-dm",
    "content": "content",
    ATTACK: "coordinated_attack",
}
"""Folders under `splits/` of the paper's further sets, for the published GMs and their replicas."""

PROTOCOLS: tuple[str, ...] = ("cv10", *PUBLISHED)
"""Names of the groups of sets that a benchmark can have in addition to its own."""

_TENTHS = 10
_DRAWS = 200
_SHOWN = 5


def name_with_sets(name: str, sets: str | None) -> str:
    """Returns the name of a benchmark with other sets: `NAME-SETS`, such as `red116-cv10`."""
    return name if sets is None else f"{name}-{sets}"


def base_and_sets(benchmark: Benchmark) -> tuple[str, str | None]:
    """Returns from which benchmark, and with which sets, `with_sets` makes a benchmark.

    Returns:
        Names such as `red116` and `cv10`; the benchmark's name and None where it has sets of its
        own, whatever it is called.
    """
    for sets in PROTOCOLS:
        base = benchmark.name.removesuffix(name_with_sets("", sets))
        if benchmark.name in (base, *NAMED):
            continue
        try:
            made = with_sets(replace(benchmark, name=base, sets={}), sets)
        except (BenchmarkError, UnknownNameError):
            continue
        if made.is_same_as(benchmark):
            return base, sets
    return benchmark.name, None


def is_of_attack(benchmark: Benchmark) -> bool:
    """Returns whether a benchmark has the sets of the coordinated attack."""
    return set(benchmark.sets) == {SEEN, UNSEEN}


def with_sets(benchmark: Benchmark, sets: str) -> Benchmark:
    """Returns a benchmark with other test sets, called `NAME-SETS`, such as `red116-cv10`.

    `cv10` has ten folds, `fold_01` to `fold_10`, that test every GM with images once. Those of
    red116 and mini116 are in `splits/`; for other benchmarks they are drawn (`draw_folds`). The
    other sets are the paper's: `dm` tests the diffusion models, `content` faces and everything
    else, `coordinated_attack` the GMs that its parser has and has not seen. Benchmarks of published
    GMs or replicas have them.

    Args:
        benchmark: The benchmark; its labels, ranges and images are kept.
        sets: One of `PROTOCOLS`.

    Raises:
        UnknownNameError: There are no such sets.
        BenchmarkError: There are too few GMs with images, or GMs of the paper's sets are missing.
    """
    if sets not in PROTOCOLS:
        raise UnknownNameError("Group of sets", sets, PROTOCOLS, f"Take {', '.join(PROTOCOLS)}.")
    if sets in PUBLISHED:
        return _with_published(benchmark, sets)
    name = name_with_sets(benchmark.name, sets)
    if (splits_directory() / name).is_dir():
        folds = read_sets(name, benchmark.index)
        # Folds are drawn anew for a dataset that lacks GMs: a fold must not lose its GMs.
        present = [g.name for g, n in zip(benchmark.gms, benchmark.n_images, strict=True) if n]
        if sorted(gm for fold in folds.values() for gm in fold) == sorted(present):
            return replace(benchmark, name=name, sets=folds)
    return replace(benchmark, name=name, sets=draw_folds(benchmark))


def _with_published(benchmark: Benchmark, sets: str) -> Benchmark:
    replicas = any(name.startswith(PREFIX) for name in benchmark.index)
    found = read_sets(
        PUBLISHED[sets], names((*red116(), *diffusion7())), PREFIX if replicas else ""
    )
    name = name_with_sets(benchmark.name, sets)
    if found == benchmark.sets and benchmark.name in NAMED:  # The sets of red116-dm are its own.
        return benchmark
    wanted = dict.fromkeys(name for test in found.values() for name in test)
    counts = dict(zip(benchmark.index, benchmark.n_images, strict=True))
    lacking = [name for name in wanted if not counts.get(name)]
    if lacking:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        raise BenchmarkError(
            f"{benchmark.name} lacks {len(lacking)} of the {len(wanted)} GMs that the sets {sets} "
            f"test, or their images: {', '.join(lacking[:_SHOWN])}{more}. Take a benchmark that "
            "has them: mini116 or red116-dm."
        )
    return replace(benchmark, name=name, sets=found)


def draw_folds(benchmark: Benchmark, seed: int = DRAW_SEED) -> dict[str, tuple[str, ...]]:
    """Draws ten folds over all GMs that have images.

    GMs with the same 15 architecture values (twins, including those with the same 25) are put in
    one fold, so that no fold trains on a twin of what it tests. Each of many seeded draws places
    the groups of twins one by one, the largest first, where numbers, kinds and contents are then
    most even; the most even draw is taken.

    Args:
        benchmark: The benchmark.
        seed: Seed of the draws.

    Returns:
        `fold_01` to `fold_10`, each in alphabetical order.

    Raises:
        BenchmarkError: There are fewer than ten different architectures.
    """
    present = tuple(
        gm for gm, n_images in zip(benchmark.gms, benchmark.n_images, strict=True) if n_images
    )
    n_architectures = len({gm.row(N_ARCHITECTURE) for gm in present})
    if n_architectures < _TENTHS:
        raise BenchmarkError(
            f"{benchmark.name} has {n_architectures} different architectures among its GMs with "
            f"images; ten folds take {_TENTHS} or more."
        )
    return dict(_drawn_folds(present, seed))


@lru_cache(maxsize=16)
def _drawn_folds(present: tuple[GM, ...], seed: int) -> Mapping[str, tuple[str, ...]]:
    # A draw takes a second, and a board asks for the same folds with every submission.
    groups: dict[tuple[float | None, ...], list[GM]] = {}
    for gm in present:
        groups.setdefault(gm.row(N_ARCHITECTURE), []).append(gm)
    counts = _counts(list(groups.values()))
    generator = np.random.default_rng([seed, 0xCF])
    best: tuple[float, NDArray[np.int64]] | None = None
    for _ in range(_DRAWS):
        fold_of, cost = _deal(counts, generator)
        if best is None or cost < best[0] - 1e-9:
            best = (cost, fold_of)
    assert best is not None
    folds: list[list[str]] = [[] for _ in range(_TENTHS)]
    for fold, group in zip(best[1].tolist(), groups.values(), strict=True):
        folds[fold] += [gm.name for gm in group]
    return {f"fold_{number:02d}": tuple(sorted(fold)) for number, fold in enumerate(folds, start=1)}


def _counts(groups: list[list[GM]]) -> NDArray[np.float64]:
    """Returns the number of GMs of each group: in total, of each kind and of each content."""
    kinds = sorted({gm.kind for group in groups for gm in group})
    contents = sorted({gm.content for group in groups for gm in group})
    return np.array(
        [
            [len(group)]
            + [sum(gm.kind == kind for gm in group) for kind in kinds]
            + [sum(gm.content == content for gm in group) for content in contents]
            for group in groups
        ],
        dtype=np.float64,
    )


def _deal(
    counts: NDArray[np.float64], generator: np.random.Generator
) -> tuple[NDArray[np.int64], float]:
    """Deals groups out to ten folds; returns the fold of each group and how uneven the folds are.

    Unevenness is the sum of squared differences from a tenth, each divided by a tenth, as in a
    chi-squared statistic.
    """
    tenth = counts.sum(axis=0) / _TENTHS
    filled = np.zeros((_TENTHS, counts.shape[1]))
    fold_of = np.empty(len(counts), dtype=np.int64)
    shuffled = generator.permutation(len(counts))
    for group in shuffled[np.argsort(-counts[shuffled, 0], kind="stable")]:
        after = ((filled + counts[group] - tenth) ** 2 / tenth).sum(axis=1)
        before = ((filled - tenth) ** 2 / tenth).sum(axis=1)
        fold_of[group] = (after - before).argmin()
        filled[fold_of[group]] += counts[group]
    return fold_of, float(((filled - tenth) ** 2 / tenth).sum())


def validation_benchmark(benchmark: Benchmark, seed: int = 0) -> Benchmark:
    """Returns a benchmark of the GMs that are in no test set, with four sets of its own.

    Its GMs with images are dealt out kind by kind, so that each set has its share of every kind.
    Labels and their ranges are the whole benchmark's; test GMs count as having no images.

    Args:
        benchmark: The benchmark.
        seed: Seed of the draw.

    Raises:
        BenchmarkError: Fewer than two GMs per set are left.
    """
    tests = {name for members in benchmark.sets.values() for name in members}
    counts = tuple(
        0 if gm.name in tests else n
        for gm, n in zip(benchmark.gms, benchmark.n_images, strict=True)
    )
    left = [gm for gm, n in zip(benchmark.gms, counts, strict=True) if n]
    if len(left) < 2 * FOLDS:
        raise BenchmarkError(
            f"{benchmark.name} has {len(left)} GMs with images outside of its test sets; choosing "
            f"on them takes {2 * FOLDS} or more."
        )
    generator = np.random.default_rng([seed, 0xCF])
    shuffled = [left[row] for row in generator.permutation(len(left)).tolist()]
    dealt = sorted(shuffled, key=lambda gm: gm.kind)
    sets = {
        f"validation_{fold + 1}": tuple(gm.name for gm in dealt[fold::FOLDS])
        for fold in range(FOLDS)
    }
    name = f"{benchmark.name}-validation"
    return replace(benchmark, name=name, sets=sets, n_images=counts)
