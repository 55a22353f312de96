"""What labels alone can do on a benchmark, which every figure of the board is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gmbench.benchmark.benchmark import Benchmark
from gmbench.evaluation.evaluate import evaluate
from gmbench.predictions.reference import median_mode


@dataclass(frozen=True, slots=True)
class Floors:
    """The figures of the training median of each count, and the mode of each class and loss.

    Attributes:
        summary: Each metric's mean over the sets.
        parameters: `l1` of each count, `f1` of each class and loss, by its name.
        gms: L1 of each test GM, by its key in a result's `gms`.
    """

    summary: dict[str, float | None]
    parameters: dict[str, float]
    gms: dict[str, float]


def floors_of(benchmark: Benchmark) -> Floors:
    """Returns what labels alone can do on a benchmark."""
    result: dict[str, Any] = evaluate(median_mode(benchmark), replicates=0).to_dict()
    return Floors(
        summary={name: one["mean"] for name, one in result["summary"].items()},
        parameters={
            name: one["l1"] if one["type"] == "continuous" else one["f1"]
            for name, one in result["parameters"].items()
        },
        gms={name: one["l1"] for name, one in result["gms"].items()},
    )
