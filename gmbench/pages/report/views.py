"""Building blocks of a page for the templates: numbers and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass

from gmbench.pages.drawing.charts import Bar, Kind
from gmbench.pages.drawing.numbers import Figure, Span


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its interval.

    Attributes:
        figure: The number, or a dash with the reason.
        span: The interval; None if there is none.
        no_span: Why there is no interval.
        bar: Positions of both in a chart; None if they are not drawn.
    """

    figure: Figure
    span: Span | None
    no_span: str = ""
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric, over the sets and in each set.

    Attributes:
        name: Key in results.
        title: Displayed heading.
        better: `lower`, `higher`, or empty if neither is better.
        overall: Mean over the sets.
        std: Standard deviation over the sets.
        axis: Labels at the two ends of the chart's axis.
        threshold: Threshold of practical use, such as `below 0.1`; empty if there is none.
        sets: The metric in each set.
        rank: Rank on a board, such as `1–3`; empty if there is none.
        without_twins: Mean without test GMs that have a twin in training; None if no GM has one,
            and for metrics that are not headline metrics.
    """

    name: str
    title: str
    better: str
    overall: Value
    std: Figure
    axis: tuple[str, str]
    threshold: str
    sets: tuple[Value, ...]
    rank: str = ""
    without_twins: Value | None = None


@dataclass(frozen=True, slots=True)
class ParameterView:
    """One parameter: the score that is drawn, and the others."""

    name: str
    meaning: str
    main: Value
    others: tuple[tuple[str, Figure], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """The parameters of one type."""

    title: str
    measure: str
    axis: tuple[str, str]
    threshold: str
    rows: tuple[ParameterView, ...]


@dataclass(frozen=True, slots=True)
class GMView:
    """One GM of a set: `scores` holds L1, architecture accuracy and loss accuracy."""

    key: str
    name: str
    kind: Kind
    n_images: str
    scores: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class SetView:
    """One set and its GMs, lowest L1 first."""

    name: str
    n_gms: str
    n_images: str
    gms: tuple[GMView, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a confusion matrix.

    Attributes:
        count: Number of images.
        percent: Share of the row in percent; empty if the row has no images.
        share: The same as a number, for shading.
        right: Whether the true and the predicted class are the same.
    """

    count: int
    percent: str
    share: float
    right: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix, with true classes as rows."""

    parameter: ParameterView
    classes: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
