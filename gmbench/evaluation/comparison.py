"""Paired comparison of methods that predicted the same images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import GmbenchError, PredictionError, UnknownNameError
from gmbench.evaluation.evaluate import SEED, same_images
from gmbench.evaluation.intervals import (
    REPLICATES,
    Interval,
    Resampled,
    bootstrap,
    interval,
    resample,
    resampled_images,
)
from gmbench.evaluation.metrics import METRICS, Metric
from gmbench.evaluation.permutations import PERMUTATIONS, contributed, exchange_tests
from gmbench.evaluation.result import PROTOCOL
from gmbench.evaluation.set_table import SetTable, set_tables
from gmbench.evaluation.significance import holm
from gmbench.evaluation.statistics import Array
from gmbench.evaluation.summary import finite
from gmbench.evaluation.tables import ends, to_frame
from gmbench.predictions.predictions import Predictions, read_predictions
from gmbench.version import __version__

if TYPE_CHECKING:
    import pandas as pd

COMPARED: tuple[Metric, ...] = tuple(
    metric for metric in METRICS if metric.headline and metric.value is not None
)
"""The metrics compared: the headline ones except RANSAC's, which has no better direction."""

TOGETHER = 64
"""Pairs compared at once."""

_ENDING = re.compile(r"(\.(csv|tsv|txt|parquet|pq))?(\.gz)?$", re.IGNORECASE)


class Difference(NamedTuple):
    """One metric of one pair of methods: a tuple, since a board has half a million of them.

    Attributes:
        first: Name of the first method.
        second: Name of the second method.
        metric: Name of the metric.
        difference: First minus second, mean over the sets; None where undefined.
        ci: 95% interval of the difference, from the same bootstrap of GMs and images for both
            methods.
        p_value: Two-sided, from random exchanges of the two methods' contributions at whole GMs.
        p_holm: The same, corrected for all tests of the comparison (Holm).
        better: Name of the better method where `p_holm` is below 0.05; empty otherwise.
    """

    first: str
    second: str
    metric: str
    difference: float | None
    ci: Interval | None
    p_value: float | None
    p_holm: float | None = None
    better: str = ""


@dataclass(frozen=True)
class Half:
    """One method's side of a comparison; made once, however many others it is compared with.

    Attributes:
        parts: Each compared metric in each set, with the data its interval needs.
    """

    parts: dict[str, list[Resampled]]

    @cached_property
    def values(self) -> dict[str, float]:
        """Mean of each compared metric over the sets; NaN where undefined."""
        return {
            name: float(np.mean([part.value for part in parts]))
            for name, parts in self.parts.items()
        }

    @cached_property
    def contributions(self) -> tuple[Array, ...]:
        """For each set, its GMs' contributions to each metric, shape (GMs, metrics).

        Sets that share GMs are one, in which each GM is exchanged once (`by_gm`).
        """
        return tuple(contributed(self.parts))


