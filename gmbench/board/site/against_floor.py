"""A method against labels alone, per parameter and per kind of GM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmbench.board.rows import Row
from gmbench.board.site.floors import Floors
from gmbench.evaluation.over_floor import OverFloor
from gmbench.pages.drawing.charts import Bar, bar
from gmbench.pages.drawing.numbers import Figure, Span, score, span
from gmbench.pages.drawing.scales import Scale
from gmbench.schema import CONTINUOUS, DISCRETE, KINDS, LOSSES, Parameter


@dataclass(frozen=True, slots=True)
class Gap:
    """One parameter.

    Attributes:
        name: Its name.
        floor: What labels alone achieve.
        figure: The method's score less that.
        span: The interval of the difference; None if there is none.
        clear: `better` or `worse` if the whole interval is on one side of 0, else empty.
        style: Positions of its bar, as CSS; 0 is in the middle.
    """

    name: str
    floor: Figure
    figure: Figure
    span: Span | None
    clear: str
    style: str


@dataclass(frozen=True, slots=True)
class GapPanel:
    """The parameters of one type; their bars share an axis that ends at `reach`."""

    title: str
    measure: str
    reach: str
    rows: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class KindRow:
    """The test GMs of one kind: their mean figures, and the L1 of labels alone."""

    kind: str
    n_gms: int
    l1: Figure
    floor: Figure
    arch_accuracy: Figure
    loss_accuracy: Figure


def gap_panels(row: Row) -> tuple[GapPanel, ...]:
    """Returns a method's differences from labels alone, by type of parameter."""
    types = (
        ("Counts", "L1", CONTINUOUS),
        ("Classes", "weighted F1", DISCRETE),
        ("Losses", "weighted F1", LOSSES),
    )
    return tuple(_panel(row, *one) for one in types)


def kind_rows(row: Row, floors: Floors) -> tuple[KindRow, ...]:
    """Returns a method's figures per kind, in the schema's order."""
    assert row.result is not None
    by_kind: dict[str, list[tuple[float, ...]]] = {}
    for key, gm in row.result["gms"].items():
        figures = (gm["l1"], floors.gms[key]["l1"], gm["arch_accuracy"], gm["loss_accuracy"])
        by_kind.setdefault(gm["kind"], []).append(figures)
    return tuple(
        KindRow(kind, len(by_kind[kind]), *map(score, np.mean(by_kind[kind], axis=0).tolist()))
        for kind in KINDS
        if kind in by_kind
    )


def _panel(row: Row, title: str, measure: str, parameters: tuple[Parameter, ...]) -> GapPanel:
    found = {one.name: row.over_floor[one.name] for one in parameters}
    ends = [abs(end) for one in found.values() for end in (*(one.ci or ()), one.difference or 0.0)]
    scale = Scale(-max(*ends, 0.05), max(*ends, 0.05))
    sign = -1 if measure == "L1" else 1
    rows = tuple(_gap(name, one, scale, sign) for name, one in found.items())
    return GapPanel(title, measure, score(scale.high).text, rows)


def _gap(name: str, one: OverFloor, scale: Scale, sign: int) -> Gap:
    clear = ""
    if one.ci is not None and (one.ci[0] > 0 or one.ci[1] < 0):
        clear = "better" if sign * one.ci[0] > 0 else "worse"
    return Gap(
        name=name,
        floor=score(one.floor),
        figure=score(one.difference, "not defined"),
        span=span(one.ci),
        clear=clear,
        style=_style(bar(scale, one.difference, one.ci)),
    )


def _style(placed: Bar) -> str:
    """Returns the positions of a difference and its interval as CSS variables.

    A background's position is relative to the space that its size leaves free, so the interval's
    start is given as a share of that space.
    """
    parts = [f"--v:{placed.value}%"]
    if placed.low is not None and placed.high is not None:
        width = round(max(placed.high - placed.low, 0.0), 1)
        start = round(100 * placed.low / (100 - width), 1) if width < 100 else 0.0
        parts.append(f"--w:{width}%;--p:{start}%")
    return ";".join(parts)
