"""What can be parsed at all: each method's gain over labels alone, parameter by parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from gmbench.board.rows import BenchmarkBoard, Row
from gmbench.board.site.floors import OF_GMS, Floors, gms_of
from gmbench.board.site.matrix import cut
from gmbench.schema import CONTINUOUS, DISCRETE, KINDS, LOSSES, PARAMETERS

_STEPS = (-0.5, -0.25, -0.05, 0.05, 0.25, 0.5)
"""Bounds between the seven tints."""


@dataclass(frozen=True, slots=True)
class Gain:
    """One cell.

    Attributes:
        text: The gain in percent; a dash if undefined, as when labels alone leave nothing open.
        tint: From 0 (much worse than labels alone) to 6; None without a gain.
        sure: Whether the whole interval, of each seed, lies on one side of what labels alone
            achieve.
    """

    text: str
    tint: int | None
    sure: bool = False


@dataclass(frozen=True, slots=True)
class MapRow:
    """One row: its gains in the order of the headings."""

    title: str
    beside: str
    gains: tuple[Gain, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Headings that belong together."""

    title: str
    headings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParameterMap:
    """One view of the map of a benchmark.

    A gain is the share of what labels alone leave open: for a count, and for the L1 of a GM, the
    fraction by which the error is below that of the training median; for a class or loss, the
    fraction of the way from the mode's F1 or accuracy to 1. Of a method of several seeds, it is
    that of the mean.

    Attributes:
        key: Name of the view in URLs; empty for the first.
        title: What it shows.
        down: What its rows are.
        groups: Its columns.
        rows: Its rows.
        n_left: Number of methods that are left out for lack of room.
    """

    key: str
    title: str
    down: str
    groups: tuple[Group, ...]
    rows: tuple[MapRow, ...]
    n_left: int


def parameter_maps(
    board: BenchmarkBoard, floors: Floors, most: int | None = None
) -> tuple[ParameterMap, ...]:
    """Returns the views of a benchmark's map: by parameter, by kind of GM, and by GM.

    Args:
        board: The board.
        floors: What labels alone achieve.
        most: Number of methods in them, the best ones; by default all.
    """
    return tuple(view(board, floors, most) for view in (_by_parameter, _by_kind, _by_gm))


def _by_parameter(board: BenchmarkBoard, floors: Floors, most: int | None) -> ParameterMap:
    return ParameterMap(
        key="",
        title="parameters",
        down="method",
        groups=(
            Group("counts", tuple(_short(one.name) for one in CONTINUOUS)),
            Group("classes", tuple(_short(one.name) for one in DISCRETE)),
            Group("losses", tuple(_short(one.name) for one in LOSSES)),
        ),
        rows=tuple(
            MapRow(row.title, "", tuple(_parameter(row, one.name, floors) for one in PARAMETERS))
            for row in board.measured[:most]
        ),
        n_left=len(board.measured[most:]) if most else 0,
    )


def _by_kind(board: BenchmarkBoard, floors: Floors, most: int | None) -> ParameterMap:
    of_kind = {
        kind: [key for key, gm in gms_of(board.measured[0]).items() if gm["kind"] == kind]
        for kind in KINDS
    }
    kinds = [kind for kind, keys in of_kind.items() if keys]
    return ParameterMap(
        key="kinds",
        title="kinds of GM",
        down="method",
        groups=tuple(Group(title, tuple(kinds)) for title in OF_GMS.values()),
        rows=tuple(
            MapRow(
                row.title,
                "",
                tuple(_of_gms(gms, of_kind[kind], key, floors) for key in OF_GMS for kind in kinds),
            )
            for row in board.measured[:most]
            for gms in [gms_of(row)]
        ),
        n_left=len(board.measured[most:]) if most else 0,
    )


def _by_gm(board: BenchmarkBoard, floors: Floors, most: int | None) -> ParameterMap:
    """Returns, GM by GM, the gain of the best method for it, and that of every method in L1.

    GMs are ordered from the largest L1 gain by any method to the GM that no method can parse.
    """
    rows = []
    of_methods = [gms_of(row) for row in board.measured]
    for key, gm in of_methods[0].items():
        shares = {
            metric: [
                _share(gms[key][metric], floors.gms[key][metric], metric) for gms in of_methods
            ]
            for metric in OF_GMS
        }
        best = [
            max((share for share in found if share is not None), default=None)
            for found in shares.values()
        ]
        gains = (*best, *shares["l1"][:most])
        beside = f"{gm['kind']}, {gm['set']}"
        rows.append((best[0], MapRow(gm["gm"], beside, tuple(_gain(share) for share in gains))))
    rows.sort(key=lambda one: (one[0] is None, -(one[0] or 0.0), one[1].title))
    titles = tuple(cut(row.title) for row in board.measured[:most])
    return ParameterMap(
        key="gms",
        title="single GMs",
        down="GM",
        groups=(Group("the best", tuple(OF_GMS.values())), Group("L1 by method", titles)),
        rows=tuple(row for _, row in rows),
        n_left=len(board.measured[most:]) if most else 0,
    )


def _parameter(row: Row, name: str, floors: Floors) -> Gain:
    seeds, floor = [one.result["parameters"][name] for one in row.seeds], floors.parameters[name]
    key = "l1" if seeds[0]["type"] == "continuous" else "f1"
    values = [one[key] for one in seeds]
    if floor is None or None in values:
        return Gain("–", None)
    open_part = floor if key == "l1" else 1.0 - floor
    if open_part <= 0:
        return Gain("–", None)
    sign = -1.0 if key == "l1" else 1.0
    ends = [one["intervals"].get(key) or (floor, floor) for one in seeds]
    sure = all(low > floor for low, _ in ends) or all(high < floor for _, high in ends)
    return _gain(sign * (fmean(values) - floor) / open_part, sure)


def _of_gms(
    gms: Mapping[str, Mapping[str, Any]], keys: Sequence[str], metric: str, floors: Floors
) -> Gain:
    """Returns the gain of a method in the mean over GMs."""
    value = fmean(gms[key][metric] for key in keys)
    return _gain(_share(value, fmean(floors.gms[key][metric] for key in keys), metric))


def _share(value: float, floor: float, metric: str) -> float | None:
    """Returns the share gained of what the floor leaves open; None if that is nothing."""
    if metric == "l1":
        return 1.0 - value / floor if floor > 0 else None
    return (value - floor) / (1.0 - floor) if floor < 1 else None


def _gain(share: float | None, sure: bool = False) -> Gain:
    if share is None:
        return Gain("–", None)
    text = f"{100 * share:.0f}".replace("-", "−")
    return Gain("0" if text == "−0" else text, int(np.searchsorted(_STEPS, share)), sure)


def _short(name: str) -> str:
    """Returns a parameter's name, shortened for the heading of a narrow column."""
    return name.removeprefix("loss_").replace("_", " ")
