"""What labels alone achieve on a benchmark: the reference for every figure of the board."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Any

from gmbench.benchmark.benchmark import Benchmark
from gmbench.board.columns import SCORES
from gmbench.board.rows import Row
from gmbench.evaluation.floors import floor, without_images

OF_GMS = {"l1": "L1", "arch_accuracy": "arch accuracy", "loss_accuracy": "loss accuracy"}
"""Figures that a result has for every GM."""


@dataclass(frozen=True, slots=True)
class Floors:
    """The best figures that need no image.

    Attributes:
        summary: Each metric's floor (`gmbench.evaluation.floors`); None if there is none.
        parameters: `l1` of the training median of each count, `f1` of the mode of each class and
            loss, by name.
        gms: L1 and accuracies of each test GM, by its key in a result's `gms`.
    """

    summary: dict[str, float | None]
    parameters: dict[str, float | None]
    gms: dict[str, dict[str, float]]


def floors_of(benchmark: Benchmark) -> Floors:
    """Returns what labels alone achieve on a benchmark."""
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


def gms_of(row: Row) -> dict[str, dict[str, Any]]:
    """Returns a measured method's test GMs, with the figures of `OF_GMS` as means over its seeds.

    They are the same, in the same order, for all methods of a benchmark.
    """
    first, *others = (seed.result["gms"] for seed in row.seeds)
    if not others:
        return dict(first)
    return {
        key: {**gm, **{name: fmean(gms[key][name] for gms in (first, *others)) for name in OF_GMS}}
        for key, gm in first.items()
    }
