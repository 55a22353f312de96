"""Replicas: a small GM trained by this project for each of the published ones.

`tables/replicas.csv` has one row for each of the 116 GMs of red116 and the paper's seven diffusion
models: who published it, which network and objective it has, what it starts from, and what is
smaller here. A replica takes the layer structure and the discrete classes of its published label
row; its layers are narrow, so it aims at no particular number of `filters` or `parameters`. Two
things can make it aim at something other than the row:

1. `upsampling` and `skip_connection`, which may be swapped in the published arrays, and losses
   that make no trainable objective (BigGAN with L1 alone): the method as published decides.
2. Rows that contradict themselves (a class of norm layers, but no norm layer) or that no network
   can have by the definitions of docs/labels.md: see `tables/replica_differences.csv`, which gives
   a reason for each.

`intended_row` returns what a replica aims at, `planned_differences` every cell in which that
differs from the published row. The labels of a trained replica are measured, never taken from here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from gmbench.benchmark import catalog
from gmbench.benchmark.catalog import GM, TABLES
from gmbench.benchmark.splits import PREFIX, read_sets
from gmbench.errors import UnknownNameError
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES, NAMES, get_parameter
from gmbench.zoo.like import DrawnGM
from gmbench.zoo.replica_table import DOUBTFUL, Replica, published_gms, read_replicas

UNAIMED: tuple[str, ...] = ("filters", "parameters")
"""Counts that depend on the width of layers alone; replicas are narrow and do not aim at them."""

AIMED: tuple[str, ...] = tuple(
    parameter.name
    for parameter in (*CONTINUOUS, *DISCRETE)
    if parameter.name not in (*UNAIMED, *DOUBTFUL)
)
"""The 11 architecture parameters that replicas take from the published rows."""

_TABLE, _DIFFERENCES = TABLES / "replicas.csv", TABLES / "replica_differences.csv"


@dataclass(frozen=True, slots=True)
class PlannedDifference:
    """A cell in which a replica aims at something other than the published row.

    Attributes:
        gm: Name of the published GM.
        parameter: Name of the parameter.
        published: Value in the published row.
        intended: Value that the replica aims at.
        reason: Why they differ, in one sentence.
    """

    gm: str
    parameter: str
    published: float
    intended: float
    reason: str


@cache
def replicas() -> tuple[Replica, ...]:
    """Returns the replica of every published GM, in the order of the published tables."""
    return read_replicas(_TABLE)


def replica(name: str) -> Replica:
    """Returns a replica by the name of its published GM or by its own name.

    Raises:
        UnknownNameError: No published GM has that name.
    """
    return _by_name()[_published_name(name)]


def intended_row(name: str) -> dict[str, float | None]:
    """Returns the label values that a replica aims at, by parameter, in the schema's order.

    Args:
        name: Name of the published GM, or of its replica.

    Returns:
        25 values: counts, class indices, 0 or 1; None for `UNAIMED`.

    Raises:
        UnknownNameError: No published GM has that name.
    """
    gm = published_gms()[_published_name(name)]
    row: dict[str, float | None] = dict(zip(NAMES, gm.values, strict=True))
    row |= {parameter: value for parameter, (value, _) in _changes(gm).items()}
    return row | dict.fromkeys(UNAIMED)


def replica_sets(group: str = "red116") -> dict[str, tuple[str, ...]]:
    """Returns the sets of a group under `splits/`, such as the paper's four, with replicas' names.

    Raises:
        UnknownNameError: There is no such group.
    """
    return read_sets(group, published_gms(), PREFIX)


def drawn_replica(drawn: DrawnGM, made: Mapping[str, Replica] | None = None) -> Replica:
    """Returns how a GM that was drawn is made: like its base, except for what it took.

    Args:
        drawn: One of `like_rows(intended_gms(), ...)`. If it took losses from its relative, it
            takes the relative's objective too.
        made: How the rows that it was drawn from are made, by name; None for the published ones.

    Raises:
        UnknownNameError: It was drawn from a table other than that of `made`.
    """
    known = _by_name() if made is None else made
    took_losses = any(loss.name in drawn.exchanged for loss in LOSSES)
    for name in (drawn.base, drawn.relative):
        if name not in known:
            raise UnknownNameError("GM", name, known, f"{drawn.gm.name} was drawn from it.")
    return with_row(
        known[drawn.base], drawn.gm, known[drawn.relative if took_losses else drawn.base]
    )


def with_row(base: Replica, gm: GM, objective: Replica, content: str = "") -> Replica:
    """Returns a replica for another row, with that row's name, classes and losses.

    Args:
        base: The replica whose family and start it has.
        gm: The row.
        objective: The replica whose objective it has.
        content: The content that it makes; the base's if empty.
    """
    row = dict(zip(NAMES, gm.values, strict=True))
    chosen = {name: get_parameter(name).classes[int(row[name])] for name in DOUBTFUL}
    return replace(
        base,
        gm=gm.name,
        objective=objective.objective,
        published_objective=objective.published_objective,
        content=content or base.content,
        upsampling=chosen["upsampling"],
        skip_connection=chosen["skip_connection"],
        losses=tuple(loss.name for loss in LOSSES if row[loss.name]),
        objective_of="",
    )


def intended_gms(table: str = "red116") -> tuple[GM, ...]:
    """Returns the GMs of a published table with the label rows that their replicas aim at.

    The counts that depend on width alone are the published ones: new GMs are drawn from rows
    (`like.like_rows`), and the replicas' own widths are chosen where they are built.

    Args:
        table: `red116`, or `red116-dm` to include the diffusion models.
    """
    diffusion = catalog.diffusion7() if table == "red116-dm" else ()
    return tuple(
        replace(
            gm,
            values=tuple(
                published if (value := row[name]) is None else value
                for name, published in zip(NAMES, gm.values, strict=True)
            ),
        )
        for gm in (*catalog.red116(), *diffusion)
        for row in [intended_row(gm.name)]
    )


def planned_differences(name: str | None = None) -> tuple[PlannedDifference, ...]:
    """Returns every cell in which replicas aim at something other than the published rows.

    Args:
        name: The published GM or its replica; None for all.

    Raises:
        UnknownNameError: No published GM has that name.
    """
    wanted = published_gms() if name is None else (_published_name(name),)
    return tuple(found for gm in wanted for found in _differences(published_gms()[gm]))


@cache
def _by_name() -> Mapping[str, Replica]:
    return {one.gm: one for one in replicas()}


def _published_name(name: str) -> str:
    published = name.removeprefix(PREFIX)
    if published not in published_gms():
        raise UnknownNameError("GM", name, published_gms(), "The replicas are those of red116-dm.")
    return published


@cache
def _structural() -> Mapping[str, Mapping[str, tuple[float, str]]]:
    """Returns the value and the reason of each cell of the table of differences, by GM."""
    found: dict[str, dict[str, tuple[float, str]]] = {}
    with _DIFFERENCES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            classes = get_parameter(row["parameter"]).classes
            value = classes.index(row["value"]) if classes else int(row["value"])
            found.setdefault(row["gm"], {})[row["parameter"]] = (float(value), row["reason"])
    return found


def _changes(gm: GM) -> dict[str, tuple[float, str]]:
    """Returns the values that override a replica's published row, with reasons, by parameter."""
    one = _by_name()[gm.name]
    changes = dict(_structural().get(gm.name, {}))
    for name, chosen in zip(DOUBTFUL, (one.upsampling, one.skip_connection), strict=True):
        index = get_parameter(name).classes.index(chosen)
        changes[name] = (
            float(index),
            "Published columns that may be swapped: the method as published decides.",
        )
    row = [loss.name for loss in LOSSES if gm.values[NAMES.index(loss.name)]]
    for loss in LOSSES:
        changes[loss.name] = (
            float(loss.name in one.losses),
            f"The row's {', '.join(row)} make no trainable objective: the method's own decides.",
        )
    return changes


def _differences(gm: GM) -> Iterator[PlannedDifference]:
    changes = _changes(gm)
    for parameter, published in zip(NAMES, gm.values, strict=True):
        intended, reason = changes.get(parameter, (published, ""))
        if intended != published:
            yield PlannedDifference(gm.name, parameter, published, intended, reason)
