"""Mapping values to positions: linear and logarithmic axes, and their ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

_LEAST_GAP = 0.17
"""Minimum distance between ticks, as a fraction of the axis, so that their labels do not touch."""

_MARGIN = 0.04
"""Fraction of an axis left free beyond the outermost values."""

_FAR = 4
"""Predictions within this many typical errors of the truth's range always fit the axis."""

_SKEWED = 6
"""Ratio of the largest to the median value of a parameter above which its axes are logarithmic."""


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high`.

    Attributes:
        low: Value at its start.
        high: Value at its end; greater than `low`.
        logarithmic: Whether positions are proportional to log(1 + v), and to -log(1 - v) below 0,
            instead of v: a plain logarithm is undefined at 0, the value of many counts.
    """

    low: float
    high: float
    logarithmic: bool = False
    _ends: tuple[float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Stores the transformed ends, which every position is measured by."""
        ends = _bent(self.low, self.logarithmic), _bent(self.high, self.logarithmic)
        object.__setattr__(self, "_ends", ends)

    def place(self, value: float) -> float:
        """Returns the position of a value from 0 (start) to 1 (end), clipped to that range."""
        start, end = self._ends
        there = _bent(value, self.logarithmic)
        return min(max((there - start) / (end - start), 0.0), 1.0)

    def holds(self, value: float) -> bool:
        """Returns whether a value lies within the axis."""
        return self.low <= value <= self.high

    def ticks(self) -> list[float]:
        """Returns round values along the axis, in rising order."""
        return self._logarithmic_ticks() if self.logarithmic else self._linear_ticks()

    def _linear_ticks(self) -> list[float]:
        step = _round_step((self.high - self.low) * _LEAST_GAP)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def _logarithmic_ticks(self) -> list[float]:
        farthest = max(abs(self.low), abs(self.high), 1.0)
        powers = range(math.floor(math.log10(farthest)), -1, -1)
        sizes = [digit * 10.0**power for power in powers for digit in (5, 2, 1)]
        kept: list[float] = []
        # 0 first, then from the ends inwards, as the ends of an axis matter most.
        for value in (0.0, *sizes, *(-size for size in sizes)):
            places = [self.place(other) for other in kept]
            free = all(abs(self.place(value) - place) >= _LEAST_GAP for place in places)
            if self.holds(value) and free:
                kept.append(value)
        return sorted(kept)


def _round_step(least: float) -> float:
    """Returns the smallest of 1, 2, 5 (times a power of ten) that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - 1e-9))


def score_scale(
    values: Sequence[float], bounds: tuple[float, float], *, least_high: float = 1.0
) -> Scale:
    """Returns an axis for scores that starts at 0, or below it if a value is negative.

    Args:
        values: Values to draw.
        bounds: Smallest and largest possible value of the score.
        least_high: Minimum upper end of the axis.
    """
    low, high = min(0.0, *values), max(least_high, *values)
    if low < 0:
        low = max(bounds[0], _outwards(low, high - low))
    if high > least_high:
        high = min(bounds[1], -_outwards(-high, high - low))
    return Scale(low, high)


def zoomed_scale(values: Sequence[float], bounds: tuple[float, float]) -> Scale:
    """Returns an axis that extends just beyond some values, to round ends.

    Args:
        values: Values to draw, at least one.
        bounds: Smallest and largest possible value of the score.
    """
    width = max(values) - min(values) or 0.1
    low = max(bounds[0], _outwards(min(values), width))
    high = min(bounds[1], -_outwards(-max(values), width))
    return Scale(low, high) if low < high else Scale(low - 0.1, high + 0.1)


def _outwards(low: float, width: float) -> float:
    step = _round_step(width / 10)
    return round(math.floor(low / step) * step, 12)


def truth_scale(truth: Sequence[float], predicted: Sequence[float]) -> Scale:
    """Returns the axis shared by the truth and the predictions of one parameter.

    It is logarithmic if the largest true value is many times the median. A few predictions far
    outside the range of the truth do not stretch the axis, as they would squeeze all others into a
    corner.
    """
    low, high = min(truth), max(truth)
    typical_error = median(abs(p - t) for p, t in zip(predicted, truth, strict=True))
    reach = max(high - low, abs(high) / 2, _FAR * typical_error, 1.0)
    near = [min(max(value, low - reach), high + reach) for value in predicted]
    logarithmic = low >= 0 and high > _SKEWED * median(truth)
    first, last = min(low, *near), max(high, *near)
    # A narrow axis would exaggerate small errors.
    lacking = max(abs(high) / 2, 1.0) - (last - first)
    if lacking > 0:
        first, last = first - lacking / 2, last + lacking / 2
    # The margin is a fraction of the axis as drawn, so it is added to the transformed values.
    start, end = _bent(first, logarithmic), _bent(last, logarithmic)
    margin = _MARGIN * (end - start)
    return Scale(
        _unbent(start - margin, logarithmic), _unbent(end + margin, logarithmic), logarithmic
    )


def _bent(value: float, logarithmic: bool) -> float:
    return math.copysign(math.log1p(abs(value)), value) if logarithmic else value


def _unbent(place: float, logarithmic: bool) -> float:
    return math.copysign(math.expm1(abs(place)), place) if logarithmic else place
