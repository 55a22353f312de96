"""A result broken down by parameter and by GM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from gmbench.benchmark.benchmark import Benchmark
from gmbench.evaluation.intervals import Resampled, interval, resample
from gmbench.evaluation.metrics import (
    ARCHITECTURE_HEADS,
    LOSS_HEADS,
    accuracy_from,
    correlation_of_parameters,
    head_scores,
    l1,
    l1_of_parameters,
    macro_f1_from,
    r2_of_parameters,
    weighted_f1_from,
)
from gmbench.evaluation.result import GMResult, ParameterResult
from gmbench.evaluation.set_table import SetTable
from gmbench.evaluation.skill import mean_where_known
from gmbench.evaluation.statistics import Array, GMSums
from gmbench.evaluation.summary import finite
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES, N_HEADS, NAMES, Parameter

_BOUNDS = {
    "l1": (0.0, np.inf),
    "correlation": (-1.0, 1.0),
    "r2": (-np.inf, 1.0),
    "f1": (0.0, 1.0),
    "f1_macro": (0.0, 1.0),
    "accuracy": (0.0, 1.0),
}
"""Smallest and largest value of each score of a parameter."""


def parameter_scores(
    tables: Sequence[SetTable], samples: Sequence[GMSums | None]
) -> dict[str, dict[str, list[Resampled]]]:
    """Returns each parameter's scores in each set, with the plotted one first.

    Args:
        tables: The sets.
        samples: Their replicates; None where no interval is wanted.
    """

    def by_set(function: Callable[[GMSums], Array]) -> list[Resampled]:
        pairs = zip(tables, samples, strict=True)
        return [resample(function, table, sample) for table, sample in pairs]

    of_counts = {
        "l1": by_set(l1_of_parameters),
        "correlation": by_set(correlation_of_parameters),
        "r2": by_set(r2_of_parameters),
    }
    scores = {
        parameter.name: {name: [part[column] for part in of] for name, of in of_counts.items()}
        for column, parameter in enumerate(CONTINUOUS)
    }
    of_heads = {
        "f1": by_set(partial(_of_heads, score=weighted_f1_from)),
        "f1_macro": by_set(partial(_of_heads, score=macro_f1_from)),
        "accuracy": by_set(partial(_of_heads, score=accuracy_from)),
    }
    return scores | {
        parameter.name: {name: [part[head] for part in of] for name, of in of_heads.items()}
        for head, parameter in enumerate((*DISCRETE, *LOSSES))
    }


def main_scores(
    scores: Mapping[str, Mapping[str, list[Resampled]]],
) -> dict[str, list[Resampled]]:
    """Returns each parameter's plotted score: L1 for a count, weighted F1 for any other."""
    return {name: next(iter(of.values())) for name, of in scores.items()}


def parameter_results(
    scores: Mapping[str, Mapping[str, list[Resampled]]],
    tables: Sequence[SetTable],
    benchmark: Benchmark,
) -> dict[str, ParameterResult]:
    """Returns each parameter's scores, averaged over the sets, with intervals."""
    results = {one.name: _parameter_result(one, scores[one.name]) for one in CONTINUOUS}
    for head, parameter in enumerate((*DISCRETE, *LOSSES)):
        confusion = np.sum([table.sums.confusions[head] for table in tables], axis=0)
        classes = benchmark.classes.get(parameter.name, ("no", "yes"))
        results[parameter.name] = _parameter_result(
            parameter, scores[parameter.name], classes, confusion
        )
    return results


def gm_results(tables: Sequence[SetTable], benchmark: Benchmark) -> dict[str, GMResult]:
    """Returns each test GM's scores and what was predicted for it."""
    results = {}
    for table in tables:
        sums = table.sums.one_gm_each()
        errors = l1(sums)
        right = head_scores(sums, range(N_HEADS), accuracy_from).T
        # From the predictions alone: the truth may be unknown.
        said = [sums.totals[..., 0, place] for place in sums.columns.heads]
        predicted = np.array([of_head.argmax(axis=-1) for of_head in said])
        for row, name in enumerate(table.gms):
            above = table.rows[row][:, table.columns.prediction]
            means = benchmark.denormalise(table.sums.means[row])
            spread = above.std(axis=0) * benchmark.span
            gm = benchmark.gm(name)
            key = f"{table.name}/{name}" if benchmark.sets_overlap else name
            results[key] = GMResult(
                gm=name,
                set=table.name,
                kind=gm.kind,
                n_images=len(above),
                l1=float(errors[row]),
                arch_accuracy=float(mean_where_known(right[list(ARCHITECTURE_HEADS), row])),
                loss_accuracy=float(mean_where_known(right[list(LOSS_HEADS), row])),
                truth=dict(zip(NAMES, gm.row(), strict=True)),
                predicted=dict(
                    zip(NAMES, [*means.tolist(), *predicted[:, row].tolist()], strict=True)
                ),
                predicted_std={
                    parameter.name: float(value)
                    for parameter, value in zip(CONTINUOUS, spread, strict=True)
                },
            )
    return results


def _parameter_result(
    parameter: Parameter,
    scores: Mapping[str, list[Resampled]],
    classes: tuple[str, ...] = (),
    confusion: Array | None = None,
) -> ParameterResult:
    return ParameterResult(
        type=str(parameter.type),
        values={
            name: finite(float(np.mean([part.value for part in parts])))
            for name, parts in scores.items()
        },
        intervals={
            name: interval(parts, _BOUNDS[name])
            for name, parts in scores.items()
            if len(parts[0].replicates)
        },
        classes=classes,
        confusion=tuple(
            tuple(int(count) for count in row) for row in (() if confusion is None else confusion)
        ),
    )


def _of_heads(sums: GMSums, *, score: Callable[[Array], Array]) -> Array:
    return head_scores(sums, range(N_HEADS), score)
