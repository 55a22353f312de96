"""Plans of zoos that resemble a table of labels: replicas of its rows, or new GMs like them.

A row of red116 or red116-dm has its replica (`replicas`), even if it comes from a user's file. Any
other row is made like the replica of the nearest published GM, with its own structure, classes and
losses. A new GM starts from a row and takes some choices from a relative of it (`like`).
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gmbench.benchmark.catalog import GM
from gmbench.benchmark.label_table import read_label_table
from gmbench.errors import BenchmarkError, DatasetError, GmbenchError, UnknownNameError
from gmbench.schema import LOSSES, NAMES
from gmbench.zoo.content import CONTENTS, load_content
from gmbench.zoo.kinds.row_plan import COUNTS
from gmbench.zoo.like import like_rows, nearest_first
from gmbench.zoo.plan import SIZES, ZooPlan, check_plan
from gmbench.zoo.replica_specifications import specification_of
from gmbench.zoo.replica_table import FIXED, OBJECTIVES, Replica, published_gms
from gmbench.zoo.replicas import drawn_replica, intended_gms, replica, replica_sets, with_row
from gmbench.zoo.specification import Specification

TABLES: tuple[str, ...] = ("red116", "red116-dm")
"""Published tables whose rows have replicas; all other tables are files."""

_FEW = 64
"""Number of real images that a network is built with to check that it can be."""

MOST_LAYERS = 1_000
"""Largest of a row's counts of layers and blocks; with others, building would not end."""

_SHOWN = 10
"""Maximum number of faults that an error names."""

_ENLARGED: tuple[str, ...] = ("noise", "class", "thumbnail")
"""Starts from which every image is enlarged, also where nothing is scaled down before."""

_GAMES: tuple[str, ...] = ("GAN", "VAE")
"""Kinds whose objectives take further losses as terms; the losses of other kinds are fixed."""


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
        images_per_gm: Number of images per GM.
        n_gms: Number of new GMs to draw from the rows' joint distribution; None for the rows
            themselves.
        size: Height and width of all images in pixels; None for each GM's own.
        seed: Seed of everything.
        name: Name of the benchmark; new GMs are named after it.

    Raises:
        DatasetError: A number is out of range, or `n_gms` is given for `red116-dm`.
        UnknownNameError: `table` is neither a name nor a file.
        BenchmarkError: The file is not a table of labels, or one of its rows cannot be built.
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
    if table == "red116-dm" and n_gms is not None:
        raise DatasetError(
            "New GMs cannot be drawn from red116-dm: its seven diffusion rows differ in nothing "
            "that could be exchanged. Give --like red116."
        )
    prefix = "LIKE_" if name == "zoo" else f"{name.upper()}_"
    wanted = _wanted(table, n_gms, seed, prefix)
    population = tuple(_specification(gm, one, size, seed) for gm, one in wanted)
    needs = sorted({need for gm in population for need in gm.needs})
    plan = ZooPlan(
        population=population,
        modules=dict(KIND_MODULES),
        contents=tuple(load_content(content, side, seed) for content, side in needs),
        images_per_gm=images_per_gm,
        seed=seed,
        # The folders of replicas are small: as many real images per content as per GM will do.
        real_per_content=images_per_gm,
        sets=replica_sets() if table in TABLES and n_gms is None else None,
        name=name,
    )
    check_plan(plan)
    if table not in TABLES:
        check_buildable(plan, [gm for gm, _ in wanted])
    return plan


def _wanted(table: str, n_gms: int | None, seed: int, prefix: str) -> list[tuple[GM, Replica]]:
    """Returns the rows to make, under the names of their GMs, and how each is made."""
    if table in TABLES:
        rows = intended_gms(table)
        made = {gm.name: replica(gm.name) for gm in rows}
    elif Path(table).is_file():
        rows, made = _made_like(read_label_table(Path(table)))
    else:
        raise UnknownNameError(
            "Table", table, TABLES, f"Give {', '.join(TABLES)} or a CSV file of labels."
        )
    if n_gms is not None:
        fixed = {gm.name: _fixed(gm, made[gm.name]) for gm in rows}
        drawn = like_rows(rows, n_gms, seed, prefix, fixed)
        return [(one.gm, drawn_replica(one, made)) for one in drawn]
    if table in TABLES:
        return [(replace(gm, name=made[gm.name].name), made[gm.name]) for gm in rows]
    return [(gm, made[gm.name]) for gm in rows]


def _fixed(gm: GM, made: Replica) -> tuple[str, ...]:
    """Returns the parameters that the network made for a row has no choice of."""
    enlarges = made.start in _ENLARGED or gm.values[NAMES.index("downsampling")]
    return (*FIXED.get(made.family, ()), *(() if enlarges else ("upsampling",)))


