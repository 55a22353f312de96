"""Draws new GMs from the joint distribution of a table of labels.

In a published population, norm, non-linearity, depth and losses are correlated. A new GM therefore
starts from a row of the table and takes some of its choices from a *relative*: a nearby row of the
same kind. The layer structure remains that of the row, since another row's classes fit it and
another row's counts would not; the width of the layers is drawn. No new GM is a twin of a row of
the table: its architecture differs from every row in more than width, so it can be used for
training whatever the test sets are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gmbench.benchmark.catalog import GM
from gmbench.errors import BenchmarkError
from gmbench.schema import KINDS, LOSSES, N_ARCHITECTURE, N_CONTINUOUS, NAMES
from gmbench.zoo.population import shares

CHOICES: tuple[tuple[str, ...], ...] = (
    ("normalization",),
    ("last_nonlinearity",),
    ("block_nonlinearity",),
    ("upsampling",),
    ("downsampling",),
    tuple(loss.name for loss in LOSSES),
)
"""What a GM may take from a relative, each group as a whole; `skip_connection` belongs to the
structure."""

WIDTHS = (0.5, 2.0)
"""Range of the width of a GM's layers relative to its row's; drawn on a logarithmic scale."""

_RELATIVES = 8
"""Number of nearest rows of its kind that a GM may take choices from."""

_TRIES = 200
_GAMES = ("loss_mmd", "loss_adversarial", "loss_wgan", "loss_hinge", "loss_ls")
"""Losses that play against a critic or compare samples: each is an objective by itself."""

_WIDTH_COLUMNS = (NAMES.index("filters"), NAMES.index("parameters"))
_NORMALIZATION = NAMES.index("normalization")


@dataclass(frozen=True, slots=True)
class DrawnGM:
    """A new GM, and what it was made from.

    Attributes:
        gm: Its name, kind and content, and the label row that it aims at.
        base: Name of the row that it started from.
        relative: Name of the row that it took choices from.
        exchanged: Parameters in which it differs from its base, apart from width.
        width: Width of its layers relative to its base's.
    """

    gm: GM
    base: str
    relative: str
    exchanged: tuple[str, ...]
    width: float


def like_rows(
    table: Sequence[GM],
    n: int,
    seed: int = 0,
    prefix: str = "LIKE_",
    fixed: Mapping[str, Collection[str]] | None = None,
) -> tuple[DrawnGM, ...]:
    """Draws new GMs like those of a table.

    Args:
        table: The GMs to resemble, such as `replicas.intended_gms()`.
        n: Number of GMs; the kinds keep their shares of the table, by largest remainder.
        seed: Seed of the draw.
        prefix: Prefix of the names, before `0001` and so on.
        fixed: Parameters that the network made for a row has no choice of, by name of the row: a GM
            that took only those from a relative would be the row's twin.

    Returns:
        The new GMs, kind by kind; none has the architecture of a row of the table, width aside.

    Raises:
        BenchmarkError: The number is below 1, the table is empty, or a kind has so few different
            rows that they yield nothing but twins.
    """
    if n < 1 or not table:
        raise BenchmarkError(f"{n} GMs like {len(table)}: give at least one of each.")
    generator = np.random.default_rng([seed, 0x11CE])
    taken = {_without_width(gm) for gm in table}
    drawn: list[DrawnGM] = []
    rows: set[tuple[float, ...]] = set()
    counts = Counter(gm.kind for gm in table)
    for kind, number in shares(n, {kind: counts[kind] for kind in KINDS if counts[kind]}).items():
        of_kind = [gm for gm in table if gm.kind == kind]
        relatives = [_relatives(gm, of_kind) for gm in of_kind]
        # Every row is the base as often as any other, give or take one.
        order = [
            row
            for _ in range(-(-number // len(of_kind)))
            for row in generator.permutation(len(of_kind)).tolist()
        ][:number]
        for base in order:
            found = None
            for attempt in range(_TRIES):
                # A row that yields nothing but twins gives its turn to another of its kind.
                row = base if attempt < _TRIES // 2 else int(generator.integers(len(of_kind)))
                kept = (fixed or {}).get(of_kind[row].name, ())
                found = _draw(of_kind[row], relatives[row], generator, kept)
                if found and _without_width(found.gm) not in taken and found.gm.values not in rows:
                    break
                found = None
            if found is None:
                raise BenchmarkError(
                    f"The {len(of_kind)} rows of kind {kind} give nothing but twins of each other "
                    f"after {_TRIES} draws. Give a table with more different rows of that kind."
                )
            rows.add(found.gm.values)
            name = f"{prefix}{len(drawn) + 1:04d}"
            drawn.append(replace(found, gm=replace(found.gm, name=name)))
    return tuple(drawn)


def nearest_first(gm: GM, others: Sequence[GM]) -> list[GM]:
    """Returns GMs sorted by the distance of their label rows from that of a GM.

    The distance is the mean absolute difference of the counts, each divided by its range over
    `others`, plus the share of the classes and losses that differ.
    """
    rows = np.array([other.values for other in others])
    own = np.array(gm.values)
    span = np.ptp(rows[:, :N_CONTINUOUS], axis=0)
    counts = np.abs(rows - own)[:, :N_CONTINUOUS] / np.where(span > 0, span, 1.0)
    distances = counts.mean(axis=1) + (rows != own)[:, N_CONTINUOUS:].mean(axis=1)
    return [others[i] for i in np.argsort(distances, kind="stable")]


def _relatives(gm: GM, of_kind: Sequence[GM]) -> list[GM]:
    """Returns the rows of a kind that are nearest to a GM's, the nearest first.

    Each has a class that the GM could take and does not have; of rows that would give the same
    choices, only the nearest is included.
    """
    found: dict[tuple[float, ...], GM] = {}
    for other in nearest_first(gm, of_kind):
        gives = tuple(
            other.values[NAMES.index(name)]
            for choice in CHOICES
            if _fits(choice, gm, other)
            for name in choice
        )
        classes = [name for choice in CHOICES[:-1] if _fits(choice, gm, other) for name in choice]
        if any(other.values[i] != gm.values[i] for i in map(NAMES.index, classes)):
            found.setdefault(gives, other)
    return list(found.values())[:_RELATIVES]


def _draw(
    base: GM, relatives: Sequence[GM], generator: np.random.Generator, fixed: Collection[str]
) -> DrawnGM | None:
    """Returns a GM that differs from a row, or None if the draw changed nothing."""
    width = float(np.exp(generator.uniform(*np.log(WIDTHS))))
    if not relatives:
        return None
    relative = relatives[int(generator.integers(len(relatives)))]
    values = list(base.values)
    for choice in CHOICES:
        takes = generator.random() < 0.5 and choice[0] not in fixed
        if takes and _fits(choice, base, relative):
            for name in choice:
                values[NAMES.index(name)] = relative.values[NAMES.index(name)]
    exchanged = tuple(name for name, a, b in zip(NAMES, values, base.values, strict=True) if a != b)
    filters, parameters = _WIDTH_COLUMNS
    values[filters] = float(round(values[filters] * width))
    values[parameters] = float(max(1, round(values[parameters] * width**2)))
    gm = replace(base, values=tuple(values), year=None)
    return DrawnGM(gm, base.name, relative.name, exchanged, width) if exchanged else None


def _fits(choice: tuple[str, ...], base: GM, relative: GM) -> bool:
    """Returns whether a row can take a choice of a relative and still be built and trained."""

    def has(gm: GM, name: str) -> bool:
        return gm.values[NAMES.index(name)] > 0

    if choice == ("normalization",):
        # Without norm layers, only the label would differ: the network would be the row's twin.
        same = base.values[_NORMALIZATION] == relative.values[_NORMALIZATION]
        normed = [has(gm, "norm_layers") for gm in (base, relative)]
        return all(normed) or (same and not any(normed))
    if len(choice) == 1:
        return True
    # Losses are taken together, and only by a network that is trained in the same way: by a game
    # or, in a kind without games, by the same choice of divergence and cross-entropy. A GAN without
    # any of these losses has its own objective.
    games = [any(has(gm, name) for name in _GAMES) for gm in (base, relative)]
    if any(games) or base.kind == "GAN":
        return all(games)
    return all(has(base, name) == has(relative, name) for name in ("loss_kl", "loss_ce"))


def _without_width(gm: GM) -> tuple[float, ...]:
    """Returns the architecture values, except those that depend on the width of layers alone."""
    return tuple(gm.values[i] for i in range(N_ARCHITECTURE) if i not in _WIDTH_COLUMNS)
