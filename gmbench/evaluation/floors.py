"""The floor of each metric: the best that labels alone reach, without looking at any image.

For counts, accuracies and skill that is mostly `median_mode`, for weighted F1 `random_f1`; what a
method gains beyond both is what it sees in images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.errors import UnknownNameError
from gmbench.evaluation.evaluate import evaluate
from gmbench.evaluation.metrics import BY_NAME
from gmbench.evaluation.result import Evaluation
from gmbench.predictions.reference import median_mode, random_f1

METHODS = {"median_mode": median_mode, "random_f1": random_f1}
"""The baselines from labels alone; the better of them is the floor."""


@dataclass(frozen=True)
class Floor:
    """The best that labels alone reach in a metric.

    Attributes:
        method: Name of the baseline that reaches it.
        value: The metric's mean over the sets.
    """

    method: str
    value: float


def floor(metric: str, benchmark: str | Benchmark = "mini116") -> Floor | None:
    """Returns the better of `median_mode` and `random_f1` in a metric.

    Args:
        metric: Name of the metric.
        benchmark: The benchmark.

    Returns:
        The floor; None where neither direction is better, as for a slope, where the metric is a
        p-value, or where it is defined for neither of the two.

    Raises:
        UnknownNameError: There is no such metric or benchmark.

    Examples:
        >>> floor("arch_f1", "red116").method
        'random_f1'
        >>> round(floor("l1", "red116").value, 3)
        0.151
    """
    if metric not in BY_NAME:
        raise UnknownNameError("Metric", metric, tuple(BY_NAME))
    better = BY_NAME[metric].better
    if not better or metric.startswith("p_value"):
        return None
    found = [
        Floor(name, value)
        for name, result in without_images(load_benchmark(benchmark)).items()
        if (value := result.summary[metric].mean) is not None
    ]
    if not found:
        return None
    best = min if better == "lower" else max
    return best(found, key=lambda one: one.value)


def without_images(benchmark: Benchmark) -> Mapping[str, Evaluation]:
    """Returns the results of `METHODS`, by name and without intervals; scored once per process."""
    key = (benchmark.labels_sha256, benchmark.splits_sha256)
    if key not in _known:
        _known[key] = {
            name: evaluate(method(benchmark), replicates=0) for name, method in METHODS.items()
        }
    return _known[key]


_known: dict[tuple[str, str], Mapping[str, Evaluation]] = {}
