"""The leakage report: what the test sets of a benchmark share with their training GMs.

No GM is on both sides, but label rows are: only 78 of the 116 architecture rows of red116 are
distinct, so a method can score well on a test GM by recognising its twin in training. The report
names each such pair, and the columns that a set cannot measure because they are constant in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gmbench.benchmark.benchmark import Benchmark
from gmbench.schema import KINDS, N_ARCHITECTURE, N_CONTINUOUS, PARAMETERS


@dataclass(frozen=True, slots=True)
class SetReport:
    """What a test set shares with its training GMs.

    Attributes:
        name: Name of the set.
        kinds: Number of test GMs of each kind that occurs.
        n_training: Number of training GMs.
        in_training: Test GMs that are also training GMs; must be empty.
        same_labels: Pairs (test GM, training GM) whose 25 values are the same.
        same_architecture: Pairs whose 15 architecture values are the same; includes the former.
        constant: Parameters that have one value in the whole test set.
        untrained_classes: Pairs (parameter, class index) that occur in test but not in training.
    """

    name: str
    kinds: dict[str, int]
    n_training: int
    in_training: tuple[str, ...]
    same_labels: tuple[tuple[str, str], ...]
    same_architecture: tuple[tuple[str, str], ...]
    constant: tuple[str, ...]
    untrained_classes: tuple[tuple[str, int], ...]


def check_splits(benchmark: Benchmark) -> list[SetReport]:
    """Reports for each set what could leak from training into test or cannot be measured."""
    reports = []
    for name, test in benchmark.sets.items():
        training = benchmark.training_gms(name)
        test_rows = [benchmark.gm(gm).row() for gm in test]
        training_rows = [benchmark.gm(gm).row() for gm in training]
        columns = list(zip(*test_rows, strict=True))
        reports.append(
            SetReport(
                name=name,
                kinds={
                    kind: count
                    for kind in KINDS
                    if (count := sum(benchmark.gm(gm).kind == kind for gm in test))
                },
                n_training=len(training),
                in_training=tuple(sorted(set(test) & set(training))),
                same_labels=_pairs(twins(benchmark, name, len(PARAMETERS))),
                same_architecture=_pairs(twins(benchmark, name)),
                constant=tuple(
                    parameter.name
                    for parameter, column in zip(PARAMETERS, columns, strict=True)
                    if len(set(column)) == 1 and None not in column
                ),
                untrained_classes=tuple(
                    (PARAMETERS[column].name, int(value))
                    for column in range(N_CONTINUOUS, N_ARCHITECTURE)
                    for value in sorted({one for one in columns[column] if one is not None})
                    if value not in {row[column] for row in training_rows}
                ),
            )
        )
    return reports


def twins(
    benchmark: Benchmark, set_name: str, width: int = N_ARCHITECTURE
) -> dict[str, tuple[str, ...]]:
    """Returns the test GMs of a set that have a twin in training, each with its twins.

    Args:
        benchmark: The benchmark.
        set_name: Name of the set.
        width: How many of the 25 values twins share, starting with the first: 15 for the
            architecture, 25 for the whole row.

    Raises:
        UnknownNameError: The benchmark has no such set.
    """
    test, training = benchmark.test_gms(set_name), benchmark.training_gms(set_name)
    rows = {gm.name: gm.row(width) for gm in benchmark.gms}
    found = {name: tuple(other for other in training if rows[other] == rows[name]) for name in test}
    return {name: others for name, others in found.items() if others}


def _pairs(found: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, str], ...]:
    return tuple((test, training) for test, others in found.items() for training in others)
