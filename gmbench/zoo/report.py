"""The report on a built zoo: failures, class counts, near-duplicates, test sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.catalog import GM
from gmbench.schema import KINDS, N_CONTINUOUS, PARAMETERS
from gmbench.zoo.finished import FinishedGM

FEWEST_OF_A_CLASS = 5
"""A class that fewer GMs have is listed: it can hardly be learnt, let alone tested."""


@dataclass(frozen=True, slots=True)
class ZooReport:
    """The report on a built zoo.

    Attributes:
        version: Version of the benchmark: the start of a hash over labels, sets and images.
        n_gms: Number of GMs.
        n_images: Number of their images.
        kinds: Number of GMs of each kind that occurs.
        contents: Number of GMs of each content.
        failed: Why each GM that is left out failed, one entry per training, by its name.
        retried: Why each GM that needed more than one training failed before, by its name.
        smallest_distance: Distance of the two nearest label rows, as
            `population.smallest_distance` defines it; None with fewer than two GMs.
        nearest: Names of these two GMs.
        classes: Number of GMs of each class, by parameter and class; for a loss `no` and `yes`.
        rare: The classes that fewer than `FEWEST_OF_A_CLASS` GMs have, in words.
        sets: Names of the test GMs of each set.
        warnings: What the test sets lack.
    """

    version: str
    n_gms: int
    n_images: int
    kinds: Mapping[str, int]
    contents: Mapping[str, int]
    failed: Mapping[str, tuple[str, ...]]
    retried: Mapping[str, tuple[str, ...]]
    smallest_distance: float | None
    nearest: tuple[str, ...]
    classes: Mapping[str, Mapping[str, int]]
    rare: tuple[str, ...]
    sets: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON-serialisable data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ZooReport:
        """Restores a report from the result of `to_dict`.

        Raises:
            ValueError: A key is missing or its value is invalid.
        """
        return TypeAdapter(cls).validate_python(data)


def report_on(
    benchmark: Benchmark, finished: Mapping[str, FinishedGM], warnings: tuple[str, ...]
) -> ZooReport:
    """Makes the report of a zoo.

    Args:
        benchmark: What was built.
        finished: Every GM of the population, failed ones included.
        warnings: What the test sets lack.
    """
    from gmbench.zoo.population import smallest_distance

    classes = class_counts(benchmark.gms)
    faults = {
        name: tuple(attempt["fault"] for attempt in gm.attempts if attempt["fault"])
        for name, gm in finished.items()
    }
    pair = smallest_distance(benchmark.labels) if len(benchmark.gms) > 1 else None
    return ZooReport(
        version=benchmark.version,
        n_gms=len(benchmark.gms),
        n_images=sum(benchmark.n_images),
        kinds={k: n for k in KINDS if (n := sum(gm.kind == k for gm in benchmark.gms))},
        contents=dict(sorted(Counter(gm.content for gm in benchmark.gms).items())),
        failed={name: faults[name] for name, gm in finished.items() if gm.labels is None},
        retried={name: faults[name] for name, gm in finished.items() if gm.labels and faults[name]},
        smallest_distance=pair.distance if pair else None,
        nearest=tuple(benchmark.gms[i].name for i in (pair.first, pair.second)) if pair else (),
        classes=classes,
        rare=tuple(
            f"{parameter} {name}: {count}"
            for parameter, counts in classes.items()
            for name, count in counts.items()
            if count < FEWEST_OF_A_CLASS
        ),
        sets=dict(benchmark.sets),
        warnings=warnings,
    )


def class_counts(gms: Sequence[GM]) -> dict[str, dict[str, int]]:
    """Returns the number of GMs of each class, including classes that do not occur."""
    counts: dict[str, dict[str, int]] = {}
    for column, parameter in enumerate(PARAMETERS[N_CONTINUOUS:], start=N_CONTINUOUS):
        found = Counter(int(gm.values[column]) for gm in gms)
        names = parameter.classes or ("no", "yes")
        counts[parameter.name] = {name: found[index] for index, name in enumerate(names)}
    return counts
