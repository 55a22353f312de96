"""The pieces that a page is made of: numbers and what is drawn of them, for the templates."""

from __future__ import annotations

from dataclasses import dataclass

from gmbench.pages.drawing.charts import Bar, Kind
from gmbench.pages.drawing.numbers import Figure, Span


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its interval.

    Attributes:
        figure: The number, or a dash and its reason.
        span: The interval; None where there is none.
        no_span: Why there is none.
        bar: Where both stand in a picture; None where they are not drawn.
    """

    figure: Figure
    span: Span | None
    no_span: str = ""
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric: over the sets, and in each.

    Attributes:
        name: Key in results.
        title: Heading for people.
        better: `lower`, `higher`, or empty where neither is.
        overall: Mean over the sets.
        std: Standard deviation over the sets.
        axis: Labels at the two ends of the picture's axis.
        threshold: Such as `below 0.1`; empty where there is none.
        sets: The metric in each set.
        rank: Its rank on a board, such as `1–3`; empty where there is none.
        without_twins: Mean without test GMs that have a twin in training; None where no GM has
            one, and of metrics that are no headline.
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
    """One set and its GMs, the lowest L1 first."""

    name: str
    n_gms: str
    n_images: str
    gms: tuple[GMView, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a confusion matrix.

    Attributes:
        count: Number of images.
        percent: Part of the row; empty where the row has no image.
        share: The same as a number, for the shading.
        right: Whether true and predicted class are the same.
    """

    count: int
    percent: str
    share: float
    right: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix, true classes as rows."""

    parameter: ParameterView
    classes: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
