"""The headline metrics without the test GMs that have a twin in training.

A twin (see `gmbench.benchmark.leakage`) is a training GM of the set with the same 15 architecture
values. A method that recognises the twin need not parse the image. The remaining GMs make a set
like any other, with the same sums, metrics and bootstrap, so the figures are those of a benchmark
whose sets lack the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.leakage import twins
from gmbench.evaluation.intervals import bootstrap
from gmbench.evaluation.metrics import HEADLINE
from gmbench.evaluation.resampling import ResampledImages
from gmbench.evaluation.result import WithoutTwins
from gmbench.evaluation.set_scores import SetScores, score_set, summarise
from gmbench.evaluation.set_table import SetTable
from gmbench.evaluation.summary import Summary
from gmbench.schema import NAMES

NONE_LEFT = "no value: every test GM has a twin in training"


@dataclass(frozen=True)
class SetWithoutTwins:
    """One set without its test GMs that have a twin in training.

    Attributes:
        left_out: Those GMs.
        same_labels: Those of them that share all 25 values with a twin.
        kept: The others.
        scores: The metrics over the others; None where there are none.
    """

    left_out: tuple[str, ...]
    same_labels: tuple[str, ...]
    kept: tuple[str, ...]
    scores: SetScores | None


def set_without_twins(
    benchmark: Benchmark,
    table: SetTable,
    scores: SetScores,
    images: ResampledImages | None,
    seed: int,
) -> SetWithoutTwins:
    """Scores one set without its test GMs that have a twin in training.

    Args:
        benchmark: Labels and sets.
        table: The set.
        scores: Its metrics over all GMs, which are returned where none has a twin.
        images: Resamples of its images; None where no interval is wanted.
        seed: Seed of the bootstrap and of RANSAC.
    """
    similar, same = twins(benchmark, table.name), twins(benchmark, table.name, len(NAMES))
    rows = [row for row, gm in enumerate(table.gms) if gm not in similar]
    kept = tuple(table.gms[row] for row in rows)
    if kept == table.gms:
        return SetWithoutTwins((), (), kept, scores)
    return SetWithoutTwins(
        left_out=tuple(gm for gm in table.gms if gm in similar),
        same_labels=tuple(gm for gm in table.gms if gm in same),
        kept=kept,
        scores=_scores(table.only(rows), images and images.only(rows), seed) if rows else None,
    )


def without_twins(sets: Mapping[str, SetWithoutTwins]) -> WithoutTwins | None:
    """Combines the sets; returns None where no test GM has a twin in training."""
    left_out = {name: one.left_out for name, one in sets.items() if one.left_out}
    if not left_out:
        return None
    scored = {name: one.scores for name, one in sets.items() if one.scores is not None}
    return WithoutTwins(
        n_gms=len({gm for one in sets.values() for gm in one.kept}),
        gms=left_out,
        same_labels={name: one.same_labels for name, one in sets.items() if one.same_labels},
        empty_sets=tuple(name for name, one in sets.items() if one.scores is None),
        summary=summarise(scored, HEADLINE)
        if scored
        else {metric.name: Summary(None, None, None, NONE_LEFT) for metric in HEADLINE},
    )


def _scores(table: SetTable, images: ResampledImages | None, seed: int) -> SetScores:
    sample = None if images is None else bootstrap(table, images)
    return score_set(table, sample, HEADLINE, seed)
