"""Calibration as docs/metrics.md defines it, anew: plain loops over images, bins and GMs.

Nothing of `gmbench` is used here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Said:
    """One confidence: of which GM and parameter, and whether it came true."""

    gm: Any
    parameter: str
    confidence: float
    true: bool


@dataclass
class Plain:
    """Error, what chance gives, and the curve: (n, GMs, mean confidence, part true) by bin."""

    ece: float
    by_chance: float
    curve: dict[int, tuple[int, int, float, float]] = field(default_factory=dict)


def said_of(
    set_name: str,
    gm: Iterable[object],
    target: np.ndarray,
    prediction: np.ndarray,
    odds: Mapping[str, np.ndarray],
    names: list[str],
) -> list[Said]:
    """The confidences of one set's images; rows of 25 as in `plain_reference.Case`."""
    made = []
    for row, which in enumerate(gm):
        for column, name in enumerate(names):
            if column < 9 or (column < 15 and name not in odds):
                continue
            if column < 15:
                chosen = int(prediction[row, column])
                confidence = float(odds[name][row, chosen])
                true = int(target[row, column]) == chosen
            else:
                confidence, true = float(prediction[row, column]), target[row, column] == 1
            made.append(Said((set_name, which), name, confidence, bool(true)))
    return made


def calibration(said: list[Said]) -> Plain:
    bins: dict[int, list[Said]] = defaultdict(list)
    for one in said:
        bins[min(int(round(10 * one.confidence, 8)), 9)].append(one)
    ece, by_chance, curve = 0.0, 0.0, {}
    for place, members in sorted(bins.items()):
        n = len(members)
        mean = math.fsum(one.confidence for one in members) / n
        part = sum(one.true for one in members) / n
        ece += n / len(said) * abs(mean - part)
        groups: dict[tuple[Any, str], list[float]] = defaultdict(list)
        for one in members:
            groups[one.gm, one.parameter].append(one.confidence)
        variance = 0.0
        for confidences in groups.values():
            c = math.fsum(confidences) / len(confidences)
            variance += len(confidences) ** 2 * c * (1 - c)
        by_chance += math.sqrt(2 / math.pi) * math.sqrt(max(variance, 0.0)) / len(said)
        curve[place] = (n, len({one.gm for one in members}), mean, part)
    return Plain(ece, by_chance, curve)


def log_skill(
    target: np.ndarray, odds: Mapping[str, np.ndarray], training: np.ndarray, names: list[str]
) -> float:
    """1 - log-loss / log-loss of the training base rates, of one set."""
    cost, floor = 0.0, 0.0
    for row in range(len(target)):
        for column, name in enumerate(names):
            if name not in odds:
                continue
            true = int(target[row, column])
            rate = float(np.mean(training[:, column] == true))
            cost -= math.log(min(max(float(odds[name][row, true]), 0.01), 0.99))
            floor -= math.log(min(max(rate, 0.01), 0.99))
    return 1 - cost / floor
