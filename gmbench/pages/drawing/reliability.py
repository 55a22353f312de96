"""Layout of a reliability curve: confidence on the x-axis, observed frequency on the y-axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gmbench.evaluation.calibration_result import Bin
from gmbench.pages.drawing.charts import Tick, across, ticks, up
from gmbench.pages.drawing.scales import Scale
from gmbench.wording import plural

_AXIS = Scale(0.0, 1.0)
_SMALLEST, _LARGEST = 2.5, 9.0


@dataclass(frozen=True, slots=True)
class Point:
    """One bin: position, whisker if it has an interval, radius, and descriptive text."""

    x: float
    y: float
    whisker: tuple[float, float] | None
    radius: float
    title: str


@dataclass(frozen=True, slots=True)
class Curve:
    """The bins of a reliability curve and their axes.

    Attributes:
        points: One per non-empty bin, from left to right.
        line: SVG path through the points.
        ticks: Ticks, the same on both axes.
    """

    points: tuple[Point, ...]
    line: str
    ticks: tuple[Tick, ...]


def curve(bins: Sequence[Bin]) -> Curve:
    """Lays out bins as points whose areas grow with the number of confidences.

    Args:
        bins: At least one bin, in rising order.
    """
    most = max(one.n for one in bins)
    points = tuple(
        Point(
            x=across(_AXIS, one.confidence),
            y=up(_AXIS, one.frequency),
            whisker=one.ci and (up(_AXIS, one.ci[0]), up(_AXIS, one.ci[1])),
            radius=round(max(_LARGEST * math.sqrt(one.n / most), _SMALLEST), 1),
            title=(
                f"{one.low:g} to {one.high:g}: {one.n:,} confidences of "
                f"{plural(one.n_gms, 'GM')}, mean {one.confidence:.3f}; {one.frequency:.3f} came "
                f"true{f' ({one.ci[0]:.3f} to {one.ci[1]:.3f})' if one.ci else ''}"
            ),
        )
        for one in bins
    )
    line = "M" + "L".join(f"{point.x} {point.y}" for point in points)
    return Curve(points, line, ticks(_AXIS))
