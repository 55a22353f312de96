"""Flags for human review: predictions that follow labels or another submission too closely.

A flag is not proof and refuses nothing by itself: it says what is unusual, and a maintainer asks.
The limits are far from every method on the board.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.leakage import twins
from gmbench.board.traces import COPY, Trace, alike, packed
from gmbench.predictions.checks import Checklist
from gmbench.predictions.images import ImageIndex, image_index
from gmbench.schema import N_CONTINUOUS
from gmbench.wording import plural

FLAGS = ("unlike_labels", "predictions_own")
"""Checks that warn; they never fail."""

MOST_RIGHT = 1 / 3
"""Share of rows whose 16 decisions may all be right; honest methods reach 12%."""

MOST_WHOLE = 0.005
"""Share of rows that may be right as a whole, counts within `WHOLE`; honest methods: 0.2%."""

WHOLE = 0.01

FIRST_LOOK = 2_000
"""Number of rows of two submissions that are compared first."""

CLOSE: tuple[tuple[float, float], ...] = ((0.005, 0.02), (0.05, 1 / 3))
"""Distance of all 9 counts from the labels, in fractions of their range, and share of rows allowed.

Honest methods have no row within the first distance and 13% within the second.
"""


def flag_labels(trace: Trace, benchmark: Benchmark, checklist: Checklist) -> None:
    """Warns if predictions follow the labels more closely than images allow.

    Args:
        trace: The predictions.
        benchmark: What they predict.
        checklist: Receives the check `unlike_labels`.
    """
    index = image_index(benchmark)
    if len(index.gms) != len(trace):
        return  # Incomplete; the checks of predictions report it.
    asked = _without_twins(benchmark, index)
    truth = benchmark.labels[index.gms[asked]]
    counts = benchmark.normalise(truth[:, :N_CONTINUOUS])
    right = trace.decisions[asked] == packed(truth[:, N_CONTINUOUS:].astype(np.int64))
    away = trace.counts[asked] - counts
    whole = right & (np.abs(away) <= WHOLE).all(axis=1)
    found = []
    if right.mean() > MOST_RIGHT:
        found.append(f"all 16 decisions are right in {right.mean():.1%} of the rows")
    if whole.mean() > MOST_WHOLE:
        found.append(f"all 25 values are the labels in {whole.mean():.1%} of the rows")
    # Labels with a constant added to each count are still labels.
    away = np.abs(away - np.median(away, axis=0))
    for near, most in CLOSE:
        rows = (away <= near).all(axis=1)
        # A constant can match the counts of one GM, never of two that differ.
        if rows.mean() > most and len(np.unique(counts[rows], axis=0)) > 1:
            found.append(
                f"all 9 counts are within {near:.1%} of the labels, but for a shift, in "
                f"{rows.mean():.1%} of the rows"
            )
    if found:
        checklist.warned(
            "unlike_labels",
            "the predictions follow the labels more closely than those of any known method.",
            found,
            "let a person ask how they were made.",
        )
    else:
        checklist.passed("unlike_labels", "no closer to the labels than other methods come")


def _without_twins(benchmark: Benchmark, index: ImageIndex) -> NDArray[np.bool_]:
    """Returns a mask of the rows whose GM shares its counts with no training GM.

    A method that finds the nearest known GM and repeats its counts is right to the last digit if
    that GM is a twin. If all GMs have twins, all rows are used.
    """
    have = np.zeros((len(benchmark.sets), len(benchmark.gms)), dtype=bool)
    for number, name in enumerate(benchmark.sets):
        have[number, [benchmark.index[gm] for gm in twins(benchmark, name, N_CONTINUOUS)]] = True
    asked = ~have[index.sets, index.gms]
    return asked if asked.any() else ~asked


def flag_copies(
    traces: Mapping[str, tuple[Benchmark, Trace]],
    firsts: Mapping[str, str],
    asked: set[str],
    checklist: Checklist,
) -> None:
    """Warns if two submissions to one benchmark predict most rows alike.

    Args:
        traces: Benchmark and predictions of each submission, by name.
        firsts: Name of the first seed of each submission; seeds of one method may be alike.
        asked: Names of submissions; only pairs that include one of them are compared.
        checklist: Receives the check `predictions_own`.
    """
    found = []
    looks = _first_looks({name: trace for name, (_, trace) in traces.items()})
    for first, second in combinations(sorted(traces), 2):
        (benchmark, one), (other_benchmark, other) = traces[first], traces[second]
        if not {first, second} & asked or firsts[first] == firsts[second]:
            continue
        if not benchmark.is_same_as(other_benchmark):
            continue
        if alike(looks[first], looks[second], benchmark) <= COPY / 2:
            continue
        share = alike(one, other, benchmark)
        if share > COPY:
            found.append(f"{first} and {second}: {share:.1%} of the rows are alike")
    if found:
        checklist.warned(
            "predictions_own",
            f"{plural(len(found), 'pair')} of submissions predict most rows alike.",
            found,
            "let a person ask who copied, or keep one of the two.",
        )
    else:
        checklist.passed("predictions_own", "no two submissions predict most rows alike")


def _first_looks(traces: Mapping[str, Trace]) -> dict[str, Trace]:
    """Returns the same sample of rows of all traces: in most pairs, few of these are alike.

    The sample is drawn anew each time, so that nobody knows which rows to leave uncopied. The
    probability that a copy of half of the rows has a quarter or less of the sample alike is below
    1e-100.
    """
    rows: dict[int, NDArray[np.int64]] = {}
    for n in {len(trace) for trace in traces.values()}:
        drawn = np.random.default_rng().permutation(n)[:FIRST_LOOK]
        rows[n] = np.sort(drawn)
    return {name: trace.take(rows[len(trace)]) for name, trace in traces.items()}
