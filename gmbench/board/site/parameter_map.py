"""What can be parsed at all: each method's gain over labels alone, parameter by parameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gmbench.board.rows import BenchmarkBoard, Row
from gmbench.board.site.floors import Floors
from gmbench.schema import CONTINUOUS, DISCRETE, KINDS, LOSSES, PARAMETERS

MOST = 30
"""So many methods are in the map, the first of them."""

_STEPS = (-0.5, -0.25, -0.05, 0.05, 0.25, 0.5)
"""Ends of the seven tints."""


@dataclass(frozen=True, slots=True)
class Gain:
    """One cell.

    Attributes:
        text: The gain in percent; a dash where labels alone leave nothing open.
        tint: From 0 (much worse than labels alone) to 6; None without a gain.
        sure: Whether the whole interval lies on the same side of what labels alone can do.
    """

    text: str
    tint: int | None
    sure: bool = False


@dataclass(frozen=True, slots=True)
class MapRow:
    """One method: its gains in the order of the headings."""

    name: str
    title: str
    gains: tuple[Gain, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Headings that belong together."""

    title: str
    headings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParameterMap:
    """The map of one benchmark.

    A gain is the share of what labels alone leave open: of a count, and of a kind of GM, the part
    by which its L1 is below that of the training median; of a class or loss, the part of the way
    from the mode's F1 to 1.
    """

    groups: tuple[Group, ...]
    rows: tuple[MapRow, ...]
    n_left: int


def parameter_map(board: BenchmarkBoard, floors: Floors) -> ParameterMap:
    """Returns the map of a benchmark."""
    rows = board.measured
    tested = {
        board.benchmark.gm(name).kind for test in board.benchmark.sets.values() for name in test
    }
    kinds = [kind for kind in KINDS if kind in tested]
    return ParameterMap(
        groups=(
            Group("counts", tuple(_short(one.name) for one in CONTINUOUS)),
            Group("classes", tuple(_short(one.name) for one in DISCRETE)),
            Group("losses", tuple(_short(one.name) for one in LOSSES)),
            Group("L1 by kind", tuple(kinds)),
        ),
        rows=tuple(
            MapRow(
                row.name,
                row.title,
                (
                    *(_parameter(row, one.name, floors) for one in PARAMETERS),
                    *(_kind(row, kind, floors) for kind in kinds),
                ),
            )
            for row in rows[:MOST]
        ),
        n_left=max(0, len(rows) - MOST),
    )


def _parameter(row: Row, name: str, floors: Floors) -> Gain:
    assert row.result is not None
    found, floor = row.result["parameters"][name], floors.parameters[name]
    key = "l1" if found["type"] == "continuous" else "f1"
    open_part = floor if key == "l1" else 1.0 - floor
    if found[key] is None or open_part <= 0:
        return Gain("–", None)
    sign = -1.0 if key == "l1" else 1.0
    ends = found["intervals"].get(key)
    sure = ends is not None and not ends[0] <= floor <= ends[1]
    return _gain(sign * (found[key] - floor) / open_part, sure)


def _kind(row: Row, kind: str, floors: Floors) -> Gain:
    assert row.result is not None
    of_kind = {key: gm["l1"] for key, gm in row.result["gms"].items() if gm["kind"] == kind}
    floor = float(np.mean([floors.gms[key] for key in of_kind]))
    error = float(np.mean(list(of_kind.values())))
    return _gain(1.0 - error / floor, False) if floor > 0 else Gain("–", None)


def _gain(share: float, sure: bool) -> Gain:
    text = f"{100 * share:.0f}".replace("-", "−")
    return Gain("0" if text == "−0" else text, int(np.searchsorted(_STEPS, share)), sure)


def _short(name: str) -> str:
    """Returns a parameter's name as a heading of a narrow column has room for it."""
    return name.removeprefix("loss_").replace("_", " ")
