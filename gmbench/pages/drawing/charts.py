"""The charts of a report as positions of marks; the templates draw them.

Bars are SVG in percent of their cell, so that they adapt to the width of the screen without
shrinking text. Scatter plots have a fixed frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gmbench.evaluation.intervals import Interval
from gmbench.evaluation.metrics import METRICS, Metric
from gmbench.evaluation.result import Evaluation, GMResult
from gmbench.pages.drawing.numbers import quantity
from gmbench.pages.drawing.scales import Scale, score_scale, truth_scale
from gmbench.schema import KINDS, Parameter

_LEFT, _TOP, _SIDE = 40.0, 20.0, 268.0
FRAME_WIDTH, FRAME_HEIGHT = 320, 316

LEAST_L1_AXIS = 0.3
"""Minimum upper end of the L1 axis: twice the L1 that the labels' mean or median gives."""

_SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.5-3.5h7v7h-7z",
    "M0-4.9L4.6 3.3H-4.6z",
    "M0-5L5 0 0 5-5 0z",
    "M0 4.9L4.6-3.3H-4.6z",
    "M-1.5-4.7h3v3.2h3.2v3h-3.2v3.2h-3v-3.2h-3.2v-3h3.2z",
)
_OTHER_SHAPE = "M-4.8-1.7h9.6v3.4h-9.6z"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, or a dot on a line, with its interval; all positions in percent of the width.

    Attributes:
        value: Position of the value; None where undefined.
        zero: Position of 0, where bars start.
        low: Position of the interval's lower end; None without an interval.
        high: Position of its upper end; None without an interval.
        useful: Position of the threshold of practical use; None if there is none.
    """

    value: float | None
    zero: float = 0.0
    low: float | None = None
    high: float | None = None
    useful: float | None = None


def bar(
    scale: Scale, value: float | None, interval: Interval | None, useful: float | None = None
) -> Bar:
    """Places a value and its interval on an axis."""

    def percent(number: float) -> float:
        return round(100 * scale.place(number), 1)

    return Bar(
        value=None if value is None else percent(value),
        zero=percent(0.0),
        low=None if interval is None else percent(interval[0]),
        high=None if interval is None else percent(interval[1]),
        useful=None if useful is None else percent(useful),
    )


def bar_scale(
    values: Iterable[float | None],
    intervals: Iterable[Interval | None],
    metric: Metric,
) -> Scale:
    """Returns an axis that holds some values of a metric and their intervals."""
    known = [value for value in values if value is not None]
    known += [end for interval in intervals if interval is not None for end in interval]
    least_high = LEAST_L1_AXIS if metric.name == "l1" else 1.0
    return score_scale([0.0, *known], metric.bounds, least_high=least_high)


def threshold(metric: Metric) -> str:
    """Returns a metric's threshold of practical use in words; empty if it has none."""
    if metric.useful is None:
        return ""
    return f"{'below' if metric.better == 'lower' else 'above'} {metric.useful:g}"


def thresholds() -> str:
    """Returns the thresholds of all metrics that have one, such as `L1 below 0.1, ...`."""
    return ", ".join(f"{one.title} {threshold(one)}" for one in METRICS if threshold(one))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of GM in the legend.

    Attributes:
        name: Name, such as `GAN`.
        key: Suffix of the CSS class and of the shape's id.
        shape: SVG path around the origin.
        n_gms: Number of test GMs of that kind.
    """

    name: str
    key: str
    shape: str
    n_gms: int


def kinds_of(evaluation: Evaluation) -> dict[str, Kind]:
    """Returns the kinds of the test GMs in the schema's order, followed by any others."""
    gms = {result.gm: result.kind for result in evaluation.gms.values()}
    present = list(gms.values())
    ordered = [*(kind for kind in KINDS if kind in present), *sorted(set(present) - set(KINDS))]
    return {
        kind: Kind(
            name=kind,
            key=str(KINDS.index(kind)) if kind in KINDS else "x",
            shape=_SHAPES[KINDS.index(kind)] if kind in KINDS else _OTHER_SHAPE,
            n_gms=present.count(kind),
        )
        for kind in ordered
    }


@dataclass(frozen=True, slots=True)
class Dot:
    """One GM in a scatter plot: position, whisker as a path, and text shown on hover."""

    x: float
    y: float
    whisker: str
    kind: str
    beyond: bool
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick with the same label on both axes of a plot."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """The scatter plot of one parameter.

    Attributes:
        name: Name of the parameter.
        unit: What is counted, such as `million weights`.
        axes: Description of the axes, such as `linear axes`.
        ticks: Ticks, the same on both axes.
        dots: One per GM and set.
        n_beyond: Number of dots whose prediction lies outside the frame.
    """

    name: str
    unit: str
    axes: str
    ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    n_beyond: int


def scatter(
    parameter: Parameter, all_gms: dict[str, GMResult], kinds: dict[str, Kind]
) -> Scatter | None:
    """Lays out truth and mean prediction of a continuous parameter for every GM with known truth.

    Returns:
        The plot; None if the truth is known for no GM.
    """
    known = {
        key: (gm, true)
        for key, gm in all_gms.items()
        if (true := gm.truth[parameter.name]) is not None
    }
    if not known:
        return None
    gms = {key: gm for key, (gm, _) in known.items()}
    divisor, unit = _unit(parameter, [true for _, true in known.values()])
    truth = [true / divisor for _, true in known.values()]
    predicted = [gm.predicted[parameter.name] / divisor for gm in gms.values()]
    spread = [gm.predicted_std[parameter.name] / divisor for gm in gms.values()]
    scale = truth_scale(truth, predicted)
    dots = []
    for key, gm, true, mean, std in zip(gms, gms.values(), truth, predicted, spread, strict=True):
        said = f"true {quantity(true)}, predicted {quantity(mean)} ± {quantity(std)}"
        x = across(scale, true)
        dots.append(
            Dot(
                x=x,
                y=up(scale, mean),
                whisker=f"M{x} {up(scale, mean + std)}V{up(scale, mean - std)}",
                kind=kinds[gm.kind].key,
                beyond=not scale.holds(mean),
                title=f"{key} ({gm.kind}): {said}",
            )
        )
    return Scatter(
        name=parameter.name,
        unit=unit,
        axes="axes log(1 + v)" if scale.logarithmic else "linear axes",
        ticks=ticks(scale),
        dots=tuple(dots),
        n_beyond=sum(dot.beyond for dot in dots),
    )


def ticks(scale: Scale) -> tuple[Tick, ...]:
    """Returns the ticks of a plot with identical axes."""
    return tuple(
        Tick(across(scale, value), up(scale, value), quantity(value)) for value in scale.ticks()
    )


def _unit(parameter: Parameter, truth: Sequence[float]) -> tuple[float, str]:
    """Returns the divisor and the name of the unit: millions if the counts are that large."""
    if max(truth) >= 1e6:
        return 1e6, f"million {parameter.unit}"
    return 1.0, parameter.unit


def across(scale: Scale, value: float) -> float:
    """Returns the horizontal position of a value in a plot."""
    return round(_LEFT + _SIDE * scale.place(value), 1)


def up(scale: Scale, value: float) -> float:
    """Returns the vertical position of a value in a plot, measured from the top."""
    return round(_TOP + _SIDE * (1 - scale.place(value)), 1)


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of a plot and of the square inside it that holds the dots."""

    width: int = FRAME_WIDTH
    height: int = FRAME_HEIGHT
    left: float = _LEFT
    top: float = _TOP
    right: float = _LEFT + _SIDE
    bottom: float = _TOP + _SIDE