@dataclass(frozen=True)
class Comparison:
    """Methods side by side.

    Attributes:
        benchmark: Name of the benchmark.
        version: Its version.
        methods: Names of the methods.
        n_images: Number of images that each method predicted.
        n_gms: Number of GMs in each set.
        values: Mean over the sets of each metric, by method and metric.
        differences: One entry for each pair of methods and metric.
        manifest: What the comparison was made from.
    """

    benchmark: str
    version: str
    methods: tuple[str, ...]
    n_images: int
    n_gms: dict[str, int]
    values: dict[str, dict[str, float | None]]
    differences: tuple[Difference, ...]
    manifest: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Returns the comparison as plain data: finite numbers or None."""
        return {**asdict(self), "differences": [one._asdict() for one in self.differences]}

    def to_pandas(self, table: Literal["differences", "values"] = "differences") -> pd.DataFrame:
        """Returns a part of the comparison as a DataFrame; undefined values are NaN.

        Args:
            table: `differences` has one row per pair of methods and metric: `first`, `second`,
                `metric`, `difference`, the ends `lo` and `hi` of its interval, `p_value`, `p_holm`
                and `better`. `values` has one row per method and one column per metric.

        Raises:
            UnknownNameError: There is no such table.

        Examples:
            >>> import gmbench
            >>> from gmbench.predictions.reference import mean_mode, random_labels
            >>> benchmark = gmbench.load_benchmark("mini116")
            >>> both = mean_mode(benchmark), random_labels(benchmark)
            >>> frame = gmbench.compare(*both, replicates=0, permutations=99).to_pandas()
            >>> frame.loc[:1, ["first", "second", "metric"]]
                   first         second       metric
            0  mean_mode  random_labels           l1
            1  mean_mode  random_labels  correlation
        """
        if table == "values":
            return to_frame(({"method": m, **self.values[m]} for m in self.methods), "method")
        if table != "differences":
            raise UnknownNameError("Table", table, ("differences", "values"))
        return to_frame(
            {
                "first": one.first,
                "second": one.second,
                "metric": one.metric,
                "difference": one.difference,
                **ends(one.ci),
                "p_value": one.p_value,
                "p_holm": one.p_holm,
                "better": one.better,
            }
            for one in self.differences
        )


def compare(
    *predictions: str | Path | pd.DataFrame | Predictions,
    names: Sequence[str] | None = None,
    benchmark: str | Path | Benchmark | None = None,
    partial: bool = False,
    min_images: int | None = None,
    replicates: int = REPLICATES,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> Comparison:
    """Compares methods in pairs on the same images.

    Args:
        predictions: Two or more prediction files, DataFrames or predictions already read.
        names: Names of the methods; by default the file names without their endings.
        benchmark: What was predicted; by default inferred from the GM names.
        partial: Whether a set may lack GMs or images.
        min_images: Minimum number of images required of each GM; by default all.
        replicates: Number of bootstrap replicates.
        permutations: Number of random exchanges behind each p-value.
        seed: Seed of both.

    Raises:
        GmbenchError: Fewer than two methods are given, or not as many different names.
        PredictionError: A check failed, the methods predict different benchmarks, or one lacks
            images that another predicted.
        UnknownNameError: There is no such benchmark.

    Examples:
        >>> import gmbench
        >>> names = ("mean_mode", "random_labels")
        >>> both = [gmbench.run_baseline(name, "red116") for name in names]
        >>> found = gmbench.compare(*both, replicates=100, permutations=99)
        >>> found.differences[0].metric, round(found.differences[0].difference, 3)
        ('l1', -0.04)
    """
    if len(predictions) < 2:
        raise GmbenchError("There is nothing to compare: give two or more prediction files.")
    read = [
        read_predictions(one, benchmark, partial=partial, min_images=min_images)
        for one in predictions
    ]
    chosen = tuple(names) if names is not None else method_names([one.source for one in read])
    if not len(read) == len(chosen) == len(set(chosen)):
        raise GmbenchError(
            f"{len(read)} methods need as many different names; given are {', '.join(chosen)}."
        )
    first = read[0]
    for other in read[1:]:
        if not other.benchmark.is_same_as(first.benchmark):
            raise PredictionError(
                f"{first.source} predicts {first.benchmark.told}, {other.source} "
                f"{other.benchmark.told}. Give predictions of one benchmark."
            )
        if len(other) > len(first):
            same_images(first, other)
    tables = [set_tables(same_images(one, first)) for one in read]
    n_gms = {table.name: len(table.gms) for table in tables[0]}
    halves = [_half(method, replicates, seed) for method in tables]
    by_name = dict(zip(chosen, halves, strict=True))
    pairs = list(combinations(chosen, 2))
    differences = [
        difference
        for start in range(0, len(pairs), TOGETHER)
        for pair in compare_pairs(
            by_name, pairs[start : start + TOGETHER], permutations=permutations, seed=seed
        )
        for difference in pair
    ]
    return Comparison(
        benchmark=first.benchmark.name,
        version=first.benchmark.version,
        methods=chosen,
        n_images=len(first),
        n_gms=n_gms,
        values={
            name: {
                metric: value if np.isfinite(value) else None
                for metric, value in half.values.items()
            }
            for name, half in zip(chosen, halves, strict=True)
        },
        differences=corrected(differences),
        manifest={
            "predictions_sha256": [one.sha256 for one in read],
            "labels_sha256": first.benchmark.labels_sha256,
            "splits_sha256": first.benchmark.splits_sha256,
            "gmbench": __version__,
            "numpy": np.__version__,
            "protocol": PROTOCOL,
            "replicates": replicates,
            "permutations": permutations,
            "seed": seed,
        },
    )


def method_names(sources: Sequence[str]) -> tuple[str, ...]:
    """Names methods after their files, without folders and endings where these names differ."""
    short = [_ENDING.sub("", Path(source).name) or source for source in sources]
    if len(set(short)) == len(short):
        return tuple(short)
    if len(set(sources)) == len(sources):
        return tuple(sources)
    return tuple(f"{name}_{number}" for number, name in enumerate(short, start=1))


def _half(tables: Sequence[SetTable], replicates: int, seed: int) -> Half:
    """Returns a method's compared metrics in each set."""
    parts: dict[str, list[Resampled]] = {metric.name: [] for metric in COMPARED}
    for table in tables:
        sample = bootstrap(table, resampled_images(table, replicates=replicates, seed=seed))
        for metric in COMPARED:
            if metric.value is not None:
                parts[metric.name].append(resample(metric.value, table, sample))
    return Half(parts)


