"""A method's gain over labels alone, for each parameter.

Both are scored on the same images with the same resamples, so the interval is that of the paired
difference, which says far more than whether two intervals overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.evaluation.breakdown import main_scores, parameter_scores
from gmbench.evaluation.intervals import (
    Interval,
    Resampled,
    bootstrap,
    interval,
    resampled_images,
)
from gmbench.evaluation.set_table import set_tables
from gmbench.evaluation.summary import finite
from gmbench.predictions.reference import median_mode


@dataclass(frozen=True, slots=True)
class OverFloor:
    """A method's score for one parameter compared with what labels alone reach.

    Attributes:
        floor: L1 of the training median for a count, weighted F1 of the training mode for a class
            or loss; mean over the sets, None where undefined.
        difference: The method's score minus `floor`; None where undefined.
        ci: 95% interval of the difference; None without replicates.
    """

    floor: float | None
    difference: float | None
    ci: Interval | None


def floor_scores(benchmark: Benchmark, *, replicates: int, seed: int) -> dict[str, list[Resampled]]:
    """Returns what training medians and modes reach for each parameter in each set.

    Args:
        benchmark: The benchmark.
        replicates: Number of bootstrap replicates.
        seed: Seed of the bootstrap; with the same seed, replicates are paired with a method's.
    """
    tables = set_tables(median_mode(benchmark))
    samples = [
        bootstrap(one, resampled_images(one, replicates=replicates, seed=seed)) for one in tables
    ]
    return main_scores(parameter_scores(tables, samples))


def over_floor(
    parameters: Mapping[str, Sequence[Resampled]], floor: Mapping[str, Sequence[Resampled]]
) -> dict[str, OverFloor]:
    """Returns the difference between a method and labels alone for each parameter.

    Args:
        parameters: Scores of a method that predicted every image, for each set.
        floor: Scores from `floor_scores`, with the same number of replicates.
    """
    found = {}
    for name, parts in parameters.items():
        apart = [one - other for one, other in zip(parts, floor[name], strict=True)]
        found[name] = OverFloor(
            floor=finite(float(np.mean([part.value for part in floor[name]]))),
            difference=finite(float(np.mean([part.value for part in apart]))),
            ci=interval(apart),
        )
    return found
