"""Plans of zoos that are like a table of labels: replicas of its rows, or new GMs of their kind.

A row of red116 or red116-dm has its replica (`replicas`). A row of any other table is made as the
replica of the published GM that it is nearest to, with the row's own structure, classes and losses.
A new GM starts from a row and takes some choices of a relative of it (`like`).
"""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from gmbench.benchmark.catalog import GM
from gmbench.errors import BenchmarkError, DatasetError, GmbenchError, UnknownNameError
from gmbench.schema import LOSSES, N_CONTINUOUS, NAMES
from gmbench.zoo.content import CONTENTS, load_content
from gmbench.zoo.label_table import read_label_table
from gmbench.zoo.like import like_rows
from gmbench.zoo.plan import SIZES, ZooPlan, check_plan
from gmbench.zoo.replica_specifications import specification_of
from gmbench.zoo.replica_table import OBJECTIVES, Replica, published_gms
from gmbench.zoo.replicas import drawn_replica, intended_gms, replica, replica_sets, with_row
from gmbench.zoo.specification import Specification

TABLES: tuple[str, ...] = ("red116", "red116-dm")
"""Published tables that there are replicas of; all other tables are files."""

_FEW = 64
"""Real images that a network is built with to see whether it can be."""

_SHOWN = 10
"""Faults that an error names."""


def plan_like(
    table: str,
    images_per_gm: int,
    *,
    n_gms: int | None = None,
    size: int | None = None,
    seed: int = 0,
    name: str = "zoo",
) -> ZooPlan:
    """Plans a zoo like a table of labels and loads the real images that it is trained on.

    Args:
        table: `red116`, `red116-dm` (the diffusion models too), or a CSV file of labels.
        images_per_gm: Images of each GM.
        n_gms: New GMs to be drawn from the rows' joint distribution; None for the rows themselves.
        size: Height and width of all images in pixels; None for each GM's own.
        seed: Seed of everything.
        name: Name of the benchmark; new GMs are called by it.

    Raises:
        DatasetError: A number is out of range.
        UnknownNameError: `table` is neither a name nor a file.
        BenchmarkError: The file is no table of labels, or one of its rows cannot be built.
        SourceError: Real images cannot be read.
    """
    from gmbench.zoo.population import KIND_MODULES

    if size not in (None, *SIZES):
        raise DatasetError(
            f"Images of {size} pixels cannot be made: give --size {' or '.join(map(str, SIZES))}."
        )
    if images_per_gm < 1 or (n_gms is not None and n_gms < 1):
        raise DatasetError(
            "A zoo needs GMs and images. Give --gms and --images-per-gm of 1 or more."
        )
    prefix = "LIKE_" if name == "zoo" else f"{name.upper()}_"
    population = _population(table, n_gms, size, seed, prefix)
    needs = sorted({need for gm in population for need in gm.needs})
    plan = ZooPlan(
        population=population,
        modules=dict(KIND_MODULES),
        contents=tuple(load_content(content, side, seed) for content, side in needs),
        images_per_gm=images_per_gm,
        seed=seed,
        real_per_content=2 * images_per_gm,
        sets=replica_sets() if table in TABLES and n_gms is None else None,
        name=name,
    )
    check_plan(plan)
    if table not in TABLES:
        check_buildable(plan)
    return plan


def _population(
    table: str, n_gms: int | None, size: int | None, seed: int, prefix: str
) -> tuple[Specification, ...]:
    if table in TABLES:
        rows = intended_gms(table)
        made = {gm.name: replica(gm.name) for gm in rows}
    elif Path(table).is_file():
        rows = read_label_table(Path(table))
        made = {gm.name: replica_like(gm) for gm in rows}
    else:
        raise UnknownNameError(
            "Table", table, TABLES, f"Give {', '.join(TABLES)} or a CSV file of labels."
        )
    if n_gms is None:
        wanted = [(made[gm.name].name if table in TABLES else gm.name, gm) for gm in rows]
        replicas_of = [made[gm.name] for gm in rows]
    else:
        drawn = like_rows(rows, n_gms, seed, prefix)
        wanted = [(one.gm.name, one.gm) for one in drawn]
        replicas_of = [drawn_replica(one, made) for one in drawn]
    return tuple(
        replace(
            specification_of(
                one if size is None else replace(one, size=size),
                _seed_of(seed, name),
                dict(zip(NAMES, gm.values, strict=True)),
            ),
            name=name,
        )
        for (name, gm), one in zip(wanted, replicas_of, strict=True)
    )


def replica_like(gm: GM) -> Replica:
    """Returns how a GM of another table than the published ones is made.

    Its family, start and content are those of the nearest published GM of its kind (the content its
    own, where the zoo has it); its objective is that of the nearest one with its losses, or, for a
    GAN or VAE, of the nearest one whose objective is among them.

    Args:
        gm: A row of the table.

    Raises:
        BenchmarkError: No family of its kind can be trained with its losses.
    """
    near = _nearest(gm)
    losses = tuple(loss.name for loss in LOSSES if gm.values[NAMES.index(loss.name)])
    objectives = [one for one in near if one.losses == losses]
    if gm.kind in ("GAN", "VAE"):
        # What goes beyond their objective becomes a further term of it.
        objectives += [one for one in near if set(OBJECTIVES[one.objective]) <= set(losses)]
    if not objectives:
        raise BenchmarkError(
            f"{gm.name}: no family of kind {gm.kind} is trained with "
            f"{' and '.join(losses) or 'no loss'}. The nearest that can be built is the row of "
            f"{near[0].gm}, with {' and '.join(near[0].losses)}."
        )
    own_content = gm.content in CONTENTS and gm.content != near[0].source
    return with_row(near[0], gm, objectives[0], gm.content if own_content else "")


def _nearest(gm: GM) -> list[Replica]:
    """Returns the replicas of a GM's kind, those whose rows are nearest to its own first."""
    of_kind = [replica(one.name) for one in published_gms().values() if one.kind == gm.kind]
    rows = np.array([published_gms()[one.gm].values for one in of_kind])
    own = np.array(gm.values)
    span = np.ptp(rows[:, :N_CONTINUOUS], axis=0)
    counts = np.abs(rows - own)[:, :N_CONTINUOUS] / np.where(span > 0, span, 1.0)
    distances = counts.mean(axis=1) + (rows != own)[:, N_CONTINUOUS:].mean(axis=1)
    return [of_kind[i] for i in np.argsort(distances, kind="stable")]


def check_buildable(plan: ZooPlan) -> None:
    """Builds every network of a plan once, untrained, so that no build stops at the last GM.

    Args:
        plan: The plan.

    Raises:
        BenchmarkError: A row has counts that no network of its family can have. The first ten are
            named, each with the nearest published row of its kind.
    """
    import torch

    faults = []
    for gm in plan.population:
        real = [torch.from_numpy(plan.by_key[need].train[:_FEW].copy()) for need in gm.needs]
        try:
            importlib.import_module(plan.modules[gm.kind]).train(replace(gm, steps=0), *real)
        except (GmbenchError, ValueError, RuntimeError, IndexError, ZeroDivisionError) as error:
            faults.append(f"{gm.name} ({gm.family}): {str(error).splitlines()[0]}")
    if faults:
        more = [f"... and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise BenchmarkError("\n".join(["Rows that cannot be built:", *faults[:_SHOWN], *more]))


def _seed_of(seed: int, name: str) -> int:
    """Returns the seed of a GM: of its name alone beside the zoo's, wherever its row stands."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4]) >> 1