def compare_pairs(
    halves: Mapping[str, Half],
    pairs: Sequence[tuple[str, str]],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> list[list[Difference]]:
    """Compares pairs of methods that predicted the same images; p-values are not corrected.

    All pairs share the same exchanges, which are drawn once; memory grows with the number of pairs,
    for which `TOGETHER` is a good choice.

    Args:
        halves: The methods, by name.
        pairs: Names of the methods to compare; at least one pair.
        permutations: Number of random exchanges behind each p-value.
        seed: Seed of the exchanges.

    Returns:
        The differences of each pair, one per metric.
    """
    apart = [
        np.concatenate([one - other for one, other in of_pairs], axis=1)
        for of_pairs in zip(
            *(zip(halves[a].contributions, halves[b].contributions, strict=True) for a, b in pairs),
            strict=True,
        )
    ]
    p_values = exchange_tests(apart, permutations, seed).reshape(len(pairs), -1)
    return [
        [
            _difference(names, metric, halves[names[0]], halves[names[1]], float(p_value))
            for metric, p_value in zip(COMPARED, of_pair, strict=True)
        ]
        for names, of_pair in zip(pairs, p_values, strict=True)
    ]


def _difference(
    names: tuple[str, str], metric: Metric, first: Half, second: Half, p_value: float
) -> Difference:
    parts = zip(first.parts[metric.name], second.parts[metric.name], strict=True)
    apart = [one - other for one, other in parts]
    difference = first.values[metric.name] - second.values[metric.name]
    defined = bool(np.isfinite(difference))
    return Difference(
        *names,
        metric=metric.name,
        difference=difference if defined else None,
        ci=interval(apart),
        p_value=finite(p_value) if defined else None,
    )


def corrected(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Adds corrected p-values and the better method to the differences of one family of tests."""
    tested = [one for one in differences if one.p_value is not None]
    p_values = iter(holm([one.p_value for one in tested if one.p_value is not None]))
    better_when = {metric.name: metric.better for metric in COMPARED}
    result = []
    for one in differences:
        if one.p_value is None or one.difference is None:
            result.append(one)
            continue
        p_holm = next(p_values)
        better = ""
        if p_holm < 0.05:
            first_wins = (one.difference < 0) == (better_when[one.metric] == "lower")
            better = one.first if first_wins else one.second
        result.append(Difference(*one[:6], p_holm, better))
    return tuple(result)
