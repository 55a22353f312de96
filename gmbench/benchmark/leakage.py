"""The leakage report: what the test sets of a benchmark share with their training GMs.

GMs never stand on both sides. Label rows do: only 78 of the 116 architecture rows of red116 are
distinct, so a method can score well on a test GM by recognising its twin in training. The report
names each such pair, and the columns that a set cannot measure because they are constant in it.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """Reports, set by set, what could leak from training into test, or cannot be measured."""
    reports = []
    for name, test in benchmark.sets.items():
        training = benchmark.training_gms(name)
        test_rows = [benchmark.gm(gm).values for gm in test]
        training_rows = [benchmark.gm(gm).values for gm in training]
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
                same_labels=_pairs(test, test_rows, training, training_rows, 25),
                same_architecture=_pairs(test, test_rows, training, training_rows, 15),
                constant=tuple(
                    parameter.name
                    for parameter, column in zip(PARAMETERS, columns, strict=True)
                    if len(set(column)) == 1
                ),
                untrained_classes=tuple(
                    (PARAMETERS[column].name, int(value))
                    for column in range(N_CONTINUOUS, N_ARCHITECTURE)
                    for value in sorted(set(columns[column]))
                    if value not in {row[column] for row in training_rows}
                ),
            )
        )
    return reports


def _pairs(
    test: Sequence[str],
    test_rows: Sequence[tuple[float, ...]],
    training: Sequence[str],
    training_rows: Sequence[tuple[float, ...]],
    width: int,
) -> tuple[tuple[str, str], ...]:
    """Pairs of a test and a training GM whose first `width` values are the same."""
    return tuple(
        (test_gm, training_gm)
        for test_gm, test_row in zip(test, test_rows, strict=True)
        for training_gm, training_row in zip(training, training_rows, strict=True)
        if test_row[:width] == training_row[:width]
    )