def _made_like(rows: Sequence[GM]) -> tuple[tuple[GM, ...], dict[str, Replica]]:
    """Returns the rows of a user's table as they can be made, and how each is made, by name.

    A published row may have losses that nothing can be trained with; its replica knows the method.
    """
    intended = {gm.name: gm for gm in intended_gms("red116-dm")}
    aimed, made, faults = [], {}, []
    for gm in rows:
        labels = dict(zip(NAMES, gm.row(), strict=True))
        if unknown := [name for name, value in labels.items() if value is None]:
            faults.append(f"{gm.name}: a network needs every label; fill in {', '.join(unknown)}.")
            continue
        if many := [name for name in COUNTS if (labels[name] or 0) > MOST_LAYERS]:
            faults.append(
                f"{gm.name}: {many[0]} is {labels[many[0]]:,.0f}; there can be {MOST_LAYERS:,}."
            )
            continue
        alike = [
            name
            for name, published in published_gms().items()
            if (published.kind, published.values) == (gm.kind, gm.values)
        ]
        if alike:
            name = gm.name if gm.name in alike else alike[0]
            base, gm = replica(name), replace(gm, values=intended[name].values)
            same = with_row(base, gm, base, _content(gm, base))
            made[gm.name] = replace(same, objective_of=base.gm)
        else:
            try:
                made[gm.name] = replica_like(gm)
            except BenchmarkError as error:
                faults.append(str(error))
        aimed.append(gm)
    _refuse(faults)
    return tuple(aimed), made


def _content(gm: GM, base: Replica) -> str:
    """Returns a row's own content if the zoo has it and the base does not start from it."""
    return gm.content if gm.content in CONTENTS and gm.content != base.source else ""


def _specification(gm: GM, made: Replica, size: int | None, seed: int) -> Specification:
    made = made if size is None else replace(made, size=size)
    values = dict(zip(NAMES, gm.values, strict=True))
    return replace(specification_of(made, _seed_of(seed, gm.name), values), name=gm.name)


def replica_like(gm: GM) -> Replica:
    """Returns how a GM that is not in the published tables is made.

    Its family, start and content are those of the nearest published GM of its kind that can be
    trained with its losses (its own content, if the zoo has it). Its objective is that of the same
    GM or, for a GAN or VAE, that of the nearest one with its losses or with some of them, in which
    case the others become further terms.

    Args:
        gm: A row of the table.

    Raises:
        BenchmarkError: No family of its kind can be trained with its losses.
    """
    losses = tuple(loss.name for loss in LOSSES if gm.values[NAMES.index(loss.name)])
    near = _nearest(gm)
    for base in near:
        content = _content(gm, base)
        for objective in _objectives(base, near, losses):
            made = with_row(base, gm, objective, content)
            if _trained_losses(made, gm) == losses:
                return made
    raise BenchmarkError(
        f"{gm.name}: no family of kind {gm.kind} is trained with "
        f"{' and '.join(losses) or 'no loss'}. The nearest that can be built is the row of "
        f"{near[0].gm}, with {' and '.join(near[0].losses)}."
    )


def _nearest(gm: GM) -> list[Replica]:
    """Returns the replicas of a GM's kind, the ones with the nearest rows first."""
    of_kind = [one for one in published_gms().values() if one.kind == gm.kind]
    return [replica(one.name) for one in nearest_first(gm, of_kind)]


def _objectives(base: Replica, near: list[Replica], losses: tuple[str, ...]) -> list[Replica]:
    """Returns the replicas whose objective a GM with a base may have, equal losses first."""
    if base.kind not in _GAMES:
        return [base] if base.losses == losses else []
    # An objective depends on the input: noise that can be recovered, a class, or an image.
    alike = [one for one in near if _comes_in(one) == _comes_in(base)]
    fit = [one for one in alike if set(OBJECTIVES[one.objective]) <= set(losses)]
    return sorted(fit, key=lambda one: one.losses != losses)


def _comes_in(made: Replica) -> str:
    return made.start if made.start in ("noise", "class") else "image"


def _trained_losses(made: Replica, gm: GM) -> tuple[str, ...]:
    """Returns the losses that a replica's objective sums up."""
    from gmbench.zoo.population import KIND_MODULES

    if made.kind not in _GAMES:
        return made.losses
    options = specification_of(made, values=dict(zip(NAMES, gm.values, strict=True))).options
    if "reconstruction" in options and set(made.losses) <= {"loss_adversarial", "loss_kl"}:
        return ()  # An autoencoder without a reconstruction loss.
    found: tuple[str, ...] = importlib.import_module(KIND_MODULES[made.kind]).losses_of(options)
    return found


def check_buildable(plan: ZooPlan, rows: Sequence[GM]) -> None:
    """Builds every network of a plan once, untrained, so that no build fails at the last GM.

    Args:
        plan: The plan.
        rows: The row of each GM of the population, in the same order.

    Raises:
        BenchmarkError: A row has counts that no network of its family can have. The first ten are
            named, each with the nearest published row of its kind.
    """
    import torch

    faults = []
    for gm, row in zip(plan.population, rows, strict=True):
        real = [torch.from_numpy(plan.by_key[need].train[:_FEW].copy()) for need in gm.needs]
        try:
            importlib.import_module(plan.modules[gm.kind]).train(replace(gm, steps=0), *real)
        except (GmbenchError, ValueError, RuntimeError, IndexError, ZeroDivisionError) as error:
            # Only an error of gmbench's own is in words that a reader of the table understands.
            own = isinstance(error, GmbenchError)
            why = str(error).splitlines()[0] if own else "no such network has these counts."
            faults.append(
                f"{gm.name} ({gm.family}): {why} "
                f"The nearest row that can be is that of {_nearest(row)[0].gm}."
            )
    _refuse(faults)


def _refuse(faults: list[str]) -> None:
    if faults:
        more = [f"... and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise BenchmarkError("\n".join(["Rows that cannot be built:", *faults[:_SHOWN], *more]))


def _seed_of(seed: int, name: str) -> int:
    """Returns a GM's seed, which depends only on the zoo's seed and its name, not on its place."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4]) >> 1
