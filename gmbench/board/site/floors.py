"""What labels alone can do on a benchmark, which every figure of the board is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gmbench.benchmark.benchmark import Benchmark
from gmbench.board.columns import SCORES
from gmbench.evaluation.floors import floor, without_images

OF_GMS = {"l1": "L1", "arch_accuracy": "arch accuracy", "loss_accuracy": "loss accuracy"}
"""What a result has of every GM."""


@dataclass(frozen=True, slots=True)
class Floors:
    """The best figures that need no image.

    Attributes:
        summary: Each metric's floor (`gmbench.evaluation.floors`); None where there is none.
        parameters: `l1` of the training median of each count, `f1` of the mode of each class and
            loss, by its name.
        gms: L1 and accuracies of each test GM, by its key in a result's `gms`.
    """

    summary: dict[str, float | None]
    parameters: dict[str, float]
    gms: dict[str, dict[str, float]]


def floors_of(benchmark: Benchmark) -> Floors:
    """Returns what labels alone can do on a benchmark."""
    result: dict[str, Any] = without_images(benchmark)["median_mode"].to_dict()
    return Floors(
        summary={
            column.key: found.value if (found := floor(column.key, benchmark)) else None
            for column in SCORES
        },
        parameters={
            name: one["l1"] if one["type"] == "continuous" else one["f1"]
            for name, one in result["parameters"].items()
        },
        gms={name: {key: one[key] for key in OF_GMS} for name, one in result["gms"].items()},
    )
